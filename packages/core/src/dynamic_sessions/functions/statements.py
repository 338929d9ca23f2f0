"""What each statement of a text binds and takes: read once, however many functions share it."""

import ast
import functools
from dataclasses import dataclass

from dynamic_sessions.functions.parsing import parsed
from dynamic_sessions.functions.scope import FreeNames, annotation_names, bound_names, free_names


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A statement of the module's top level."""

    text: str
    """The whole text that it stands in."""
    line: int
    """Its first line there."""
    is_function: bool
    bound: frozenset[str]
    """The names that it binds."""
    free: FreeNames
    """The names that it takes from the module around it."""
    annotations: frozenset[str]
    """The names in its annotations."""


# A function that many others call travels with each of them.
@functools.lru_cache(maxsize=1024)
def statements_of(text: str) -> tuple[Statement, ...]:
    """Return the statements of a text.

    Raises:
        SyntaxError, ValueError: It is no Python.
    """
    return tuple(
        Statement(
            text=text,
            line=statement.lineno,
            is_function=isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef),
            bound=bound_names(statement),
            free=free_names(statement),
            annotations=annotation_names(statement),
        )
        for statement in parsed(text).body
    )
