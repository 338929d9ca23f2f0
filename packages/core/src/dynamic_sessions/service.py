"""The operations of a session pool: request by codec, sent by transport, answer by codec."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import TypeVar

from dynamic_sessions.deadlines import Deadlines
from dynamic_sessions.errors import (
    NotFoundError,
    PayloadTooLargeError,
    ServiceProtocolError,
    SessionNotFoundError,
)
from dynamic_sessions.executions import ExecutionReply, Executions, Run, protocol_errors
from dynamic_sessions.models import SessionFile, SessionStatus
from dynamic_sessions.sending import Sending
from dynamic_sessions.telemetry import fingerprint
from dynamic_sessions.transport import Call, Download, Sender
from dynamic_sessions.uploads import UploadContent
from dynamic_sessions.wire import (
    Reply,
    RequestData,
    codec_for,
    delete_session,
    get_session,
    list_sessions,
    next_page,
    pool_metadata,
    read_installed_packages,
    read_session,
    read_sessions,
)

_MOST_PAGES = 1000

T = TypeVar("T")


class PoolService:
    """A session pool's data plane, typed."""

    def __init__(
        self,
        transport: Sender,
        deadlines: Deadlines,
        *,
        api_version: str,
        output_limit: int,
        upload_limit: int,
    ) -> None:
        self.deadlines = deadlines
        self._upload_limit = upload_limit
        self._transport = transport
        self._codec = codec_for(api_version)
        self._executions = Executions(transport, self._codec, deadlines, output_limit=output_limit)

    @property
    def is_connected(self) -> bool:
        """Whether the pool was found, so that sessions of ours may be there."""
        return self._transport.is_connected

    @property
    def has_asynchronous_executions(self) -> bool:
        """Whether the API version knows them."""
        return self._codec.has_asynchronous_executions

    async def run(self, run: Run) -> ExecutionReply:
        """Run code; see Executions.run."""
        return await self._executions.run(run)

    async def attach(self, identifier: str, execution_id: str, *, timeout: float) -> ExecutionReply:
        """Wait for a run that was sent before; see Executions.attach."""
        return await self._executions.attach(identifier, execution_id, timeout=timeout)

    async def upload_file(self, identifier: str, name: str, content: UploadContent) -> SessionFile:
        """Send a file's bytes.

        Raises:
            PayloadTooLargeError: There are too many; nothing was sent.
        """
        if content.size > self._upload_limit:
            raise PayloadTooLargeError(
                f"upload file: {content.size} bytes are over the service's limit of "
                f"{self._upload_limit}. Nothing was sent.",
                operation="upload file",
                status_code=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            )
        call = Call(
            operation="upload file",
            request=self._codec.upload_file(identifier, name),
            deadline=self.deadlines.transfer,
            repeatable=True,
            content=content,
            attributes=_attributes(identifier),
        )
        reply = await self._transport.send(call)
        with protocol_errors(call):
            return self._codec.read_uploaded_file(reply, name)

    async def list_files(self, identifier: str, directory: str) -> list[SessionFile]:
        """List one directory."""
        call = self._call("list files", identifier, self._codec.list_files(identifier, directory))
        read = partial(self._codec.read_files, directory=directory)
        return await self._read_pages(self._transport, call, read)

    async def list_sessions(self) -> list[SessionStatus]:
        """List the sessions of the pool."""
        statuses: list[SessionStatus] = []
        for sender in self._transport.pools:
            call = Call(
                operation="list sessions",
                request=list_sessions(),
                deadline=self.deadlines.call,
                repeatable=True,
            )
            statuses += await self._read_pages(sender, call, read_sessions)
        return statuses

    @asynccontextmanager
    async def download_file(
        self, identifier: str, name: str, *, offset: int = 0, validator: str | None = None
    ) -> AsyncGenerator[Download]:
        """Yield a file's bytes piece by piece.

        Args:
            identifier: The session.
            name: The file.
            offset: The first byte to send, where the server gives ranges.
            validator: The entity tag that the file must have for that; otherwise all of it comes.
        """
        request = self._codec.download_file(identifier, name)
        if offset and validator is not None:
            headers = {"Range": f"bytes={offset}-", "If-Range": validator}
            request = replace(request, headers=headers)
        call = Call(
            operation="download file",
            request=request,
            deadline=self.deadlines.transfer,
            repeatable=True,
            attributes=_attributes(identifier),
        )
        async with self._transport.download(call) as download:
            yield download

    async def delete_file(self, identifier: str, name: str) -> None:
        """Delete a file; one that is gone already counts as deleted."""
        request = self._codec.delete_file(identifier, name)
        call = self._call("delete file", identifier, request)
        with suppress(NotFoundError):
            await self._transport.send(call)

    async def get_session(self, identifier: str) -> SessionStatus | None:
        """Return what stands behind the identifier, or None if nothing does."""
        call = self._call("get session", identifier, get_session(identifier))
        try:
            reply = await self._transport.send(call)
        except SessionNotFoundError:
            return None
        with protocol_errors(call):
            return read_session(reply, identifier)

    async def delete_session(self, identifier: str) -> None:
        """End a session; one that is gone already counts as ended."""
        call = self._call("delete session", identifier, delete_session(identifier))
        with suppress(NotFoundError, SessionNotFoundError):
            await self._transport.send(call)

    async def list_packages(self) -> dict[str, str]:
        """Return name and version of what every session of the pool begins with.

        Raises:
            InvalidRequestError, NotFoundError: The service does not have this call.
        """
        call = Call(
            operation="list packages",
            request=pool_metadata(),
            deadline=self.deadlines.call,
            repeatable=True,
        )
        reply = await self._transport.send(call)
        with protocol_errors(call):
            return read_installed_packages(reply)

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()

    async def _read_pages(
        self, sender: Sender, call: Call, read: Callable[[Reply], list[T]]
    ) -> list[T]:
        entries: list[T] = []
        for _ in range(_MOST_PAGES):
            reply = await sender.send(call)
            with protocol_errors(call):
                entries += read(reply)
                following = next_page(call.request, reply)
            if following is None:
                return entries
            call = replace(call, request=following, sending=Sending())
        raise ServiceProtocolError(
            f"{call.operation}: the list has more than {_MOST_PAGES} pages.",
            operation=call.operation,
        )

    def _call(self, operation: str, identifier: str, request: RequestData) -> Call:
        return Call(
            operation=operation,
            request=request,
            deadline=self.deadlines.call,
            repeatable=True,
            attributes=_attributes(identifier),
        )


def _attributes(identifier: str) -> dict[str, str | int | float | bool]:
    return {"dynamic_sessions.identifier_hash": fingerprint(identifier)}
