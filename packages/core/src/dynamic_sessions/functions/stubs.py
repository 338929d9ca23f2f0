"""A function as a model should see it: signature and docstring, the body left out."""

import ast
import inspect
import io
import textwrap
import tokenize

from dynamic_sessions.functions.spec import FunctionSpec


def stub(spec: FunctionSpec) -> str:
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
    parts = [_signature("".join(lines))]
    documentation = ast.get_docstring(definition, clean=False)
    if documentation:
        parts.append(textwrap.indent(_quoted(inspect.cleandoc(documentation)), "    "))
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
