"""From a live function or class to its definition in the text that it was compiled from."""

import ast
import functools
import inspect
import linecache
import sys
from collections.abc import Callable, Iterator, Mapping, Sized
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import TypeAlias

from dynamic_sessions.errors import FunctionSourceError
from dynamic_sessions.functions.bindings import ModuleBindings, bindings_of
from dynamic_sessions.functions.cells import cell_texts
from dynamic_sessions.functions.parsing import parsed_statement
from dynamic_sessions.functions.scope import free_names, scoped_names

Definition: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

_LOCAL = "<locals>"


@dataclass(frozen=True, kw_only=True)
class Located:
    """A definition, the text around it, and the live module that the text became."""

    definition: Definition
    text: str
    bindings: ModuleBindings
    namespace: Mapping[str, object]


def locate(function: Callable[..., object]) -> Located:
    """Find a function's or a class's definition, below decorators that say what they wrap.

    Raises:
        FunctionSourceError: It cannot travel, or its text cannot be had.
        TypeError: It is not callable at all.
    """
    name = getattr(function, "__name__", None) or type(function).__name__
    if not callable(function):
        raise TypeError(f"{name} is neither a function nor the text of one.")
    plain = inspect.unwrap(function)
    if isinstance(plain, FunctionType):
        _check_stands_alone(plain)
        located, scopes = _located_function(plain)
    elif isinstance(plain, type):
        located, scopes = _located_class(plain)
    else:
        raise refusal(name, None, *_why_no_function(plain))
    if reason := dispatch_reason(function):
        raise refusal(name, located.definition.lineno, *reason)
    _check_scopes(located.definition, scopes)
    return located


def dispatch_reason(function: object) -> tuple[str, str] | None:
    """Return fault and cure of what functools.singledispatch made and functions were added to."""
    registry: object = getattr(function, "registry", None)
    if not (hasattr(function, "dispatch") and isinstance(registry, Sized) and len(registry) > 1):
        return None
    return (
        "is dispatched to functions that its own text does not name",
        "tell the types apart inside one function",
    )


def refusal(name: str | None, line: int | None, fault: str, cure: str) -> FunctionSourceError:
    """Return the error that names function, line, fault and cure."""
    place = f" (line {line})" if line else ""
    message = f"The function {name or 'given as text'}{place} {fault}: {cure}."
    return FunctionSourceError(message, function=name)


def _why_no_function(value: object) -> tuple[str, str]:
    if inspect.ismethod(value):
        return "is a bound method", "define a function that builds the object it needs"
    if isinstance(value, functools.partial):
        return "is a partial function of no function", "define a function that makes the call"
    if inspect.isbuiltin(value):
        return "is built in and has no text", "call it in a function of yours, and inject that"
    return "is an object that can be called, not a function", "define a function that calls it"


def _check_stands_alone(function: FunctionType) -> None:
    line = function.__code__.co_firstlineno
    if function.__name__ == "<lambda>":
        raise refusal("<lambda>", line, "is a lambda and has no name", "define it with def")
    outer = [name for name in function.__code__.co_freevars if name != function.__code__.co_name]
    if outer:
        raise _closure(function.__name__, line, outer)


def _closure(name: str, line: int, outer: list[str]) -> FunctionSourceError:
    return refusal(
        name,
        line,
        f"closes over {', '.join(map(repr, outer))} of what is around it, which does not travel",
        "pass it as an argument, or bind it inside the function or at the top of the module (a "
        "decorator's wrapper travels with functools.wraps)",
    )


def _check_scopes(definition: Definition, scopes: tuple[ast.AST, ...]) -> None:
    """Refuse a definition inside a function or a class that uses a name of that one."""
    bare = parsed_statement(ast.unparse(definition))
    free = free_names(bare)
    for scope in scopes:
        # What runs later does not see the names of a class around it.
        used = free.at_definition if isinstance(scope, ast.ClassDef) else free.all
        outer = sorted(used & scoped_names(scope) - {"staticmethod"})
        if outer:
            raise _closure(definition.name, definition.lineno, outer)


