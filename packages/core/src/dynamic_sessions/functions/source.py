"""From a callable, or from the text of one, to a specification: by syntax tree alone.

Nothing of the caller's is executed here. A function is read from the file it was compiled from;
what it uses of that file travels with it as text, or is recorded as impossible with the cure.
"""

import ast
import functools
import inspect
import linecache
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import FunctionType
from typing import TypeAlias

from dynamic_sessions.errors import FunctionSourceError
from dynamic_sessions.functions.bindings import (
    ImportBinding,
    ModuleBindings,
    NoBinding,
    StatementBinding,
    is_carried,
)
from dynamic_sessions.functions.layout import definition_text
from dynamic_sessions.functions.scope import bound_names, free_names
from dynamic_sessions.functions.spec import (
    FunctionSpec,
    InjectableFunction,
    Requirements,
    UnresolvedName,
    requirements_of,
)

REQUIREMENT_DECORATORS = frozenset(
    {
        "dynamic_sessions.with_requirements",
        "dynamic_sessions.functions.with_requirements",
        "dynamic_sessions.functions.spec.with_requirements",
    }
)

_Definition: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


def spec_of(function: InjectableFunction) -> FunctionSpec:
    """Return the specification of anything that can be injected.

    Raises:
        FunctionSourceError: The function cannot travel.
    """
    if isinstance(function, FunctionSpec):
        return function
    if isinstance(function, str):
        return spec_from_source(function)
    return spec_from_callable(function)


def spec_from_callable(
    function: Callable[..., object],
    *,
    requirements: Callable[[object], Requirements] = requirements_of,
    requirement_decorators: Collection[str] = (),
) -> FunctionSpec:
    """Read a function defined with def or async def from the file it came from.

    Args:
        function: The function. Decorators on it stay, and what they need travels with it.
        requirements: Looks up what was declared for a function or for a helper that it uses.
        requirement_decorators: Full names of further decorators that only declare requirements
            and are left out of the text.

    Raises:
        FunctionSourceError: The function cannot travel.
    """
    plain = _plain_function(function)
    text = _file_text(plain)
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise _moved(plain) from error
    reading = _Reading(
        text=text,
        bindings=ModuleBindings(tree),
        decorators=REQUIREMENT_DECORATORS | frozenset(requirement_decorators),
        namespace=plain.__globals__,
        requirements=requirements,
    )
    # A decorator between the two need not hand the declaration on.
    declared = requirements(function) | requirements(plain)
    return _travelling_spec(reading, _find_definition(tree, plain), declared)


def spec_from_source(
    text: str,
    *,
    name: str | None = None,
    packages: Sequence[str] = (),
    imports: Sequence[str] = (),
) -> FunctionSpec:
    """Read a function from text: imports, constants, helpers, and the function itself.

    Args:
        text: The text; it is parsed, never run.
        name: Which of its functions is meant; needed where it defines more than one.
        packages: PEP 508 requirements.
        imports: Import statements that the text relies on and does not contain.

    Raises:
        FunctionSourceError: The text is no Python, does more than import and define, or it is
            not clear which function is meant.
        ValueError: A requirement is malformed.
    """
    requirements = Requirements.checked(packages=packages, imports=imports)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        line = error.lineno if isinstance(error, SyntaxError) else None
        raise _refusal(name, line, f"is not valid Python ({error})", "correct the text") from error
    definition = _chosen_definition(tree, name)
    _check_only_definitions(tree, definition)
    reading = _Reading(text=text, bindings=ModuleBindings(tree), decorators=REQUIREMENT_DECORATORS)
    if any(map(reading.is_requirement_decorator, definition.decorator_list)):
        raise _refusal(
            definition.name,
            definition.lineno,
            "declares requirements by a decorator inside its text, where they cannot be read",
            "remove the decorator, and pass packages= and imports= to spec_from_source()",
        )
    return _travelling_spec(reading, definition, requirements)


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """One module's text, and how it is to be read."""

    text: str
    bindings: ModuleBindings
    decorators: Collection[str]
    namespace: Mapping[str, object] = field(default_factory=dict[str, object])
    """The live module, in which declared requirements of helper functions are looked up."""
    requirements: Callable[[object], Requirements] = requirements_of

    def is_requirement_decorator(self, decorator: ast.expr) -> bool:
        function = decorator.func if isinstance(decorator, ast.Call) else decorator
        return self.bindings.qualified_name(function) in self.decorators

    def text_of(self, statement: ast.stmt) -> str:
        return definition_text(self.text, statement, leave_out=self.is_requirement_decorator)


class _Luggage:
    """What travels with a function, gathered while its names are followed."""

    def __init__(self, reading: _Reading, declared: Requirements) -> None:
        self._reading = reading
        self.packages = dict.fromkeys(declared.packages)
        self.imports = dict.fromkeys(declared.imports)
        self.support: dict[str, None] = {}
        self.unresolved: list[UnresolvedName] = []
        self._seen = {name for line in declared.imports for name in _names_bound_in(line)}

    def pack(self, statement: ast.stmt) -> str:
        """Take everything along that a statement needs, and return its own text."""
        text = self._reading.text_of(statement)
        bare = ast.parse(text).body[0]
        self._seen |= bound_names(bare)
        free = free_names(bare)
        for name in sorted(free.all - self._seen):
            self._seen.add(name)
            self._resolve(name, statement, own_global=name in free.assigned)
        return text

    def _resolve(self, name: str, used_in: ast.stmt, *, own_global: bool) -> None:
        binding = self._reading.bindings.resolve(name)
        if isinstance(binding, ImportBinding):
            self.imports[binding.statement] = None
        elif isinstance(binding, StatementBinding):
            declared = self._reading.requirements(self._reading.namespace.get(name))
            self.packages |= dict.fromkeys(declared.packages)
            self.imports |= dict.fromkeys(declared.imports)
            self.support[self.pack(binding.statement)] = None
        elif isinstance(binding, NoBinding) and not own_global:
            line = _line_of_use(name, used_in)
            self.unresolved.append(UnresolvedName(name=name, line=line, reason=binding.reason))


