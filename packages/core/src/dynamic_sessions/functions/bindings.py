"""Where a module's top level gets a name from, and whether that can travel."""

import ast
import builtins
from dataclasses import dataclass
from typing import TypeAlias

from dynamic_sessions.functions.scope import bound_names, imported_name
from dynamic_sessions.functions.spec import single_import

ALWAYS_THERE = frozenset(dir(builtins)) | {"__name__", "__file__", "__doc__"}


@dataclass(frozen=True, kw_only=True)
class ImportBinding:
    """The name comes from an import statement, which can be repeated in the session."""

    statement: str


@dataclass(frozen=True, kw_only=True)
class StatementBinding:
    """The name comes from a definition or a constant, whose text can travel."""

    statement: ast.stmt


@dataclass(frozen=True, kw_only=True)
class NoBinding:
    """The name cannot be had in the session."""

    reason: str
    """Continues "uses 'name', which ..."."""


Binding: TypeAlias = ImportBinding | StatementBinding | NoBinding


class ModuleBindings:
    """The names that the top level of one module's text binds."""

    def __init__(self, tree: ast.Module) -> None:
        self._tree = tree
        self._statements: dict[str, list[ast.stmt]] = {}
        for statement in tree.body:
            for name in bound_names(statement):
                self._statements.setdefault(name, []).append(statement)

    def resolve(self, name: str) -> Binding | None:
        """Return where a name comes from; None if every session has it."""
        statements = self._statements.get(name)
        if not statements:
            return None if name in ALWAYS_THERE else NoBinding(reason=self._unbound_reason())
        last = statements[-1]
        if len(statements) > 1 and not _are_overloads(statements):
            lines = ", ".join(str(statement.lineno) for statement in statements)
            return NoBinding(
                reason=f"is bound more than once (lines {lines}); give it one definition"
            )
        if isinstance(last, ast.Import | ast.ImportFrom):
            return _import_binding(last, name)
        if is_carried(last):
            return StatementBinding(statement=last)
        return NoBinding(reason=_live_value_reason(last))

    def qualified_name(self, expression: ast.expr) -> str | None:
        """Return the full dotted name of an expression whose root is imported anywhere here."""
        parts: list[str] = []
        while isinstance(expression, ast.Attribute):
            parts.append(expression.attr)
            expression = expression.value
        if not isinstance(expression, ast.Name):
            return None
        root = self._imported_root(expression.id)
        return ".".join([root, *reversed(parts)]) if root else None

    def _imported_root(self, name: str) -> str | None:
        for node in ast.walk(self._tree):
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            for alias in node.names:
                if imported_name(alias) != name:
                    continue
                if isinstance(node, ast.ImportFrom):
                    return f"{node.module}.{alias.name}"
                return alias.name if alias.asname else name
        return None

    def _unbound_reason(self) -> str:
        if "*" in self._statements:
            return (
                "its module does not bind by name (a star import hides where it comes from); "
                "import it by name"
            )
        return (
            "would not exist in the session; import or define it in the function or in its "
            "module, or inject the function that has this name"
        )


def is_carried(statement: ast.stmt) -> bool:
    """Whether a top-level statement can be repeated in the session as it stands."""
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return True
        case ast.Import() | ast.ImportFrom() | ast.Pass():
            return True
        case ast.Assign(targets=targets, value=value):
            return all(_is_plain_target(target) for target in targets) and _is_literal(value)
        case ast.AnnAssign(target=ast.Name(), value=value):
            return value is None or _is_literal(value)
        case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=finalbody):
            inner = [*body, *orelse, *finalbody, *(line for item in handlers for line in item.body)]
            return all(is_carried(line) for line in inner)
        case ast.If(test=test, body=body, orelse=orelse):
            return not _holds_only_on_the_host(test) and all(
                is_carried(line) for line in [*body, *orelse]
            )
        case _:
            return False


def _import_binding(statement: ast.Import | ast.ImportFrom, name: str) -> Binding:
    if isinstance(statement, ast.ImportFrom) and statement.level:
        return NoBinding(
            reason=f"is imported relatively on line {statement.lineno}, and the package around "
            "it does not exist in the session; define it in this module, or inject it as a "
            "function of its own"
        )
    alias = next(item for item in statement.names if imported_name(item) == name)
    return ImportBinding(statement=single_import(statement, alias))


def _are_overloads(statements: list[ast.stmt]) -> bool:
    *signatures, implementation = statements
    return isinstance(implementation, ast.FunctionDef | ast.AsyncFunctionDef) and all(
        isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)
        and any("overload" in ast.unparse(decorator) for decorator in item.decorator_list)
        for item in signatures
    )


def _live_value_reason(statement: ast.stmt) -> str:
    if isinstance(statement, ast.If) and _holds_only_on_the_host(statement.test):
        return (
            f"is bound on line {statement.lineno} under a condition that does not hold in the "
            "session; bind it outside of that condition"
        )
    return (
        f"is bound on line {statement.lineno} to a value that has no literal form; build it "
        "inside the function, or pass it as an argument"
    )


def _holds_only_on_the_host(test: ast.expr) -> bool:
    names = {node.id for node in ast.walk(test) if isinstance(node, ast.Name)}
    names |= {node.attr for node in ast.walk(test) if isinstance(node, ast.Attribute)}
    return bool(names & {"TYPE_CHECKING", "__name__"})


def _is_plain_target(target: ast.expr) -> bool:
    if isinstance(target, ast.Tuple | ast.List):
        return all(_is_plain_target(item) for item in target.elts)
    return isinstance(target, ast.Name)


def _is_literal(value: ast.expr) -> bool:
    """Whether an expression is made of constants, containers of them, and arithmetic on them."""
    return all(
        isinstance(
            node,
            ast.Constant
            | ast.Tuple
            | ast.List
            | ast.Set
            | ast.Dict
            | ast.BinOp
            | ast.UnaryOp
            | ast.operator
            | ast.unaryop
            | ast.expr_context,
        )
        for node in ast.walk(value)
    )
