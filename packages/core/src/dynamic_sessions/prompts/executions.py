"""What a model should read after a run."""

import json
from collections.abc import Sequence

from dynamic_sessions.models import Execution, ExecutionStatus, JsonValue, SessionFile
from dynamic_sessions.prompts.names import on_one_line
from dynamic_sessions.prompts.shortening import (
    MIN_LIMIT,
    join_lines,
    shorten_together,
    without_noise,
)
from dynamic_sessions.prompts.tracebacks import cut_to_user_frames

DEFAULT_LIMIT = 20_000
"""Characters, some 5,000 tokens: output that is longer was made for a file, not for a reader."""

_ENDINGS = {
    ExecutionStatus.FAILED: "The code failed.",
    ExecutionStatus.TIMED_OUT: "The code was stopped at its time limit.",
    ExecutionStatus.ABORTED: "The code was aborted: the process that ran it died.",
    ExecutionStatus.CANCELED: "The code was canceled.",
}
_COMMAND_FAILED = "The command ended with exit code {}."


def render_execution(
    execution: Execution,
    *,
    limit: int | None = DEFAULT_LIMIT,
    files: Sequence[SessionFile | str] = (),
    include_result: bool = True,
) -> str:
    """Return what a model should read after a run: output, errors, value, and what was made.

    The code's own output comes first: standard output, standard error with the traceback, then
    the value of the last expression on a line of its own. Of the traceback, frames of libraries
    are only counted. Images and files are named, never quoted; base64, colour codes and the
    earlier states of progress bars are left out.

    Args:
        execution: The run.
        limit: Characters that the text may have; where output is longer, its middle is left out,
            and a note says how much. None shows all of it.
        files: Files that the run made, where they are known.
        include_result: Whether the value of the last expression is shown.

    Raises:
        ValueError: The limit is under 200 characters.
    """
    if limit is not None and limit < MIN_LIMIT:
        raise ValueError(f"A limit is at least {MIN_LIMIT} characters; {limit} is not.")
    sections = [without_noise(execution.stdout), _error_text(execution)]
    if include_result:
        sections.append(without_noise(_value_text(execution.result)))
    sections.append("\n".join(_notes(execution, files)))
    if limit is not None:
        sections = shorten_together(sections, limit - len(sections))
    return join_lines(sections)


def _error_text(execution: Execution) -> str:
    text = without_noise(execution.stderr)
    if execution.ok:
        return text
    if execution.error is not None:
        return cut_to_user_frames(text) if text.strip() else str(execution.error)
    ending = _ENDINGS[execution.status]
    if execution.status is ExecutionStatus.FAILED:
        if execution.exit_code is None and text.strip():
            return text
        if execution.exit_code is not None:
            ending = _COMMAND_FAILED.format(execution.exit_code)
    return join_lines([text, ending])


def _notes(execution: Execution, files: Sequence[SessionFile | str]) -> list[str]:
    notes = [f"[image: {image.mime_type}]" for image in execution.images]
    notes += [f"[file: {on_one_line(_name_of(item))}]" for item in files]
    if execution.truncated:
        notes.append("[output was cut at its limit]")
    if execution.session_recycled:
        notes.append("[the session was new: earlier variables and imports were gone]")
    return notes


def _name_of(item: SessionFile | str) -> str:
    return item.name if isinstance(item, SessionFile) else item


def _value_text(value: JsonValue) -> str:
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