def _travelling_spec(
    reading: _Reading, definition: _Definition, declared: Requirements
) -> FunctionSpec:
    luggage = _Luggage(reading, declared)
    source = luggage.pack(definition)
    return FunctionSpec(
        name=definition.name,
        source=source,
        packages=tuple(sorted(luggage.packages)),
        imports=tuple(sorted(luggage.imports)),
        support=tuple(sorted(luggage.support)),
        unresolved=tuple(luggage.unresolved),
    )


def _names_bound_in(text: str) -> set[str]:
    return {name for statement in ast.parse(text).body for name in bound_names(statement)}


def _line_of_use(name: str, statement: ast.stmt) -> int:
    lines = [
        node.lineno
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and node.id == name
    ]
    return min(lines, default=statement.lineno)


def _plain_function(function: Callable[..., object]) -> FunctionType:
    """Return the def behind a callable, below decorators that say what they wrap."""
    name = getattr(function, "__name__", None) or type(function).__name__
    if not callable(function):
        raise TypeError(f"{name} is neither a function nor the text of one.")
    plain = inspect.unwrap(function)
    if isinstance(plain, FunctionType):
        _check_stands_alone(plain)
        return plain
    raise _refusal(name, None, *_why_no_function(plain))


def _why_no_function(value: object) -> tuple[str, str]:
    if inspect.ismethod(value):
        return "is a bound method", "define a function that builds the object it needs"
    if isinstance(value, functools.partial):
        return "is a partial function", "define a function that makes the call"
    if isinstance(value, type):
        return "is a class", "define a function that uses it; the class travels with that function"
    if inspect.isbuiltin(value):
        return "is built in and has no text", "call it in a function of yours, and inject that"
    return "is an object that can be called, not a function", "define a function that calls it"


def _check_stands_alone(function: FunctionType) -> None:
    line = function.__code__.co_firstlineno
    if function.__name__ == "<lambda>":
        raise _refusal("<lambda>", line, "is a lambda and has no name", "define it with def")
    if function.__code__.co_freevars:
        names = ", ".join(repr(name) for name in function.__code__.co_freevars)
        raise _refusal(
            function.__name__,
            line,
            f"closes over {names} of the function around it, which does not travel",
            "pass it as an argument, or bind it inside the function or at the top of the module",
        )


def _file_text(function: FunctionType) -> str:
    filename = function.__code__.co_filename
    linecache.checkcache(filename)
    lines = linecache.getlines(filename, function.__globals__)
    if not lines:
        raise _refusal(
            function.__name__,
            function.__code__.co_firstlineno,
            f"has no text to be found ({filename})",
            "pass the text of the function as a string",
        )
    return "".join(lines)


def _find_definition(tree: ast.Module, function: FunctionType) -> _Definition:
    code = function.__code__
    for parent in ast.walk(tree):
        for node in ast.iter_child_nodes(parent):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            first = min([node.lineno, *(item.lineno for item in node.decorator_list)])
            if node.name != code.co_name or first != code.co_firstlineno:
                continue
            if isinstance(parent, ast.ClassDef) and not _is_static(node):
                raise _refusal(
                    node.name,
                    node.lineno,
                    "is a method",
                    "define it as a function of the module, or make it a static method",
                )
            return node
    raise _moved(function)


def _moved(function: FunctionType) -> FunctionSourceError:
    code = function.__code__
    return _refusal(
        function.__name__,
        code.co_firstlineno,
        f"is no longer where it was compiled from ({code.co_filename})",
        "reload the module after the file was changed",
    )


def _is_static(definition: _Definition) -> bool:
    return any(
        isinstance(item, ast.Name) and item.id == "staticmethod"
        for item in definition.decorator_list
    )


def _chosen_definition(tree: ast.Module, name: str | None) -> _Definition:
    found = {
        statement.name: statement
        for statement in tree.body
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    if name is not None and name in found:
        return found[name]
    if name is None and len(found) == 1:
        return next(iter(found.values()))
    defined = ", ".join(found) or "none"
    raise _refusal(
        name,
        None,
        f"is not to be told from its text, which defines: {defined}",
        "give the text one function, or say which with spec_from_source(text, name=...)",
    )


def _check_only_definitions(tree: ast.Module, definition: _Definition) -> None:
    for number, statement in enumerate(tree.body):
        is_docstring = (
            number == 0
            and isinstance(statement, ast.Expr)
            and isinstance(statement.value, ast.Constant)
        )
        if not is_docstring and not is_carried(statement):
            raise _refusal(
                definition.name,
                statement.lineno,
                "stands beside a statement that is no import, no definition and no constant",
                "move that statement into the function",
            )


def _refusal(name: str | None, line: int | None, fault: str, cure: str) -> FunctionSourceError:
    place = f" (line {line})" if line else ""
    message = f"The function {name or 'given as text'}{place} {fault}: {cure}."
    return FunctionSourceError(message, function=name)
