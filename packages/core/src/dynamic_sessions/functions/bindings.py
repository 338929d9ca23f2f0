"""Where a module's top level gets a name from, and whether that can travel."""

import ast
import builtins
import functools
from dataclasses import dataclass
from typing import TypeAlias

from dynamic_sessions.functions.carried import (
    holds_only_on_the_host,
    is_carried,
    is_for_type_checkers,
)
from dynamic_sessions.functions.parsing import parsed
from dynamic_sessions.functions.scope import bound_names, imported_name
from dynamic_sessions.functions.spec import single_import

# Every module has a __file__, but the one of a session does not lead to the caller's files.
ALWAYS_THERE = frozenset(dir(builtins)) | {"__name__", "__doc__"}


@dataclass(frozen=True, kw_only=True)
class ImportBinding:
    """The name comes from an import statement, which can be repeated in the session."""

    statement: str
    module: str
    line: int


@dataclass(frozen=True, kw_only=True)
class StatementBinding:
    """The name comes from a definition or a constant, whose text can travel."""

    statement: ast.stmt


@dataclass(frozen=True, kw_only=True)
class NoBinding:
    """The name cannot be had in the session."""

    reason: str
    """Continues "uses 'name', which ..."."""
    is_unbound: bool = False
    """True if the text binds the name nowhere."""


Binding: TypeAlias = ImportBinding | StatementBinding | NoBinding


class ModuleBindings:
    """The names that the top level of one module's text binds.

    Attributes:
        tree: The text's syntax tree, which nobody changes.
    """

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self._imported = _imported_anywhere(tree)
        self._statements: dict[str, list[ast.stmt]] = {}
        self._type_checking: dict[str, ast.stmt] = {}
        for statement in tree.body:
            self._note(statement)

    def resolve(self, name: str) -> Binding | None:
        """Return where a name comes from; None if every session has it."""
        statements = self._statements.get(name)
        if not statements:
            return None if name in ALWAYS_THERE else self._unbound(name)
        last = statements[-1]
        if len(statements) > 1 and (same := _repeated_import(statements, name)):
            return same
        if len(statements) > 1 and not _are_overloads(statements):
            lines = ", ".join(str(statement.lineno) for statement in statements)
            return NoBinding(
                reason=f"is bound more than once (lines {lines}); give it one definition"
            )
        if isinstance(last, ast.Import | ast.ImportFrom):
            return _import_binding(last, name)
        if not is_carried(last, self.qualified_name):
            return NoBinding(reason=_live_value_reason(last))
        if line := self._line_of_change(name, last):
            return NoBinding(
                reason=f"is bound on line {last.lineno} and changed on line {line}, which does "
                "not travel; write it as one value, or build it inside the function"
            )
        return StatementBinding(statement=last)

    def type_checking_import(self, name: str) -> ImportBinding | None:
        """Return the import of a name that is there for type checkers alone."""
        statement = self._type_checking.get(name)
        if not isinstance(statement, ast.Import | ast.ImportFrom):
            return None
        binding = _import_binding(statement, name)
        return binding if isinstance(binding, ImportBinding) else None

    def type_alias(self, name: str) -> ast.stmt | None:
        """Return the statement that gives a type another name, if it does nothing else."""
        match self._statements.get(name):
            case [ast.Assign(targets=[ast.Name()], value=value) as statement] if _is_type(value):
                return statement
            case _:
                return None

    def qualified_name(self, expression: ast.expr) -> str | None:
        """Return the full dotted name of an expression whose root is imported anywhere here."""
        parts: list[str] = []
        while isinstance(expression, ast.Attribute):
            parts.append(expression.attr)
            expression = expression.value
        if not isinstance(expression, ast.Name):
            return None
        root = self._imported.get(expression.id)
        return ".".join([root, *reversed(parts)]) if root else None

    def _note(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.If) and is_for_type_checkers(statement.test):
            is_negated = isinstance(statement.test, ast.UnaryOp)
            checked, run = (
                (statement.orelse, statement.body)
                if is_negated
                else (statement.body, statement.orelse)
            )
            for inner in checked:
                self._type_checking.update(dict.fromkeys(bound_names(inner), inner))
            for inner in run:
                self._note(inner)
            return
        for name in bound_names(statement):
            self._statements.setdefault(name, []).append(statement)

    def _unbound(self, name: str) -> NoBinding:
        if statement := self._type_checking.get(name):
            return NoBinding(
                reason=f"is bound for type checkers alone (line {statement.lineno}); bind it "
                "outside of that condition"
            )
        if name == "__file__":
            return NoBinding(
                reason="names a file of this machine; upload that file to the session, and open "
                "it by its name there"
            )
        if "*" in self._statements:
            return NoBinding(
                reason="its module does not bind by name (a star import hides where it comes "
                "from); import it by name",
                is_unbound=True,
            )
        return NoBinding(
            reason="would not exist in the session; import or define it in the function or in "
            "its module, or inject the function that has this name",
            is_unbound=True,
        )

    def _line_of_change(self, name: str, binding: ast.stmt) -> int | None:
        """Return the line at which a statement of the top level changes a constant's value."""
        if not isinstance(binding, ast.Assign | ast.AnnAssign) or not _may_change(binding):
            return None
        for statement in self.tree.body:
            if not isinstance(statement, _DEFINITIONS) and _changes(statement, name):
                return statement.lineno
        return None


