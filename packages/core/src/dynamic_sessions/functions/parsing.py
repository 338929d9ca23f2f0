"""Text to syntax tree."""

import ast
import warnings


def parsed(text: str) -> ast.Module:
    """Return the syntax tree of a text that was written, and compiled, elsewhere.

    What Python finds doubtful in it, such as an escape sequence that is none, was told there.

    Raises:
        SyntaxError, ValueError: It is no Python.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def parsed_statement(text: str) -> ast.stmt:
    """Return the first statement of a text."""
    return parsed(text).body[0]
