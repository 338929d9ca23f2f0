"""One request and its reply, as bytes on a connection."""

import asyncio
import re
from dataclasses import dataclass

from dynamic_sessions.functions.module import REPORT_MARK

_OPERATIONS = (
    ("POST", r"/executions$|/code/execute$", "execute"),
    ("GET", r"/executions/[^/]+$", "poll execution"),
    ("POST", r"/files$|/files/upload$", "upload file"),
    ("GET", r"/files$", "list files"),
    ("GET", r"/files/content/[^/]+$|/files/[^/]+/content$", "download file"),
    ("DELETE", r"/files/[^/]+$", "delete file"),
    ("GET", r"/metadata$", "read metadata"),
    ("GET", r"/session$", "get session"),
    ("DELETE", r"/session$", "delete session"),
)


@dataclass(frozen=True, kw_only=True)
class Head:
    """A request's line and headers."""

    raw: bytes

    @property
    def method(self) -> str:
        return self.raw.split(b" ", 1)[0].decode()

    @property
    def path(self) -> str:
        return self.raw.split(b" ", 2)[1].decode().partition("?")[0]

    @property
    def body_size(self) -> int:
        found = re.search(rb"\r\ncontent-length: *(\d+)", self.raw, re.IGNORECASE)
        return int(found[1]) if found else 0

    @property
    def is_execution(self) -> bool:
        return self.operation(b"") == "execute"

    def operation(self, body: bytes) -> str:
        """What the request asks for; the set-up of a session is told from its caller's code."""
        for method, pattern, operation in _OPERATIONS:
            if self.method == method and re.search(pattern, self.path):
                is_set_up = operation == "execute" and REPORT_MARK.encode() in body
                return "set up" if is_set_up else operation
        raise ValueError(f"{self.method} {self.path} is no operation of a session pool")


async def read_head(reader: asyncio.StreamReader) -> Head:
    """Read a request's head; EOFError when the connection ended before one."""
    try:
        return Head(raw=await reader.readuntil(b"\r\n\r\n"))
    except asyncio.IncompleteReadError as error:
        raise EOFError from error


async def forward(host: str, port: int, head: Head, body: bytes) -> bytes:
    """Send a request on, over a connection of its own, and return all of the reply."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        first_line, _, headers = head.raw.partition(b"\r\n")
        writer.write(first_line + b"\r\nconnection: close\r\n" + _without_connection(headers))
        writer.write(body)
        await writer.drain()
        return _kept_alive(await reader.read(-1))
    finally:
        writer.close()


def split_reply(reply: bytes) -> tuple[bytes, bytes]:
    """Return a reply's head, its blank line included, and its body."""
    head, blank, body = reply.partition(b"\r\n\r\n")
    return head + blank, body


def _without_connection(headers: bytes) -> bytes:
    return re.sub(rb"(?im)^connection:[^\r\n]*\r\n", b"", headers)


def _kept_alive(reply: bytes) -> bytes:
    head, body = split_reply(reply)
    return re.sub(rb"(?im)^connection:[^\r\n]*\r\n", b"", head) + body
