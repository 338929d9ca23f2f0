"""Injected functions as a model should know them."""

import ast
import re
from collections.abc import Callable, Iterable, Sequence

from dynamic_sessions.functions.module import FunctionModule
from dynamic_sessions.functions.parsing import parsed, parsed_statement
from dynamic_sessions.functions.scope import bound_names
from dynamic_sessions.functions.spec import FunctionSpec, InjectableFunction, imported_module
from dynamic_sessions.functions.stubs import Detail, stub, type_stub

FUNCTIONS_TEMPLATE = """\
The following Python functions are already defined for the code that you write. Call them by name.

{functions}"""

_PLACEHOLDER = re.compile(r"\{functions\}|\$\{functions\}|\$functions\b")
_CHARACTERS_PER_TOKEN = 4

# Everybody knows what these names mean.
_FAMILIAR_MODULES = frozenset(
    {"__future__", "collections.abc", "dataclasses", "enum", "typing", "typing_extensions"}
)

_Part = Callable[[Detail], str]


def describe_functions(
    functions: Sequence[InjectableFunction] | FunctionModule,
    template: str = FUNCTIONS_TEMPLATE,
    *,
    token_budget: int | None = None,
) -> str:
    """Return a description of injected functions for a prompt.

    It begins with the line that imports them from their module; then come dataclasses and other
    types that signatures mention, and a stub of each function, with the signature as written and
    the docstring.

    Args:
        functions: What was injected, or will be.
        template: Text in which {functions}, $functions or ${functions} stands for the
            description; every other dollar sign and brace is left alone.
        token_budget: What the whole text may come to, at four characters a token. To keep it,
            docstrings are cut to their first line, the longest first, and then left out; last go
            annotations.

    Raises:
        FunctionSourceError: A function cannot be injected at all.
        ValueError: The bare signatures are over the budget.
    """
    module = (
        functions
        if isinstance(functions, FunctionModule)
        else FunctionModule.from_functions(functions)
    )
    head, parts = _head(module), _parts(module)
    stubs = [part(Detail.FULL) for part in parts]
    if token_budget is not None:
        frame = _filled(template, [*head, *("" for _ in stubs)])
        copies = len(_PLACEHOLDER.findall(template))
        _shorten(stubs, parts, lambda size: len(frame) + copies * size, token_budget)
    return _filled(template, [*head, *stubs])


def _filled(template: str, sections: Sequence[str]) -> str:
    whole = "\n\n".join(sections)
    return _PLACEHOLDER.sub(lambda _: whole, template)


def _shorten(
    stubs: list[str], parts: Sequence[_Part], length_with: Callable[[int], int], token_budget: int
) -> None:
    """Give stubs less detail, level by level and the longest first, until the text keeps a budget.

    Args:
        stubs: The parts' texts, in full.
        parts: What the stubs are made from.
        length_with: Returns the length of the text whose stubs come to so many characters.
        token_budget: See describe_functions().
    """
    size = sum(map(len, stubs))
    for detail in list(Detail)[1:]:
        for number in sorted(range(len(stubs)), key=lambda n: len(stubs[n]), reverse=True):
            if _tokens(length_with(size)) <= token_budget:
                return
            shorter = parts[number](detail)
            size += len(shorter) - len(stubs[number])
            stubs[number] = shorter
    if _tokens(length_with(size)) > token_budget:
        raise ValueError(
            f"A description in {token_budget} tokens is not possible: the bare signatures come to "
            f"{_tokens(length_with(size))}."
        )


def _head(module: FunctionModule) -> list[str]:
    """Return the import lines that make every name of the stubs mean something."""
    if not module.specs:
        return []
    names = ", ".join((*module.names, *module.types))
    return [
        "\n".join([*_imports_of_signatures(module.specs), f"from {module.name} import {names}"])
    ]


def _parts(module: FunctionModule) -> list[_Part]:
    types: dict[str, _Part] = {}
    for spec in module.specs:
        for name in spec.types:
            types.setdefault(name, _type_part(spec, name))
    shown = [types[name] for name in module.types]
    return [*shown, *(_function_part(spec) for spec in module.specs)]


def _type_part(spec: FunctionSpec, name: str) -> _Part:
    return lambda detail: type_stub(spec, name, detail)


def _function_part(spec: FunctionSpec) -> _Part:
    return lambda detail: stub(spec, detail)


def _imports_of_signatures(specs: Iterable[FunctionSpec]) -> list[str]:
    found: set[str] = set()
    for spec in specs:
        stubs = [stub(spec, Detail.SIGNATURE)]
        stubs += [type_stub(spec, name, Detail.SIGNATURE) for name in spec.types]
        mentioned = {name for text in stubs for name in _names_in(text)}
        lines = (*spec.imports, *spec.annotation_imports, *spec.type_checking_imports)
        found |= {
            line
            for line in lines
            if imported_module(line) not in _FAMILIAR_MODULES
            and not mentioned.isdisjoint(bound_names(parsed_statement(line)))
        }
    return sorted(found)


def _names_in(text: str) -> set[str]:
    """Return the names in a text and in what it quotes: annotations may be strings."""
    names: set[str] = set()
    for node in ast.walk(parsed(text)):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.update(re.findall(r"[^\W\d]\w*", node.value))
    return names


def _tokens(characters: int) -> int:
    return -(-characters // _CHARACTERS_PER_TOKEN)
