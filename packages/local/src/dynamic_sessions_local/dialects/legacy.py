"""The dialect before api-version 2024-10-02-preview: everything is wrapped in `properties`."""

from collections.abc import Mapping, Sequence
from typing import cast

from dynamic_sessions_local.dialects.errors import RequestError, unsupported
from dynamic_sessions_local.dialects.requests import members, read_python, read_run
from dynamic_sessions_local.dialects.values import (
    Counter,
    JsonObject,
    milliseconds,
    result_value,
    stderr_text,
    timestamp,
)
from dynamic_sessions_local.files import FileEntry
from dynamic_sessions_local.limits import Limits
from dynamic_sessions_local.outcome import Outcome
from dynamic_sessions_local.runs import Run

DELETED: JsonObject = {"message": "file deleted successfully"}


def read_execution(body: object, limits: Limits) -> Run:
    """The body of `POST /code/execute`."""
    wrapped = members(body).get("properties")
    if not isinstance(wrapped, Mapping):
        raise RequestError(400, "SessionPropertiesMissing", "the member 'properties' is required")
    given = members(cast("object", wrapped))
    code = given.get("code", given.get("pythoncode"))
    run = read_run(given, read_python(given, code), limits)
    if run.asynchronous:
        raise unsupported("asynchronous executions are begun by POST /executions")
    return run


def execution(outcome: Outcome, run: Run, *, version: str) -> JsonObject:
    """The body that answers `POST /code/execute`.

    Clients look for "Success" and "Failure" as parts of the word, and take every member for
    granted.
    """
    counter = Counter(version)
    succeeded = outcome.reply.status == "succeeded"
    return {
        **counter(),
        "properties": {
            **counter(),
            "status": "Success" if succeeded else "Failure",
            "stdout": outcome.reply.stdout,
            "stderr": stderr_text(outcome),
            "result": result_value(outcome.reply.value, run, version),
            "executionTimeInMilliseconds": milliseconds(outcome.reply.duration),
        },
    }


def uploaded(entries: Sequence[FileEntry], version: str) -> JsonObject:
    """The body that answers an upload: the files of this upload and no others."""
    return listing(entries, version)


def listing(entries: Sequence[FileEntry], version: str) -> JsonObject:
    """The body that answers `GET /files`; it has no way to tell a directory, so it has none."""
    counter = Counter(version)
    return {
        **counter(),
        "value": [_file(entry, counter) for entry in entries if not entry.is_directory],
    }


def metadata(entry: FileEntry, version: str) -> JsonObject:
    """The body that answers `GET /files/{name}`."""
    return listing([entry], version)


def _file(entry: FileEntry, counter: Counter) -> JsonObject:
    return {
        **counter(),
        "properties": {
            **counter(),
            "filename": entry.name,
            "size": entry.size,
            "lastModifiedTime": timestamp(entry.modified_ns),
        },
    }
