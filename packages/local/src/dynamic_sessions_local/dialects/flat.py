"""The dialect of api-version 2024-10-02-preview and later: no wrapper around anything."""

from collections.abc import Sequence
from datetime import timedelta

from dynamic_sessions_local.dialects.requests import Run, members, read_run
from dynamic_sessions_local.dialects.values import (
    Counter,
    JsonObject,
    content_type,
    milliseconds,
    result_value,
    stderr_text,
    timestamp,
    timestamp_of,
)
from dynamic_sessions_local.files import FileEntry
from dynamic_sessions_local.limits import Limits
from dynamic_sessions_local.session import Outcome, Session

DIRECTORY_SIZE = 4096


def read_execution(body: object, limits: Limits) -> Run:
    """The body of `POST /executions`.

    Raises:
        RequestError: SessionPropertiesMissing for a body in the legacy wrapper, among others.
    """
    given = members(body)
    return read_run(given, code=given.get("code"), limits=limits)


def execution_status(version: str) -> int:
    """The HTTP status of a finished synchronous execution."""
    return 202 if version == "2024-10-02-preview" else 200


def execution(
    outcome: Outcome, run: Run, *, execution_id: str, identifier: str, version: str
) -> JsonObject:
    """The body that answers `POST /executions`."""
    counter = Counter(version)
    return {
        **counter(),
        "id": execution_id,
        "identifier": identifier,
        "executionType": run.execution_type,
        "status": _status(outcome),
        "result": {
            **counter(),
            "stdout": outcome.reply.stdout,
            "stderr": stderr_text(outcome),
            "executionResult": result_value(outcome.reply.value, jupyter_format=run.jupyter_format),
            "executionTimeInMilliseconds": milliseconds(outcome.reply.duration),
        },
    }


def uploaded(entries: Sequence[FileEntry], version: str) -> JsonObject:
    """The body that answers an upload of one file."""
    return metadata(entries[0], version)


def listing(entries: Sequence[FileEntry], version: str) -> JsonObject:
    """The body that answers `GET /files`."""
    counter = Counter(version)
    return {**counter(), "value": [_file(entry, counter, version) for entry in entries]}


def metadata(entry: FileEntry, version: str) -> JsonObject:
    """The body that answers `GET /files/{name}`."""
    return _file(entry, Counter(version), version)


def session(found: Session, cooldown: float) -> JsonObject:
    """The body that answers `GET /session`."""
    return {
        "identifier": found.identifier,
        "createdAt": timestamp_of(found.created_at),
        "lastAccessedAt": timestamp_of(found.last_accessed_at),
        "expireAt": timestamp_of(found.last_accessed_at + timedelta(seconds=cooldown)),
        "etag": found.guid,
    }


def _status(outcome: Outcome) -> str:
    if outcome.canceled:
        return "Canceled"
    return "Succeeded" if outcome.reply.status == "succeeded" else "Failed"


def _file(entry: FileEntry, counter: Counter, version: str) -> JsonObject:
    return {
        **counter(),
        "name": entry.name,
        **({"directory": entry.directory} if version == "2025-10-02-preview" else {}),
        "type": "directory" if entry.is_directory else "file",
        "contentType": content_type("" if entry.is_directory else entry.name),
        "sizeInBytes": DIRECTORY_SIZE if entry.is_directory else entry.size,
        "lastModifiedAt": timestamp(entry.modified_ns),
    }
