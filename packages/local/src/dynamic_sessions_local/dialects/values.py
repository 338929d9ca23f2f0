"""What the dialects' responses have in common."""

import mimetypes
from datetime import UTC, datetime
from pathlib import PurePosixPath

from dynamic_sessions_local.dialects.requests import LEGACY_VERSIONS
from dynamic_sessions_local.kernel import Value
from dynamic_sessions_local.outcome import Outcome
from dynamic_sessions_local.runs import Run

# Word for word the service's own: clients compare them.
TIMED_OUT = "Request timed out waiting for code execution to complete"
ABORTED = "Execution aborted"

# What the machine's tables make of a name must not show, so only Python's own is asked.
_TYPES = mimetypes.MimeTypes()
_TYPES_OF_SESSIONS = {
    ".ipynb": "application/json",
    ".log": "text/plain",
    ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet",
    ".pfx": "application/pkcs12",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}

_LAST_SECOND = 253_402_300_799  # of the year 9999

JsonObject = dict[str, object]


class Counter:
    """Yields the `$id` member with which, up to 2024-10-02-preview, every object begins.

    Objects count in the order of the document, from "1". Later versions have no such member.
    """

    def __init__(self, version: str) -> None:
        self._counts = version in LEGACY_VERSIONS or version == "2024-10-02-preview"
        self._last = 0

    def __call__(self) -> JsonObject:
        """The member for the next object, to be spread at its beginning."""
        if not self._counts:
            return {}
        self._last += 1
        return {"$id": str(self._last)}


def result_value(value: Value, run: Run, version: str) -> object:
    """The JSON value that stands for the value of the last expression."""
    newest = version == "2025-10-02-preview"
    match value.kind:
        case "image":
            return {"type": "image", "format": value.image_format, "base64_data": value.data}
        case "null":
            # Before, None could not be told from no value.
            return None if newest else ""
        case "nan":
            return None if newest and not run.jupyter_format else value.data
        case "json" if run.jupyter_format:
            return repr(value.data)
        case _:
            return value.data


def stderr_text(outcome: Outcome) -> str:
    """What the answer carries as stderr: the code's own, or why it has none."""
    match outcome.reply.status:
        case "timed_out":
            return TIMED_OUT
        case "aborted":
            return ABORTED
        case _:
            return outcome.reply.stderr


def milliseconds(seconds: float) -> int:
    """Whole milliseconds."""
    return round(seconds * 1000)


def timestamp(nanoseconds: int) -> str:
    """RFC 3339 with the seven fractional digits of the service, in UTC.

    Code in a session can give its files any time; what no calendar has is brought into range.
    """
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    moment = datetime.fromtimestamp(min(max(seconds, 0), _LAST_SECOND), UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest // 100:07d}Z"


def timestamp_of(moment: datetime) -> str:
    """`timestamp` for a moment that was not read from a disk."""
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}0Z"


def content_type(name: str) -> str:
    """The media type that a name's extension stands for."""
    extension = PurePosixPath(name).suffix.lower()
    found = _TYPES_OF_SESSIONS.get(extension) or _TYPES.types_map[True].get(extension)
    if found is None:
        return "application/octet-stream"
    return f"{found}; charset=utf-8" if found.startswith("text/") else found
