"""How a run ended, from the parts that every dialect sends about it."""

import base64
import binascii
import re
from typing import cast

from dynamic_sessions.models import (
    Execution,
    ExecutionError,
    ExecutionStatus,
    Image,
    JsonValue,
)
from dynamic_sessions.wire.codec import JsonObject, UnexpectedReplyError, read_object, read_text

_STATUSES = {
    "succeeded": ExecutionStatus.SUCCEEDED,
    "success": ExecutionStatus.SUCCEEDED,
    "failed": ExecutionStatus.FAILED,
    "failure": ExecutionStatus.FAILED,
    "canceled": ExecutionStatus.CANCELED,
    "cancelled": ExecutionStatus.CANCELED,
}

# The service has no status of its own for these two: field reports of 2026 give the exact texts. The local
# pool adds a reason where it has one, in brackets on a line of its own.
_FAILURES_BY_STDERR = {
    "Request timed out waiting for code execution to complete": ExecutionStatus.TIMED_OUT,
    "Execution aborted": ExecutionStatus.ABORTED,
}

_EXIT_CODE = re.compile(r"-?[0-9]{1,10}")
_REASON = re.compile(r"\n\([^\n]*\)\Z")
_ERROR_LINE = re.compile(r"^(?P<name>[A-Za-z_][\w.]*)(?::[ \t]?(?P<message>.*))?$", re.MULTILINE)
_IPYTHON_HEADING = re.compile(
    r"^(?P<name>[A-Za-z_][\w.]*)\s+Traceback \(most recent call last\)$", re.MULTILINE
)
_PYTHON_HEADING = re.compile(r"^Traceback \(most recent call last\):$", re.MULTILINE)


def read_outcome(
    status_word: object,
    streams: JsonObject,
    value: object,
    *,
    output_limit: int,
    execution_id: str | None = None,
) -> Execution:
    """Build an Execution.

    Args:
        status_word: The reply's status, in any dialect's words; in a Shell pool the exit code.
        streams: The object with stdout, stderr and executionTimeInMilliseconds.
        value: The result as sent: a primitive, text, or an image object.
        output_limit: Characters at which the service cuts each stream.
        execution_id: The service's id of the run, in dialects that have one.
    """
    stdout = read_text(streams.get("stdout"), "stdout")
    stderr = read_text(streams.get("stderr"), "stderr")
    exit_code = _read_exit_code(status_word)
    status = _read_status(status_word, exit_code, stderr)
    result, images = _read_value(value)
    return Execution(
        status=status,
        stdout=stdout,
        stderr=stderr,
        result=result,
        images=images,
        error=_read_error(stderr)
        if status is ExecutionStatus.FAILED and exit_code is None
        else None,
        duration=_read_duration(streams.get("executionTimeInMilliseconds")),
        execution_id=execution_id,
        exit_code=exit_code,
        truncated=max(len(stdout), len(stderr)) >= output_limit,
    )


def _read_exit_code(word: object) -> int | None:
    """Return the exit code, which a Shell pool has for a status, as text."""
    return int(word) if isinstance(word, str) and _EXIT_CODE.fullmatch(word) else None


def _read_status(word: object, exit_code: int | None, stderr: str) -> ExecutionStatus:
    status = _STATUSES.get(word.lower()) if isinstance(word, str) else None
    if exit_code is not None:
        status = ExecutionStatus.FAILED if exit_code else ExecutionStatus.SUCCEEDED
    if status is None:
        raise UnexpectedReplyError(f"status is {word!r}")
    if status is ExecutionStatus.FAILED:
        return _FAILURES_BY_STDERR.get(_REASON.sub("", stderr.strip()), status)
    return status


def _read_duration(milliseconds: object) -> float | None:
    return milliseconds / 1000 if isinstance(milliseconds, int | float) else None


def _read_value(value: object) -> tuple[JsonValue, tuple[Image, ...]]:
    # The empty string stands for "no value"; an expression whose value is '' looks the same.
    if value is None or value == "":
        return None, ()
    if isinstance(value, dict):
        mapping = read_object(cast("object", value), "the result")
        if mapping.get("type") == "image":
            return None, (_read_image(mapping),)
    return cast("JsonValue", value), ()


def _read_image(value: JsonObject) -> Image:
    encoded = read_text(value.get("base64_data"), "base64_data")
    try:
        data = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise UnexpectedReplyError("base64_data is not base64") from error
    return Image(data=data, format=read_text(value.get("format"), "format") or "png")


def _read_error(stderr: str) -> ExecutionError:
    opening, line = _find_error_line(stderr)
    if line is None:
        return ExecutionError(name="Error", message=stderr.strip(), traceback=stderr)
    message = stderr[line.start("message") :].strip() if line["message"] is not None else ""
    return ExecutionError(name=line["name"], message=message, traceback=stderr[opening:])


def _find_error_line(stderr: str) -> tuple[int, re.Match[str] | None]:
    """Return where the traceback begins, and the line that names the exception.

    Frames are indented, so that below a heading the first line of the form "Name: message" is the
    exception's, however long the message. IPython's heading gives the name away, too. Without a
    heading, as after a syntax error, it is the last line of that form.
    """
    if headings := list(_IPYTHON_HEADING.finditer(stderr)):
        heading = headings[-1]
        lines = list(_ERROR_LINE.finditer(stderr, heading.end()))
        named = [line for line in lines if line["name"].rpartition(".")[2] == heading["name"]]
        return heading.start(), next(iter(named or lines), None)
    if headings := list(_PYTHON_HEADING.finditer(stderr)):
        heading = headings[-1]
        return heading.start(), _ERROR_LINE.search(stderr, heading.end())
    lines = list(_ERROR_LINE.finditer(stderr))
    return 0, lines[-1] if lines else None
