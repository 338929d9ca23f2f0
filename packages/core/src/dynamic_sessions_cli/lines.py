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
        return _ends_with_an_empty_line(text)
    compiler = codeop.CommandCompiler()
    compiler.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    # IPython's own lines stand where a statement could.
    plain = _MAGIC.sub(lambda line: f"{line[1] or line[2] or ''}pass", text)
    try:
        if compiler(plain, "<prompt>", "exec") is None:
            return False
        last = ast.parse(plain).body[-1:]
    except (SyntaxError, ValueError, OverflowError):
        return True
    is_block = any(hasattr(statement, "body") or hasattr(statement, "cases") for statement in last)
    return not is_block or _ends_with_an_empty_line(text)


def indent_after(line: str) -> str:
    """Return the blanks that the line after this one begins with."""
    blanks = line[: len(line) - len(line.lstrip())]
    return blanks + _INDENT if line.rstrip().endswith(":") else blanks


def _ends_with_an_empty_line(text: str) -> bool:
    # The prompt has indented it.
    return text.rstrip(" \t").endswith("\n")
