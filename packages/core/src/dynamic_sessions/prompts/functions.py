"""Injected functions as a model should know them."""

import re
from collections.abc import Sequence

from dynamic_sessions.functions.module import FunctionModule
from dynamic_sessions.functions.spec import InjectableFunction
from dynamic_sessions.functions.stubs import Detail, stub

FUNCTIONS_TEMPLATE = """\
The following Python functions are already defined for the code that you write. Call them by name.

{functions}"""

_PLACEHOLDER = re.compile(r"\{functions\}|\$\{functions\}|\$functions\b")
_CHARACTERS_PER_TOKEN = 4


def describe_functions(
    functions: Sequence[InjectableFunction] | FunctionModule,
    template: str = FUNCTIONS_TEMPLATE,
    *,
    token_budget: int | None = None,
) -> str:
    """Return a description of injected functions for a prompt.

    It begins with the line that imports them from their module; then comes a stub of each, with
    the signature as written and the docstring.

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
    details = [Detail.FULL] * len(module.specs)
    text = _filled(template, module, details)
    while token_budget is not None and _tokens(text) > token_budget:
        if not _reduce_longest(module, details):
            raise ValueError(
                f"A description in {token_budget} tokens is not possible: the bare signatures "
                f"come to {_tokens(text)}."
            )
        text = _filled(template, module, details)
    return text


def _filled(template: str, module: FunctionModule, details: Sequence[Detail]) -> str:
    stubs = [stub(spec, detail) for spec, detail in zip(module.specs, details, strict=True)]
    head = [f"from {module.name} import {', '.join(module.names)}"] if stubs else []
    text = "\n\n".join([*head, *stubs])
    return _PLACEHOLDER.sub(lambda _: text, template)


def _reduce_longest(module: FunctionModule, details: list[Detail]) -> bool:
    """Give one of the most detailed stubs a little less detail; say whether there was any."""
    most = min(details, default=Detail.BARE)
    if most is Detail.BARE:
        return False
    lengths = {
        index: len(stub(module.specs[index], detail))
        for index, detail in enumerate(details)
        if detail is most
    }
    details[max(lengths, key=lambda index: lengths[index])] = Detail(most + 1)
    return True


def _tokens(text: str) -> int:
    return -(-len(text) // _CHARACTERS_PER_TOKEN)
