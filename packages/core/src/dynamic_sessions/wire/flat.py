"""The flat dialect: API versions from 2024-10-02-preview on."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from dynamic_sessions.models import Command, Execution, SessionFile
from dynamic_sessions.wire.codec import (
    JsonObject,
    Reply,
    RequestData,
    RunningExecution,
    UploadPart,
    join_name,
    read_object,
    read_objects,
    read_size,
    read_text,
    read_time,
)
from dynamic_sessions.wire.outcome import read_outcome

_FIRST_VERSION_WITH_OUTPUT_LIMIT = "2025-10-02"
_FIRST_VERSION_WITH_COMMANDS = "2025-02-02"
_DEFAULT_OUTPUT_LIMIT = 4096
_NOT_ENDED = frozenset({"notstarted", "running"})


class FlatCodec:
    """Speaks `POST /executions`, `/files` and `/files/{name}/content`."""

    has_asynchronous_executions = True

    def __init__(self, api_version: str) -> None:
        self.api_version = api_version
        self._takes_output_limit = api_version >= _FIRST_VERSION_WITH_OUTPUT_LIMIT

    def execute(
        self,
        identifier: str,
        program: str | Command,
        *,
        timeout_seconds: int,
        output_limit: int,
        execution_id: str | None,
        asynchronous: bool,
    ) -> RequestData:
        """See Codec."""
        if isinstance(program, Command):
            body = self._command_body(program, asynchronous=asynchronous)
        else:
            body = _code_body(program, asynchronous=asynchronous)
        body["timeoutInSeconds"] = timeout_seconds
        if self._takes_output_limit:
            body["outputStreamsMaxLength"] = output_limit
        return RequestData(
            method="POST",
            segments=("executions",),
            query=self._query(identifier),
            json=body,
            headers=_operation_headers(execution_id),
        )

    def wrapped(self, request: RequestData) -> RequestData | None:
        """See Codec. Some deployments of these versions want the older wrapper (field reports)."""
        if request.json is None or "code" not in request.json:
            return None
        return replace(request, json={"properties": request.json})

    def poll_execution(self, identifier: str, execution_id: str) -> RequestData:
        """See Codec."""
        return RequestData(
            method="GET",
            segments=("executions", execution_id),
            query=self._query(identifier),
        )

    def read_execution(self, reply: Reply, *, output_limit: int) -> Execution | RunningExecution:
        """See Codec."""
        body = read_object(reply.body, "the reply")
        body = read_object(body.get("properties", body), "properties")
        if read_text(body.get("status"), "status").lower() in _NOT_ENDED:
            return RunningExecution(execution_id=read_text(body.get("id"), "id"))
        result = read_object(body.get("result", {}), "result")
        return read_outcome(
            body.get("status"),
            result,
            result.get("executionResult"),
            output_limit=output_limit if self._takes_output_limit else _DEFAULT_OUTPUT_LIMIT,
            execution_id=read_text(body.get("id"), "id") or None,
        )

    def upload_file(self, identifier: str, name: str) -> RequestData:
        """See Codec."""
        directory, _, base_name = name.rpartition("/")
        return RequestData(
            method="POST",
            segments=("files",),
            query=self._query(identifier, directory),
            upload=UploadPart(file_name=base_name),
        )

    def read_uploaded_file(self, reply: Reply, name: str) -> SessionFile:
        """See Codec."""
        directory, _, _ = name.rpartition("/")
        return _read_file(read_object(reply.body, "the reply"), directory)

    def list_files(self, identifier: str, directory: str) -> RequestData:
        """See Codec."""
        return RequestData(
            method="GET", segments=("files",), query=self._query(identifier, directory)
        )

    def read_files(self, reply: Reply, directory: str) -> list[SessionFile]:
        """See Codec."""
        body = read_object(reply.body, "the reply")
        return [_read_file(entry, directory) for entry in read_objects(body.get("value"), "value")]

    def download_file(self, identifier: str, name: str) -> RequestData:
        """See Codec."""
        return self._on_file("GET", identifier, name, "content")

    def delete_file(self, identifier: str, name: str) -> RequestData:
        """See Codec."""
        return self._on_file("DELETE", identifier, name)

    def _on_file(
        self, method: Literal["GET", "DELETE"], identifier: str, name: str, *more: str
    ) -> RequestData:
        directory, _, base_name = name.rpartition("/")
        return RequestData(
            method=method,
            segments=("files", base_name, *more),
            query=self._query(identifier, directory),
            streams_reply="content" in more,
        )

    def _command_body(self, command: Command, *, asynchronous: bool) -> JsonObject:
        """Only what is needed is sent: some Shell pools refuse the members that go with code (a
        published client's tests).
        """
        body: JsonObject = {}
        if isinstance(command.line, str):
            body["shellCommand"] = command.line
        else:
            body["execCommandAndArgs"] = list(command.line)
        if command.stdin:
            body["stdin"] = command.stdin
        # These two came with the output limit.
        is_newer = body.keys() != {"shellCommand"} and not self._takes_output_limit
        if is_newer or self.api_version < _FIRST_VERSION_WITH_COMMANDS:
            raise ValueError(
                f"API version {self.api_version} has no such command; 2025-10-02-preview has."
            )
        if asynchronous:
            body["executionType"] = "Asynchronous"
        return body

    def _query(self, identifier: str, directory: str = "") -> dict[str, str]:
        query = {"api-version": self.api_version, "identifier": identifier}
        if directory:
            query["path"] = directory
        return query


def _code_body(code: str, *, asynchronous: bool) -> JsonObject:
    return {
        "codeInputType": "Inline",
        "executionType": "Asynchronous" if asynchronous else "Synchronous",
        "code": code,
    }


def _operation_headers(execution_id: str | None) -> Mapping[str, str]:
    return {} if execution_id is None else {"operation-id": execution_id}


def _read_file(entry: JsonObject, directory: str) -> SessionFile:
    kind = read_text(entry.get("type"), "type").lower()
    return SessionFile(
        name=join_name(directory, read_text(entry.get("name"), "name")),
        size=read_size(entry.get("sizeInBytes")),
        modified_at=read_time(entry.get("lastModifiedAt")),
        content_type=read_text(entry.get("contentType"), "contentType") or None,
        type="directory" if kind == "directory" else "file",
    )
