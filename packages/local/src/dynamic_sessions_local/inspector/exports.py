"""A session's cells as a Jupyter notebook and as a script."""

import ast
import re
import warnings
from collections.abc import Iterator, Sequence

from dynamic_sessions_local.dialects.values import JsonObject
from dynamic_sessions_local.history import Cell
from dynamic_sessions_local.inspector.bodies import image, result_text
from dynamic_sessions_local.programs import Command

_ERROR_LINE = re.compile(r"^(?P<name>[A-Za-z_][\w.]*)(?:: (?P<message>.*))?$")
# What a cell may begin a line with and a script may not.
_OF_CELLS_ALONE = re.compile(r"[%!]|from __future__ import ")
_LINE_ENDS = re.compile(r"\r\n|[\n\r\f]")


def notebook(cells: Sequence[Cell]) -> JsonObject:
    """A notebook of format 4.5, as JSON."""
    return {
        "cells": [_cell(cell) for cell in cells],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def script(cells: Sequence[Cell]) -> str:
    """A script in the language of the cells, with those that Python could not run as comments."""
    parts = [_bash(cell) if isinstance(cell.program, Command) else _python(cell) for cell in cells]
    return "\n".join(parts)


def _cell(cell: Cell) -> JsonObject:
    magic = "%%bash\n" if isinstance(cell.program, Command) else ""
    metadata: JsonObject = {"execution": {"iopub.execute_input": cell.asked_at.isoformat()}}
    if cell.is_set_up:
        metadata["jupyter"] = {"source_hidden": True}
    return {
        "cell_type": "code",
        "execution_count": cell.number,
        "id": f"cell-{cell.number}",
        "metadata": metadata,
        "outputs": list(_outputs(cell)),
        "source": magic + cell.code,
    }


def _outputs(cell: Cell) -> Iterator[JsonObject]:
    if cell.outcome is None:
        return
    reply = cell.outcome.reply
    if reply.stdout:
        yield {"output_type": "stream", "name": "stdout", "text": reply.stdout}
    if reply.status == "failed" and reply.stderr:
        yield _error(reply.stderr)
    elif reply.stderr:
        yield {"output_type": "stream", "name": "stderr", "text": reply.stderr}
    if isinstance(cell.program, Command):
        return  # whose value is an exit code
    picture, text = image(reply.value), result_text(reply.value)
    if picture is not None:
        data = {f"image/{picture['format']}": picture["data"]}
        yield {"output_type": "display_data", "data": data, "metadata": {}}
    if text is not None:
        data = {"text/plain": text}
        if reply.value.html:
            data["text/html"] = reply.value.html
        yield {
            "output_type": "execute_result",
            "data": data,
            "execution_count": cell.number,
            "metadata": {},
        }


def _error(stderr: str) -> JsonObject:
    lines = stderr.splitlines()
    found = next(filter(None, map(_ERROR_LINE.match, reversed(lines))), None)
    return {
        "output_type": "error",
        "ename": found["name"] if found else "Error",
        "evalue": (found["message"] or "") if found else "",
        "traceback": lines,
    }


def _python(cell: Cell) -> str:
    head = f"# %% {cell.asked_at:%Y-%m-%d %H:%M:%S} UTC"
    if cell.state != "succeeded":
        return f"{head}, {cell.state}\n{_commented(cell.code)}"
    return f"{head}\n{_plain_python(cell.code.rstrip())}"


def _bash(cell: Cell) -> str:
    return f"# {cell.asked_at:%Y-%m-%d %H:%M:%S} UTC, {cell.state}\n(\n{cell.code}\n)\n"


def _plain_python(code: str) -> str:
    if _may_stand_in_a_script(code):
        return f"{code}\n"
    if code.lstrip().startswith("%%"):
        return _commented(code)
    lines = (f"# {line}" if _OF_CELLS_ALONE.match(line) else line for line in code.split("\n"))
    plain = "\n".join(lines) + "\n"
    return plain if _may_stand_in_a_script(plain) else _commented(code)


def _may_stand_in_a_script(code: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(code)
        # A cell may await where no function is.
        compile(tree, "<cell>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return not any(
        isinstance(each, ast.ImportFrom) and each.module == "__future__" for each in tree.body
    )


def _commented(code: str) -> str:
    return "".join(f"# {line}".rstrip() + "\n" for line in _LINE_ENDS.split(code.rstrip()))