def _located_function(function: FunctionType) -> tuple[Located, tuple[ast.AST, ...]]:
    code = function.__code__
    text = _text_of_file(code.co_filename, function.__globals__)
    if not text:
        raise refusal(
            function.__name__,
            code.co_firstlineno,
            f"has no text to be found ({code.co_filename})",
            "pass the text of the function as a string",
        )
    bindings = _bindings_of(text)
    for node, scopes in _definitions_of(bindings.tree) if bindings else ():
        if bindings and not isinstance(node, ast.ClassDef) and _is_definition_of(code, node):
            _check_method(node, scopes)
            namespace = function.__globals__
            located = Located(definition=node, text=text, bindings=bindings, namespace=namespace)
            return located, scopes
    raise refusal(
        function.__name__,
        code.co_firstlineno,
        "is no longer where it was compiled from",
        "reload the module after the file was changed",
    )


def _is_definition_of(code: CodeType, node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    first = min([node.lineno, *(item.lineno for item in node.decorator_list)])
    return node.name == code.co_name and first == code.co_firstlineno


def _check_method(
    node: ast.FunctionDef | ast.AsyncFunctionDef, scopes: tuple[ast.AST, ...]
) -> None:
    is_static = any(
        isinstance(item, ast.Name) and item.id == "staticmethod" for item in node.decorator_list
    )
    if scopes and isinstance(scopes[-1], ast.ClassDef) and not is_static:
        raise refusal(
            node.name,
            node.lineno,
            "is a method",
            "define it as a function of the module, or make it a static method",
        )


def _located_class(kind: type) -> tuple[Located, tuple[ast.AST, ...]]:
    path = [part for part in kind.__qualname__.split(".") if part != _LOCAL]
    namespace = vars(sys.modules[kind.__module__]) if kind.__module__ in sys.modules else {}
    for text in _texts_with_class(kind, namespace):
        bindings = _bindings_of(text)
        if bindings is None:
            continue
        found = [
            (node, scopes)
            for node, scopes in _definitions_of(bindings.tree)
            if isinstance(node, ast.ClassDef) and [*map(_name_of, scopes), node.name] == path
        ]
        if len(found) > 1:
            raise refusal(
                kind.__name__, found[1][0].lineno, "is defined more than once", "rename one of them"
            )
        for node, scopes in found:
            located = Located(definition=node, text=text, bindings=bindings, namespace=namespace)
            return located, scopes
    raise refusal(
        kind.__name__,
        None,
        f"is a class without a text to be found (module {kind.__module__})",
        "call it in a function of yours, and inject that, or pass its text as a string",
    )


def _texts_with_class(kind: type, namespace: Mapping[str, object]) -> Iterator[str]:
    for member in vars(kind).values():
        plain = inspect.unwrap(member) if callable(member) else member
        if isinstance(plain, FunctionType) and plain.__qualname__.startswith(kind.__qualname__):
            yield _text_of_file(plain.__code__.co_filename, plain.__globals__)
    file = namespace.get("__file__")
    if isinstance(file, str):
        yield _text_of_file(file, namespace)
    yield from cell_texts()


def _text_of_file(filename: str, namespace: Mapping[str, object]) -> str:
    linecache.checkcache(filename)
    return "".join(linecache.getlines(filename, dict(namespace)))


def _bindings_of(text: str) -> ModuleBindings | None:
    try:
        return bindings_of(text)
    except SyntaxError:
        return None


@functools.lru_cache(maxsize=32)
def _definitions_of(
    tree: ast.Module,
) -> tuple[tuple[Definition, tuple[ast.AST, ...]], ...]:
    return tuple(_definitions(tree, ()))


def _definitions(
    node: ast.AST, scopes: tuple[ast.AST, ...]
) -> Iterator[tuple[Definition, tuple[ast.AST, ...]]]:
    """Yield every definition with the functions and classes around it, outermost first."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield child, scopes
            yield from _definitions(child, (*scopes, child))
        else:
            yield from _definitions(child, scopes)


def _name_of(scope: ast.AST) -> str:
    return getattr(scope, "name", "")
