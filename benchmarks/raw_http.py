"""HTTP/1.1 by hand, as little of it as the pool needs: a client that is not what is measured.

Requests are made before the clock starts, connections are kept, and of an answer nothing is looked
at but its status and its length.
"""

import asyncio
import json
import re
import socket
import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

API_VERSION = "2025-10-02-preview"
LEGACY_API_VERSION = "2024-02-02-preview"

_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_CHUNK = 1 << 20


class Requests:
    """Makes requests to one pool.

    Args:
        endpoint: The pool's.
        token: The bearer token.
    """

    def __init__(self, endpoint: str, token: str) -> None:
        self._authority = urlsplit(endpoint).netloc
        self._token = token

    @property
    def address(self) -> tuple[str, int]:
        """Where the pool listens."""
        host, _, port = self._authority.rpartition(":")
        return host, int(port)

    def execute(self, identifier: str, code: str) -> bytes:
        """Run code in a session."""
        return self._request("POST", "executions", identifier, {"code": code})

    def execute_legacy(self, identifier: str, code: str) -> bytes:
        """Run code in a session, in the dialect of older versions."""
        properties = {"codeInputType": "inline", "executionType": "synchronous", "code": code}
        return self._request(
            "POST",
            "code/execute",
            identifier,
            {"properties": properties},
            api_version=LEGACY_API_VERSION,
        )

    def list_files(self, identifier: str) -> bytes:
        """List what is in a session's /mnt/data."""
        return self._request("GET", "files", identifier)

    def get_session(self, identifier: str) -> bytes:
        """Ask what a session is like."""
        return self._request("GET", "session", identifier)

    def delete_session(self, identifier: str) -> bytes:
        """End a session."""
        return self._request("DELETE", "session", identifier)

    def _request(
        self,
        method: str,
        path: str,
        identifier: str,
        content: Mapping[str, object] | None = None,
        *,
        api_version: str = API_VERSION,
    ) -> bytes:
        body = b"" if content is None else json.dumps(content).encode()
        lines = (
            f"{method} /{path}?api-version={api_version}&identifier={identifier} HTTP/1.1",
            f"host: {self._authority}",
            f"authorization: Bearer {self._token}",
            "content-type: application/json",
            f"content-length: {len(body)}",
        )
        return "\r\n".join(lines).encode() + _END + body


class Connection:
    """One kept connection, blocking.

    Args:
        address: Host and port.
        certificate: A file with what to trust; None for a connection without TLS.
    """

    def __init__(self, address: tuple[str, int], *, certificate: str | None = None) -> None:
        self._socket = socket.create_connection(address)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if certificate is not None:
            context = ssl.create_default_context(cafile=certificate)
            self._socket = context.wrap_socket(self._socket, server_hostname=address[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def send(self, request: bytes, *, part: bytes = b"") -> bytes:
        """Send a request and return its answer, head and body.

        Raises:
            RuntimeError: The answer is not a success, or does not have the part.
        """
        self.begin(request)
        received = b""
        while not _is_complete(received):
            more = self._socket.recv(_CHUNK)
            if not more:
                raise RuntimeError("the server hung up")
            received += more
        return _expect(received, part)

    def begin(self, request: bytes) -> None:
        """Send a request and leave its answer for nobody."""
        self._socket.sendall(request)


class AsyncConnection(asyncio.Protocol):
    """One kept connection in an event loop; made by `connect`."""

    def __init__(self) -> None:
        self._received = b""
        self._answer: asyncio.Future[bytes] | None = None
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def connect(cls, address: tuple[str, int]) -> Self:
        """Return an open connection."""
        _, connection = await asyncio.get_running_loop().create_connection(cls, *address)
        return connection

    async def send(self, request: bytes, *, part: bytes = b"") -> bytes:
        """Send a request and return its answer, head and body.

        Raises:
            RuntimeError: The answer is not a success, or does not have the part.
        """
        assert self._transport is not None  # noqa: S101 - for the type checker
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return _expect(await self._answer, part)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self._received += data
        if self._answer is None or self._answer.done():
            return
        try:
            if _is_complete(self._received):
                self._answer.set_result(self._received)
                self._received = b""
        except RuntimeError as error:
            self._answer.set_exception(error)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(RuntimeError("the server hung up"))


def _is_complete(received: bytes) -> bool:
    end = received.find(_END)
    if end < 0:
        return False
    if not received.startswith(b"HTTP/1.1 2"):
        raise RuntimeError(received.decode(errors="replace"))
    length = _LENGTH.search(received, 0, end)
    return length is None or len(received) >= end + len(_END) + int(length[1])


def _expect(answer: bytes, part: bytes) -> bytes:
    if part not in answer:
        raise RuntimeError(f"no {part!r} in {answer!r}")
    return answer
