"""The legacy dialect: API versions before 2024-10-02-preview, wrapped in `properties`."""

from dynamic_sessions.models import Command, Execution, SessionFile
from dynamic_sessions.wire.codec import (
    SESSION_API_VERSION,
    JsonObject,
    Reply,
    RequestData,
    UnexpectedReplyError,
    UploadPart,
    join_name,
    read_object,
    read_objects,
    read_size,
    read_text,
    read_time,
)
from dynamic_sessions.wire.outcome import read_outcome

_OUTPUT_LIMIT = 4096


class LegacyCodec:
    """Speaks `POST /code/execute`, `/files/upload` and `/files/content/{name}`."""

    has_asynchronous_executions = False

    def __init__(self, api_version: str) -> None:
        self.api_version = api_version

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
        """See Codec. This dialect has no way to ask for more output, or for a result later."""
        del output_limit, execution_id
        if asynchronous:
            raise _no_asynchronous_executions()
        if isinstance(program, Command):
            raise _no_commands()
        properties: JsonObject = {
            "codeInputType": "inline",
            "executionType": "synchronous",
            "code": program,
            "timeoutInSeconds": timeout_seconds,
        }
        return RequestData(
            method="POST",
            segments=("code", "execute"),
            query=self._query(identifier),
            json={"properties": properties},
        )

    def wrapped(self, request: RequestData) -> RequestData | None:
        """See Codec. This dialect has the wrapper already."""
        del request
        return None

    def poll_execution(self, identifier: str, execution_id: str) -> RequestData:
        """See Codec. This dialect has nothing to poll."""
        del identifier, execution_id
        raise _no_asynchronous_executions()

    def read_execution(self, reply: Reply, *, output_limit: int) -> Execution:
        """See Codec."""
        del output_limit
        body = read_object(reply.body, "the reply")
        properties = read_object(body.get("properties"), "properties")
        # Python pools say "result"; container images of 2024 and Node pools "executionResult".
        value = properties.get("result", properties.get("executionResult"))
        return read_outcome(properties.get("status"), properties, value, output_limit=_OUTPUT_LIMIT)

    def upload_file(self, identifier: str, name: str) -> RequestData:
        """See Codec."""
        return RequestData(
            method="POST",
            segments=("files", "upload"),
            query=self._query(identifier),
            upload=UploadPart(file_name=_flat_name(name)),
        )

    def read_uploaded_file(self, reply: Reply, name: str) -> SessionFile:
        """See Codec."""
        files = self.read_files(reply, "")
        if not files:
            raise UnexpectedReplyError(f"the upload of {name!r} is not in value")
        return files[0]

    def list_files(self, identifier: str, directory: str) -> RequestData:
        """See Codec."""
        if directory:
            _flat_name(join_name(directory, "*"))
        return RequestData(method="GET", segments=("files",), query=self._query(identifier))

    def read_files(self, reply: Reply, directory: str) -> list[SessionFile]:
        """See Codec."""
        body = read_object(reply.body, "the reply")
        entries = read_objects(body.get("value"), "value")
        return [
            _read_file(read_object(entry.get("properties"), "properties"), directory)
            for entry in entries
        ]

    def download_file(self, identifier: str, name: str) -> RequestData:
        """See Codec."""
        return RequestData(
            method="GET",
            segments=("files", "content", _flat_name(name)),
            query=self._query(identifier),
            streams_reply=True,
        )

    def delete_file(self, identifier: str, name: str) -> RequestData:
        """See Codec. Built-in pools never documented this call for the dialect."""
        return RequestData(
            method="DELETE",
            segments=("files", _flat_name(name)),
            query={"api-version": SESSION_API_VERSION, "identifier": identifier},
        )

    def _query(self, identifier: str) -> dict[str, str]:
        return {"api-version": self.api_version, "identifier": identifier}


def _no_commands() -> ValueError:
    return ValueError("This API version has no commands; 2025-02-02-preview and later do.")


def _no_asynchronous_executions() -> ValueError:
    return ValueError(
        "API versions before 2024-10-02-preview have no asynchronous executions; use a newer "
        "api_version."
    )


def _flat_name(name: str) -> str:
    if "/" in name:
        raise ValueError(
            f"{name!r} lies in a directory, which API versions before 2024-10-02-preview do not "
            "have; use a newer api_version."
        )
    return name


def _read_file(properties: JsonObject, directory: str) -> SessionFile:
    return SessionFile(
        name=join_name(directory, read_text(properties.get("filename"), "filename")),
        size=read_size(properties.get("size")),
        modified_at=read_time(properties.get("lastModifiedTime")),
    )
