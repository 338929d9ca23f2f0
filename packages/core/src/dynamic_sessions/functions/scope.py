"""What a module's top level binds, and what a piece of its text takes from there."""

import ast
import copy
import symtable
from collections.abc import Iterator
from dataclasses import dataclass

_COMPREHENSIONS = frozenset({"listcomp", "setcomp", "dictcomp", "genexpr"})


@dataclass(frozen=True, kw_only=True)
class FreeNames:
    """Names that a statement takes from the module around it."""

    at_definition: frozenset[str]
    """Needed when the statement itself runs: decorators, defaults, base classes."""
    at_call: frozenset[str]
    """Needed only when a function that it defines is called."""
    assigned: frozenset[str]
    """Names that its functions declare global and assign themselves."""

    @property
    def all(self) -> frozenset[str]:
        """Every name, whenever it is needed."""
        return self.at_definition | self.at_call


def free_names(statement: ast.stmt) -> FreeNames:
    """Return the names that a statement takes from its module; annotations do not count.

    Injected text is compiled with postponed annotations, so that none of them is evaluated.
    """
    bare = _AnnotationRemover().visit(copy.deepcopy(statement))
    text = ast.unparse(ast.Module(body=[bare], type_ignores=[]))
    top = symtable.symtable(text, "<statement>", "exec")
    own = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned()}
    own |= {symbol.get_name() for symbol in top.get_symbols() if symbol.is_imported()}
    now = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_referenced()}
    later: set[str] = set()
    assigned: set[str] = set()
    for table, deferred in _inner_tables(top, deferred=False):
        for symbol in table.get_symbols():
            if symbol.is_global():
                (later if deferred else now).add(symbol.get_name())
            if symbol.is_declared_global() and symbol.is_assigned():
                assigned.add(symbol.get_name())
    return FreeNames(
        at_definition=frozenset(now - own),
        at_call=frozenset(later - own),
        assigned=frozenset(assigned),
    )


def annotation_names(node: ast.AST) -> frozenset[str]:
    """Return the names in all annotations inside a statement, those in quotes included."""
    names: set[str] = set()
    for inner in ast.walk(node):
        match inner:
            case ast.FunctionDef(returns=annotation) | ast.AsyncFunctionDef(returns=annotation):
                names |= _names_in_annotation(annotation)
            case ast.arg(annotation=annotation) | ast.AnnAssign(annotation=annotation):
                names |= _names_in_annotation(annotation)
            case _:
                pass
    return frozenset(names)


def bound_names(statement: ast.stmt) -> frozenset[str]:
    """Return the names that a statement at the top level of a module binds there."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return frozenset({statement.name})
    names: set[str] = set()
    pending: list[ast.AST] = [statement]
    while pending:
        node = pending.pop()
        names |= _names_bound_by(node)
        if not isinstance(node, _SCOPES):
            pending.extend(ast.iter_child_nodes(node))
    return frozenset(names)


def imported_name(alias: ast.alias) -> str:
    """Return the name that one part of an import statement binds."""
    return alias.asname or alias.name.partition(".")[0]


def scoped_names(scope: ast.AST) -> frozenset[str]:
    """Return the names that a function or a class binds inside itself."""
    names: set[str] = set()
    for statement in getattr(scope, "body", ()):
        names |= bound_names(statement)
    if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
        names |= {node.arg for node in ast.walk(scope.args) if isinstance(node, ast.arg)}
    return frozenset(names)


_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def _names_bound_by(node: ast.AST) -> set[str]:
    match node:
        case ast.Import() | ast.ImportFrom():
            return {imported_name(alias) for alias in node.names}
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return {node.name}
        case ast.Name(ctx=ast.Store()):
            return {node.id}
        case _:
            return set()


def _names_in_annotation(annotation: ast.expr | None) -> set[str]:
    names: set[str] = set()
    pending: list[ast.AST] = [annotation] if annotation is not None else []
    while pending:
        node = pending.pop()
        match node:
            case ast.Name():
                names.add(node.id)
            case ast.Constant(value=str() as quoted):
                pending.extend(_parsed_annotation(quoted))
            case ast.Subscript(value=ast.Name(id="Literal") | ast.Attribute(attr="Literal")):
                pending.append(node.value)
            case _:
                pending.extend(ast.iter_child_nodes(node))
    return names


def _parsed_annotation(quoted: str) -> list[ast.AST]:
    try:
        return [ast.parse(quoted.strip(), mode="eval").body]
    except (SyntaxError, ValueError):
        return []


def _inner_tables(
    table: symtable.SymbolTable, *, deferred: bool
) -> Iterator[tuple[symtable.SymbolTable, bool]]:
    for child in table.get_children():
        waits = child.get_type() == "function" and child.get_name() not in _COMPREHENSIONS
        yield child, deferred or waits
        yield from _inner_tables(child, deferred=deferred or waits)


class _AnnotationRemover(ast.NodeTransformer):
    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        # An annotation without a value still makes its name local, so it must not vanish.
        node.annotation = ast.Constant(value=None)
        return self.generic_visit(node)
