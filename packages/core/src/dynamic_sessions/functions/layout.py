"""The text of a statement, cut out of its module and moved to the left margin."""

import ast
import functools
import io
import tokenize
from collections.abc import Callable, Sequence


def definition_text(
    text: str, statement: ast.stmt, *, leave_out: Callable[[ast.expr], bool]
) -> str:
    """Return a statement's text at the left margin, ending in one newline.

    Args:
        text: The module that holds the statement.
        statement: The statement; its positions refer to the text.
        leave_out: Says of a decorator whether it is dropped. A static method's own decorator is
            dropped in any case: it means nothing outside of a class.
    """
    lines = _lines(text)
    first, last = statement.lineno, statement.end_lineno or statement.lineno
    hidden: set[int] = set()
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        for item in statement.decorator_list:
            first = min(first, item.lineno)
            if leave_out(item) or _is_staticmethod(item):
                hidden.update(range(item.lineno, (item.end_lineno or item.lineno) + 1))
    elif not isinstance(statement, ast.If | ast.Try):
        # Of its own lines alone: those of the whole file would be split again for each statement.
        place = ast.increment_lineno(ast.copy_location(ast.Pass(), statement), 1 - first)
        segment = ast.get_source_segment("".join(lines[first - 1 : last]), place)
        return (segment or ast.unparse(statement)) + "\n"
    kept = "".join(
        line for number, line in enumerate(lines[first - 1 : last], first) if number not in hidden
    )
    return _at_left_margin(kept, statement.col_offset).rstrip() + "\n"


# All definitions of one file are cut from the same lines.
@functools.lru_cache(maxsize=32)
def _lines(text: str) -> Sequence[str]:
    return tuple(io.StringIO(text))


def _is_staticmethod(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Name) and decorator.id == "staticmethod"


def _at_left_margin(text: str, indentation: int) -> str:
    """Remove indentation from every line that does not begin inside a string."""
    if not indentation:
        return text
    fixed = _lines_inside_strings(text)
    return "".join(
        line if number in fixed else _without_indentation(line, indentation)
        for number, line in enumerate(io.StringIO(text), 1)
    )


def _without_indentation(line: str, indentation: int) -> str:
    return line[indentation:] if not line[:indentation].strip() else line.lstrip(" \t")


def _lines_inside_strings(text: str) -> set[int]:
    # The tokenizer refuses a first line that is indented deeper than what follows it; a block
    # around the text makes any indentation legal.
    tokens = tokenize.generate_tokens(io.StringIO("if True:\n" + text).readline)
    inside: set[int] = set()
    for token in tokens:
        if token.type == tokenize.STRING or "FSTRING" in tokenize.tok_name[token.type]:
            inside.update(range(token.start[0], token.end[0]))
    return inside
