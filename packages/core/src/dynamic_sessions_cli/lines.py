"""Whether what was typed at the prompt is whole, and how far the next line is indented."""

import ast
import codeop
import re

_INDENT = "    "
_MAGIC = re.compile(r"^(\s*)[%!?].*$|^(\s*).*\?\s*$", re.MULTILINE)


def is_whole(text: str) -> bool:
    """Return whether a text can be run; code that cannot become valid counts as whole.

    A block needs an empty line after it, as at every Python prompt; so does a cell magic.
    """
    if not text.strip():
        return True
    if text.lstrip().startswith("%%"):
        return text.endswith("\n")
    compiler = codeop.CommandCompiler()
    compiler.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    # IPython's own lines stand where a statement could.
    plain = _MAGIC.sub(lambda line: f"{line[1] or line[2] or ''}pass", text)
    try:
        return compiler(plain, "<prompt>", "exec" if "\n" in text else "single") is not None
    except (SyntaxError, ValueError, OverflowError):
        return True


def indent_after(line: str) -> str:
    """Return the blanks that the line after this one begins with."""
    blanks = line[: len(line) - len(line.lstrip())]
    return blanks + _INDENT if line.rstrip().endswith(":") else blanks
