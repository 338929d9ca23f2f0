"""A function as a model should see it: signature and docstring, the body left out."""

import ast
import inspect
import io
import textwrap
import tokenize
from enum import IntEnum

from dynamic_sessions.functions.spec import FunctionSpec


class Detail(IntEnum):
    """How much a stub tells, in falling order."""

    FULL = 0
    FIRST_LINE = 1
    """Of the docstring only the first line."""
    SIGNATURE = 2
    """No docstring."""
    BARE = 3
    """No docstring and no annotations."""


def stub(spec: FunctionSpec, detail: Detail = Detail.FULL) -> str:
    """Return the stub of a function, in the words of its own source.

    The signature is copied, not reconstructed: annotations and defaults stay as written, and
    async def stays what it is.
    """
    definition = next(
        node
        for node in ast.parse(spec.source).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    lines = list(io.StringIO(spec.source))[definition.lineno - 1 :]
    if detail is Detail.BARE:
        return _bare_signature(definition) + " ..."
    parts = [_signature("".join(lines))]
    documentation = inspect.cleandoc(ast.get_docstring(definition, clean=False) or "")
    if detail is Detail.FIRST_LINE:
        documentation = documentation.partition("\n")[0]
    if documentation and detail is not Detail.SIGNATURE:
        parts.append(textwrap.indent(_quoted(documentation), "    "))
    parts.append("    ...")
    return "\n".join(parts)


def _signature(text: str) -> str:
    """Return the text from "def" up to the colon that opens the body."""
    depth = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.OP:
            continue
        if token.string in "([{":
            depth += 1
        elif token.string in ")]}":
            depth -= 1
        elif token.string == ":" and not depth:
            row, column = token.end
            lines = list(io.StringIO(text))[:row]
            return "".join([*lines[:-1], lines[-1][:column]])
    raise ValueError("The text is no function definition.")


def _quoted(documentation: str) -> str:
    text = documentation.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    if text.endswith('"'):
        text = text[:-1] + '\\"'
    return f'"""{text}\n"""' if "\n" in text else f'"""{text}"""'


def _bare_signature(definition: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    arguments = definition.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    for argument in (*named, arguments.vararg, arguments.kwarg):
        if argument is not None:
            argument.annotation = None
    keyword = "async def" if isinstance(definition, ast.AsyncFunctionDef) else "def"
    return f"{keyword} {definition.name}({ast.unparse(arguments)}):"
