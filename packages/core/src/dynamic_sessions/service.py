"""The operations of a session pool: request by codec, sent by transport, answer by codec."""

import math
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

from dynamic_sessions.errors import NotFoundError, ServiceProtocolError, SessionNotFoundError
from dynamic_sessions.models import Execution, SessionFile
from dynamic_sessions.transport import Call, Transport
from dynamic_sessions.uploads import UploadContent
from dynamic_sessions.wire import (
    RequestData,
    UnexpectedReplyError,
    codec_for,
    delete_session,
    pool_metadata,
    read_installed_packages,
)

CALL_SECONDS = 60.0
"""Deadline of a call that runs no user code and moves no file."""

TRANSFER_SECONDS = 600.0
"""Deadline of an upload; a download has it for its first byte only."""

EXECUTION_GRACE_SECONDS = 15.0
"""How much longer than the code's own time limit the client waits: the service allocates a
session first, and interrupts the code after the limit."""

_SESSION_GUID_HEADER = "x-ms-session-guid"


@dataclass(frozen=True, kw_only=True)
class ExecutionReply:
    """An execution, and the id of the session that now stands behind the identifier."""

    execution: Execution
    session_guid: str | None


class PoolService:
    """A session pool's data plane, typed."""

    def __init__(self, transport: Transport, *, api_version: str, output_limit: int) -> None:
        self._transport = transport
        self._codec = codec_for(api_version)
        self._output_limit = output_limit

    @property
    def is_connected(self) -> bool:
        """Whether the pool was found, so that sessions of ours may be there."""
        return self._transport.is_connected

    async def execute(self, identifier: str, code: str, *, timeout: float) -> ExecutionReply:
        """Run code to its end or its time limit, in seconds. Never sends it twice."""
        request = self._codec.execute(
            identifier, code, timeout_seconds=math.ceil(timeout), output_limit=self._output_limit
        )
        call = Call(
            operation="execute",
            request=request,
            deadline=timeout + EXECUTION_GRACE_SECONDS,
            repeatable=False,
        )
        reply = await self._transport.send(call)
        with _protocol_errors(call):
            execution = self._codec.read_execution(reply, output_limit=self._output_limit)
        return ExecutionReply(
            execution=execution, session_guid=reply.headers.get(_SESSION_GUID_HEADER)
        )

    async def upload_file(self, identifier: str, name: str, content: UploadContent) -> SessionFile:
        """Send a file's bytes."""
        call = Call(
            operation="upload file",
            request=self._codec.upload_file(identifier, name),
            deadline=TRANSFER_SECONDS,
            repeatable=True,
            content=content,
        )
        reply = await self._transport.send(call)
        with _protocol_errors(call):
            return self._codec.read_uploaded_file(reply, name)

    async def list_files(self, identifier: str, directory: str) -> list[SessionFile]:
        """List one directory."""
        call = _call("list files", self._codec.list_files(identifier, directory))
        reply = await self._transport.send(call)
        with _protocol_errors(call):
            return self._codec.read_files(reply, directory)

    @asynccontextmanager
    async def download_file(
        self, identifier: str, name: str
    ) -> AsyncGenerator[AsyncIterator[bytes]]:
        """Yield a file's bytes piece by piece."""
        call = Call(
            operation="download file",
            request=self._codec.download_file(identifier, name),
            deadline=TRANSFER_SECONDS,
            repeatable=True,
        )
        async with self._transport.download(call) as chunks:
            yield chunks

    async def delete_file(self, identifier: str, name: str) -> None:
        """Delete a file; one that is gone already counts as deleted."""
        call = _call("delete file", self._codec.delete_file(identifier, name))
        await self._unless_gone(call, NotFoundError)

    async def delete_session(self, identifier: str) -> None:
        """End a session; one that is gone already counts as ended."""
        call = _call("delete session", delete_session(identifier))
        await self._unless_gone(call, NotFoundError, SessionNotFoundError)

    async def list_packages(self) -> dict[str, str]:
        """Return name and version of what every session of the pool begins with.

        Raises:
            InvalidRequestError, NotFoundError: The service does not have this call.
        """
        call = _call("list packages", pool_metadata())
        reply = await self._transport.send(call)
        with _protocol_errors(call):
            return read_installed_packages(reply)

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()

    async def _unless_gone(self, call: Call, *gone: type[Exception]) -> None:
        with suppress(*gone):
            await self._transport.send(call)


def _call(operation: str, request: RequestData) -> Call:
    return Call(operation=operation, request=request, deadline=CALL_SECONDS, repeatable=True)


@contextmanager
def _protocol_errors(call: Call) -> Generator[None]:
    try:
        yield
    except UnexpectedReplyError as error:
        raise ServiceProtocolError(
            f"{call.operation}: the service's answer is not as documented: {error}.",
            operation=call.operation,
            outcome_unknown=not call.repeatable,
        ) from error
