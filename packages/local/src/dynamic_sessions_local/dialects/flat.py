"""The dialect of api-version 2024-10-02-preview and later: no wrapper around anything."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from dynamic_sessions_local.dialects.errors import cause
from dynamic_sessions_local.dialects.requests import members, read_python, read_run
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
from dynamic_sessions_local.executions import Execution
from dynamic_sessions_local.files import FileEntry
from dynamic_sessions_local.limits import Limits
from dynamic_sessions_local.metadata import Runtime
from dynamic_sessions_local.runs import Run
from dynamic_sessions_local.session import Session

DIRECTORY_SIZE = 4096


def read_execution(body: object, limits: Limits) -> Run:
    """The body of `POST /executions`.

    Raises:
        RequestError: SessionPropertiesMissing for a body in the legacy wrapper, among others.
    """
    given = members(body)
    return read_run(given, read_python(given, given.get("code")), limits)


def execution_status(version: str, *, asynchronous: bool) -> int:
    """The HTTP status that answers `POST /executions`."""
    return 202 if asynchronous or version == "2024-10-02-preview" else 200


def execution(execution: Execution, *, identifier: str, version: str) -> JsonObject:
    """The body that answers `POST /executions` and `GET /executions/{id}`."""
    counter = Counter(version)
    outcome, run = execution.outcome, execution.run
    body: JsonObject = {
        **counter(),
        "id": execution.id,
        "identifier": identifier,
        "executionType": run.execution_type or "Synchronous",
        "status": _status(execution),
    }
    if execution.error is not None:
        body["error"] = cause(execution.error)
    if outcome is not None:
        body["result"] = {
            **counter(),
            "stdout": outcome.reply.stdout,
            "stderr": stderr_text(outcome),
            "executionResult": result_value(outcome.reply.value, run, version),
            "executionTimeInMilliseconds": milliseconds(outcome.reply.duration),
        }
    return body


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


def sessions(found: Sequence[Session], cooldown: float, next_link: str | None) -> JsonObject:
    """The body that answers `GET /listSessions`."""
    return {
        "sessions": [session(each, cooldown) for each in found],
        **({} if next_link is None else {"nextLink": next_link}),
    }


def metadata_of_pool(runtime: Runtime, created_at: datetime) -> JsonObject:
    """The body that answers `GET /metadata`."""
    created = timestamp_of(created_at)
    return {
        "runtimes": [{"name": "python", "version": runtime.version}],
        "preInstalledPackages": [
            {"name": name, "version": version} for name, version in runtime.packages
        ],
        "createdAt": created,
        "lastUpdatedAt": created,
        "jupyterKernel": {
            "name": "IPython",
            "version": runtime.ipython_version,
            "projectUrl": "https://github.com/ipython/ipython",
            "description": "IPython's interactive shell, without a Jupyter server",
        },
    }


def _status(execution: Execution) -> str:
    if execution.error is not None:
        return "Failed"
    if execution.outcome is None:
        return "Running" if execution.begun else "NotStarted"
    if execution.outcome.canceled:
        return "Canceled"
    return "Succeeded" if execution.outcome.reply.status == "succeeded" else "Failed"


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