@functools.lru_cache(maxsize=32)
def bindings_of(text: str) -> ModuleBindings:
    """Return what a text binds. Functions of one file share the reading of it.

    Raises:
        SyntaxError, ValueError: The text is no Python.
    """
    return ModuleBindings(parsed(text))


_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _imported_anywhere(tree: ast.Module) -> dict[str, str]:
    """Return the full name of each name that an import binds, at the top level or deeper."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        for alias in node.names:
            name = imported_name(alias)
            whole = alias.name if alias.asname else name
            is_from = isinstance(node, ast.ImportFrom)
            found.setdefault(name, f"{node.module}.{alias.name}" if is_from else whole)
    return found


def _import_binding(statement: ast.Import | ast.ImportFrom, name: str) -> Binding:
    if isinstance(statement, ast.ImportFrom) and statement.level:
        return NoBinding(
            reason=f"is imported relatively on line {statement.lineno}, and the package around "
            "it does not exist in the session; define it in this module, or inject it as a "
            "function of its own"
        )
    alias = next(item for item in statement.names if imported_name(item) == name)
    return ImportBinding(
        statement=single_import(statement, alias),
        module=(statement.module or "") if isinstance(statement, ast.ImportFrom) else alias.name,
        line=statement.lineno,
    )


def _repeated_import(statements: list[ast.stmt], name: str) -> ImportBinding | None:
    """Return the import that does what all of these do, as `import os.path` does for `import os`."""
    bindings = [
        _import_binding(statement, name)
        for statement in statements
        if isinstance(statement, ast.Import | ast.ImportFrom)
    ]
    imports = [binding for binding in bindings if isinstance(binding, ImportBinding)]
    if len(imports) < len(statements):
        return None
    widest = max(imports, key=lambda binding: len(binding.module))
    return widest if all(_includes(widest, binding) for binding in imports) else None


def _includes(widest: ImportBinding, binding: ImportBinding) -> bool:
    if widest.statement == binding.statement:
        return True
    modules_alone = all(each.statement == f"import {each.module}" for each in (widest, binding))
    return modules_alone and widest.module.startswith(f"{binding.module}.")


def _are_overloads(statements: list[ast.stmt]) -> bool:
    *signatures, implementation = statements
    return isinstance(implementation, ast.FunctionDef | ast.AsyncFunctionDef) and all(
        isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)
        and any("overload" in ast.unparse(decorator) for decorator in item.decorator_list)
        for item in signatures
    )


def _may_change(binding: ast.Assign | ast.AnnAssign) -> bool:
    """Whether a constant has a list, a set or a dictionary in it."""
    return any(
        isinstance(node, ast.List | ast.Set | ast.Dict)
        or (isinstance(node, ast.Name) and node.id in {"dict", "list", "set"})
        for node in ast.walk(binding.value or ast.Pass())
    )


def _changes(statement: ast.stmt, name: str) -> bool:
    """Whether a statement writes into an object: X[...] = 1, X.attribute = 1, X.append(1)."""
    for node in ast.walk(statement):
        match node:
            case ast.Subscript(value=ast.Name(id=owner), ctx=ast.Store() | ast.Del()):
                pass
            case ast.Attribute(value=ast.Name(id=owner), ctx=ast.Store() | ast.Del()):
                pass
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=owner)))):
                pass
            case _:
                continue
        if owner == name:
            return True
    return False


def _is_type(value: ast.expr) -> bool:
    """Whether an expression could stand in an annotation."""
    match value:
        case ast.Subscript(value=inner, slice=arguments):
            return _is_type(inner) and _is_type(arguments)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _is_type(left) and _is_type(right)
        case ast.Tuple(elts=items) | ast.List(elts=items):
            return all(map(_is_type, items))
        case _:
            return isinstance(value, ast.Name | ast.Constant)


def _live_value_reason(statement: ast.stmt) -> str:
    if isinstance(statement, ast.If) and holds_only_on_the_host(statement.test):
        return (
            f"is bound on line {statement.lineno} under a condition that does not hold in the "
            "session; bind it outside of that condition"
        )
    return (
        f"is bound on line {statement.lineno} to a value that has no literal form; build it "
        "inside the function, or pass it as an argument"
    )
