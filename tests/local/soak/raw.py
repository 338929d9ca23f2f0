"""Requests byte by byte, for clients that do not behave."""

import asyncio
import json
from typing import Self
from urllib.parse import quote, urlsplit

from .service import NEWEST, PATIENCE, Address

BOUNDARY = "a-boundary"


class RawRequest:
    """One connection, one request, as much of it as is wanted. An async context manager.

    Args:
        address: The server's.
        method: Of the request.
        path: Likewise, without the leading slash.
        identifier: Of the session.
        body: Likewise, whether or not it is ever sent.
        content_type: What the body is said to be.

    Attributes:
        whole: All its bytes.
    """

    def __init__(
        self,
        address: Address,
        method: str,
        path: str,
        identifier: str,
        body: bytes = b"",
        content_type: str = "application/json",
    ) -> None:
        self._address = address
        self.whole = (
            f"{method} /{path}?api-version={NEWEST}&identifier={quote(identifier)} HTTP/1.1\r\n"
            f"host: localhost\r\nauthorization: Bearer {address.token}\r\n"
            f"content-type: {content_type}\r\ncontent-length: {len(body)}\r\n\r\n"
        ).encode() + body

    async def __aenter__(self) -> Self:
        where = urlsplit(self._address.endpoint)
        assert where.hostname
        self._reader, self._writer = await asyncio.open_connection(
            where.hostname, where.port, limit=1 << 14
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self.break_off()

    async def send(self, data: bytes) -> None:
        """Send some of it."""
        async with asyncio.timeout(PATIENCE):
            self._writer.write(data)
            await self._writer.drain()

    async def receive(self, count: int) -> bytes:
        """Exactly so many bytes of the response.

        Raises:
            asyncio.IncompleteReadError: It ended before.
        """
        async with asyncio.timeout(PATIENCE):
            return await self._reader.readexactly(count)

    async def receive_rest(self) -> bytes:
        """Everything up to the end of the connection.

        Raises:
            ConnectionResetError: It was broken off.
        """
        async with asyncio.timeout(PATIENCE):
            return await self._reader.read()

    def break_off(self) -> None:
        """Close the connection without another word."""
        self._writer.transport.abort()


def execution(address: Address, identifier: str, code: str, **members: object) -> RawRequest:
    """A request to run code."""
    body = json.dumps({"code": code, **members}).encode()
    return RawRequest(address, "POST", "executions", identifier, body)


def upload(address: Address, identifier: str, name: str, content: bytes) -> RawRequest:
    """A request to put a file into /mnt/data."""
    disposition = f'content-disposition: form-data; name="file"; filename="{name}"'
    body = (
        f"--{BOUNDARY}\r\n{disposition}\r\n\r\n".encode()
        + content
        + f"\r\n--{BOUNDARY}--\r\n".encode()
    )
    return RawRequest(
        address, "POST", "files", identifier, body, f"multipart/form-data; boundary={BOUNDARY}"
    )


def download(address: Address, identifier: str, name: str) -> RawRequest:
    """A request for a file's content."""
    return RawRequest(address, "GET", f"files/{name}/content", identifier)
