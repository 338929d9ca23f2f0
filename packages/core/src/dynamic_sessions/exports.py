"""Executions as a Jupyter notebook and as a script."""

import ast
import base64
import re
import shlex
from collections.abc import Iterable, Sequence

from dynamic_sessions.functions.parsing import parsed
from dynamic_sessions.models import Execution, JsonValue, PastExecution

JsonObject = dict[str, JsonValue]

_RECYCLED = "Another session stands behind the name from here on: earlier variables are gone."
# What a cell may begin a line with and a script may not.
_OF_CELLS_ALONE = re.compile(r"[%!]|from __future__ import ")
# IPython's line above a traceback.
_RULE = re.compile(r"-{70,}\s*\Z")


def notebook(entries: Sequence[PastExecution]) -> JsonObject:
    """Return a notebook of format 4.5, as JSON."""
    cells: list[JsonValue] = []
    for number, entry in enumerate(entries, 1):
        if entry.execution is not None and entry.execution.session_recycled:
            cells.append(_note(f"note-{number}", _RECYCLED))
        cells.append(_code_cell(f"execution-{number}", number, entry))
    return {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def script(entries: Sequence[PastExecution]) -> str:
    """Return what a Python interpreter, or Bash, takes."""
    parts = [
        _bash_part(each) if each.language == "bash" else _python_part(each) for each in entries
    ]
    head = ["#!/bin/bash\n"] if any(each.language == "bash" for each in entries) else []
    return "\n".join([*head, *parts])


def _note(identity: str, text: str) -> JsonObject:
    return {"cell_type": "markdown", "id": identity, "metadata": {}, "source": text}


def _code_cell(identity: str, number: int, entry: PastExecution) -> JsonObject:
    source = entry.code if entry.language == "python" else f"%%bash\n{_with_stdin(entry)}"
    outputs: list[JsonValue] = []
    if entry.execution is not None:
        outputs.extend(_outputs(number, entry.execution))
    elif entry.failure:
        outputs.append(_stream("stderr", entry.failure))
    return {
        "cell_type": "code",
        "execution_count": number,
        "id": identity,
        "metadata": {"execution": {"iopub.execute_input": entry.started_at.isoformat()}},
        "outputs": outputs,
        "source": source,
    }


def _outputs(number: int, execution: Execution) -> Iterable[JsonObject]:
    error = execution.error
    stderr = execution.stderr
    if error is not None:
        stderr = _RULE.sub("", stderr.removesuffix(error.traceback))
    if execution.stdout:
        yield _stream("stdout", execution.stdout)
    if stderr.strip():
        yield _stream("stderr", stderr)
    for image in execution.images:
        encoded = base64.b64encode(image.data).decode("ascii")
        yield {"output_type": "display_data", "data": {image.mime_type: encoded}, "metadata": {}}
    # A command's exit code is no value that its cell could have.
    if execution.result is not None and execution.exit_code is None:
        result = execution.result
        yield {
            "output_type": "execute_result",
            "data": {"text/plain": result if isinstance(result, str) else repr(result)},
            "execution_count": number,
            "metadata": {},
        }
    if error is not None:
        traceback: list[JsonValue] = [*error.traceback.splitlines()]
        yield {
            "output_type": "error",
            "ename": error.name,
            "evalue": error.message,
            "traceback": traceback,
        }


def _stream(name: str, text: str) -> JsonObject:
    return {"output_type": "stream", "name": name, "text": text}


def _python_part(entry: PastExecution) -> str:
    head = f"# %% {entry.started_at:%Y-%m-%d %H:%M:%S} UTC"
    execution = entry.execution
    if execution is None or not execution.ok:
        reason = entry.failure if execution is None else str(execution.error or execution.status)
        return f"{head}, {' '.join(reason.split())}\n{_commented(entry.code)}"
    return f"{head}\n{_plain_python(entry.code)}"


def _plain_python(code: str) -> str:
    """Return code that may stand in a script: with lines, or else all of it, as comments."""
    if _may_stand_in_a_script(code):
        return code.rstrip("\n") + "\n"
    if code.lstrip().startswith("%%"):
        return _commented(code)
    lines = (f"# {line}" if _OF_CELLS_ALONE.match(line) else line for line in code.split("\n"))
    plain = "\n".join(lines).rstrip("\n") + "\n"
    return plain if _may_stand_in_a_script(plain) else _commented(code)


def _may_stand_in_a_script(code: str) -> bool:
    try:
        tree = parsed(code)
        # A cell may await where no function is.
        compile(tree, "<execution>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return not any(
        isinstance(each, ast.ImportFrom) and each.module == "__future__" for each in tree.body
    )


def _commented(code: str) -> str:
    # Python takes these for ends of lines, and what follows them would be no comment any more.
    lines = re.split(r"\r\n|[\n\r\f]", code.rstrip("\n"))
    return "".join(f"# {line}".rstrip() + "\n" for line in lines)


def _bash_part(entry: PastExecution) -> str:
    # Each was a process of its own.
    return f"# {entry.started_at:%Y-%m-%d %H:%M:%S} UTC\n(\n{_with_stdin(entry)}\n)\n"


def _with_stdin(entry: PastExecution) -> str:
    if not entry.stdin:
        return entry.code
    # Printed and not as a here document, which ends in a line break.
    return f"printf %s {shlex.quote(entry.stdin)} | {{\n{entry.code}\n}}"
