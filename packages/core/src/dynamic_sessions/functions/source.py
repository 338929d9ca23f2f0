"""From a callable, or from the text of one, to a specification: by syntax tree alone.

Nothing of the caller's is executed here. A function is read from the file it was compiled from;
what it uses of that file travels with it as text, or is recorded as impossible with the cure.
"""

import ast
import functools
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import cast

from dynamic_sessions.functions.bindings import ModuleBindings, bindings_of
from dynamic_sessions.functions.carried import is_carried, is_for_type_checkers
from dynamic_sessions.functions.locating import Definition, locate, refusal
from dynamic_sessions.functions.luggage import Luggage, Reading
from dynamic_sessions.functions.parsing import parsed, parsed_statement
from dynamic_sessions.functions.partials import bound_arguments, name_of_partial, renamed
from dynamic_sessions.functions.scope import annotation_names
from dynamic_sessions.functions.spec import (
    FunctionSpec,
    InjectableFunction,
    Requirements,
    requirements_of,
)
from dynamic_sessions.functions.statements import statements_of

REQUIREMENT_DECORATORS = frozenset(
    {
        "dynamic_sessions.with_requirements",
        "dynamic_sessions.functions.with_requirements",
        "dynamic_sessions.functions.spec.with_requirements",
    }
)


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
    """Read a function or a class from the text it was compiled from.

    Args:
        function: What was defined with def, async def or class, or a functools.partial of that.
            Decorators on it stay, and what they need travels with it.
        requirements: Looks up what was declared for a function or for a helper that it uses.
        requirement_decorators: Full names of further decorators that only declare requirements
            and are left out of the text.

    Raises:
        FunctionSourceError: The function cannot travel.
    """
    if isinstance(function, functools.partial):
        partial = cast("functools.partial[object]", function)
        whole = spec_from_callable(
            partial.func, requirements=requirements, requirement_decorators=requirement_decorators
        )
        return _spec_of_partial(partial, whole, requirements(partial))
    located = locate(function)
    reading = Reading(
        text=located.text,
        bindings=located.bindings,
        decorators=REQUIREMENT_DECORATORS | frozenset(requirement_decorators),
        namespace=located.namespace,
        requirements=requirements,
    )
    # A decorator between the two need not hand the declaration on.
    declared = [requirements(layer) for layer in _layers(function)]
    return _travelling_spec(reading, located.definition, functools.reduce(_both, declared))


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
        name: Which of its functions or classes is meant; needed where it defines more than one
            function.
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
        bindings = bindings_of(text)
    except (SyntaxError, ValueError) as error:
        line = error.lineno if isinstance(error, SyntaxError) else None
        raise refusal(name, line, f"is not valid Python ({error})", "correct the text") from error
    definition = _chosen_definition(bindings.tree, name)
    _check_only_definitions(bindings, definition)
    reading = Reading(text=text, bindings=bindings, decorators=REQUIREMENT_DECORATORS)
    if any(map(reading.is_requirement_decorator, definition.decorator_list)):
        raise refusal(
            definition.name,
            definition.lineno,
            "declares requirements by a decorator inside its text, where they cannot be read",
            "remove the decorator, and pass packages= and imports= to spec_from_source()",
        )
    return _travelling_spec(reading, definition, requirements)


def _layers(function: object) -> Iterable[object]:
    """Yield a function, what it wraps, and so on to the definition itself."""
    seen: set[int] = set()
    while function is not None and id(function) not in seen:
        seen.add(id(function))
        yield function
        function = getattr(function, "__wrapped__", None)


def _both(one: Requirements, other: Requirements) -> Requirements:
    return one | other


def _travelling_spec(
    reading: Reading, definition: Definition, declared: Requirements
) -> FunctionSpec:
    luggage = Luggage(reading, declared)
    source = luggage.pack(definition)
    luggage.pack_annotations()
    support = tuple(sorted(luggage.support))
    return FunctionSpec(
        name=definition.name,
        source=source,
        packages=tuple(sorted(luggage.packages)),
        imports=tuple(sorted(luggage.imports)),
        annotation_imports=tuple(sorted(luggage.annotation_imports)),
        type_checking_imports=tuple(sorted(luggage.type_checking_imports)),
        support=support,
        types=_types_of_signature(source, support),
        unresolved=tuple(luggage.unresolved),
    )


def _types_of_signature(source: str, support: Sequence[str]) -> tuple[str, ...]:
    """Return the supporting types that a signature mentions, directly or through one another."""
    statements = {
        name: statement
        for text in support
        for statement in statements_of(text)
        if not statement.is_function
        for name in statement.bound
    }
    definition = parsed_statement(source)
    if isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef):
        definition.body = [ast.Pass()]
    found: set[str] = set()
    pending = annotation_names(definition) & statements.keys()
    while pending:
        found |= pending
        mentioned = {
            other
            for statement in map(statements.__getitem__, pending)
            for other in statement.annotations | statement.free.at_definition
        }
        pending = (mentioned & statements.keys()) - found
    return tuple(sorted(found))


def _spec_of_partial(
    partial: "functools.partial[object]", whole: FunctionSpec, declared: Requirements
) -> FunctionSpec:
    name = name_of_partial(partial)
    definition = parsed_statement(whole.source)
    if not isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef):
        raise refusal(name, None, "is a partial function of a class", "define a function for it")
    if not name.isidentifier():
        raise refusal(name, None, "has no usable name", "set its __name__ to an identifier")
    support = whole.support
    if _mentions(whole.name, [whole.source, *support]):
        if name == whole.name:
            raise refusal(
                name,
                None,
                "is a partial function of one that calls itself by the same name",
                "give it one of its own: partial.__name__ = '...'",
            )
        support = (*support, whole.source)
    required = Requirements(packages=whole.packages, imports=whole.imports) | declared
    return replace(
        whole,
        name=name,
        source=bound_arguments(partial, name).decorator + renamed(whole.source, definition, name),
        packages=tuple(sorted(required.packages)),
        imports=tuple(sorted(required.imports)),
        support=tuple(sorted(support)),
    )


def _mentions(name: str, texts: Iterable[str]) -> bool:
    return any(
        isinstance(node, ast.Name) and node.id == name
        for text in texts
        for node in ast.walk(parsed(text))
    )


def _chosen_definition(tree: ast.Module, name: str | None) -> Definition:
    definitions = {
        statement.name: statement
        for statement in tree.body
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    functions = [item for item in definitions.values() if not isinstance(item, ast.ClassDef)]
    if name is not None and name in definitions:
        return definitions[name]
    if name is None and len(functions) == 1:
        return functions[0]
    if name is None and not functions and len(definitions) == 1:
        return next(iter(definitions.values()))
    defined = ", ".join(definitions) or "none"
    raise refusal(
        name,
        None,
        f"is not to be told from its text, which defines: {defined}",
        "give the text one function, or say which with spec_from_source(text, name=...)",
    )


def _check_only_definitions(bindings: ModuleBindings, definition: Definition) -> None:
    for number, statement in enumerate(bindings.tree.body):
        is_docstring = (
            number == 0
            and isinstance(statement, ast.Expr)
            and isinstance(statement.value, ast.Constant)
        )
        is_checked_only = isinstance(statement, ast.If) and is_for_type_checkers(statement.test)
        travels = is_checked_only or is_carried(statement, bindings.qualified_name)
        if not is_docstring and not travels:
            raise refusal(
                definition.name,
                statement.lineno,
                "stands beside a statement that is no import, no definition and no constant",
                "move that statement into the function",
            )
