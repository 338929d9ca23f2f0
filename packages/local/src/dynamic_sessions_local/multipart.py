"""Uploads taken apart as they arrive: neither in memory as a whole nor in a spool file."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from python_multipart.multipart import MultipartParser, parse_options_header

from dynamic_sessions_local.dialects.errors import RequestError, invalid
from dynamic_sessions_local.files import CHUNK, FileEntry, Upload, in_thread
from dynamic_sessions_local.paths import FilePath, base_name

MAX_FILES = 32
MAX_OVERHEAD = 64 << 10
_MAX_BOUNDARY_LINE = 256


@dataclass
class ReceivedFile:
    """A file that is complete, but does not have its name yet.

    Attributes:
        name: Which one it is to have.
        upload: Has what was written so far.
    """

    name: str
    upload: Upload
    _held: list[bytes] = field(default_factory=list[bytes])
    _held_bytes: int = 0

    async def add(self, data: bytes) -> None:
        """Append, by way of memory, so that a small file need not wait for a thread."""
        self._held.append(data)
        self._held_bytes += len(data)
        if self._held_bytes >= CHUNK:
            await in_thread(self.upload.write, self._take_held())

    def write_rest(self) -> None:
        """Write what is held; blocks."""
        self.upload.write(self._take_held())

    def commit(self, directory: tuple[str, ...]) -> FileEntry:
        """Give the file its name, once all of it is written; blocks."""
        return self.upload.commit(FilePath(directory=directory, name=self.name))

    def _take_held(self) -> list[bytes]:
        held, self._held, self._held_bytes = self._held, [], 0
        return held


async def receive_files(
    chunks: AsyncIterator[bytes],
    *,
    content_type: str,
    begin: Callable[[], Awaitable[Upload]],
    limit: int,
    most: int,
) -> list[ReceivedFile]:
    """Write the files of a multipart body to uploads, which are the caller's to commit.

    Where anything fails, the uploads begun so far are aborted.

    Args:
        chunks: The body.
        content_type: The header, which may lack the boundary: one widely used client labels
            its uploads as JSON. Then the body's first line tells.
        begin: Makes a new upload.
        limit: Bytes that the files may have together.
        most: How many files there may be.

    Raises:
        RequestError: The body is no multipart form, has no file, or is too large.
    """
    reader = _Reader(begin, limit, most)
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    pending = b""
    try:
        async for chunk in chunks:
            pending += chunk
            if boundary is None:
                boundary = _boundary_in(pending)
            if boundary is not None:
                await reader.feed(boundary, pending)
                pending = b""
        return reader.finish()
    except BaseException:
        await reader.abort()
        raise


def too_large(limit: int) -> RequestError:
    """The answer to an upload beyond the limit."""
    return RequestError(413, "RequestTooLarge", f"an upload has at most {limit} bytes")


def _boundary_in(head: bytes) -> bytes | None:
    line, ended, _ = head.partition(b"\r\n")
    if not ended and len(head) < _MAX_BOUNDARY_LINE:
        return None
    if not line.startswith(b"--") or len(line) > _MAX_BOUNDARY_LINE:
        raise invalid("the body must be multipart/form-data")
    return line[2:]


class _Reader:
    def __init__(self, begin: Callable[[], Awaitable[Upload]], limit: int, most: int) -> None:
        self._begin = begin
        self._limit = limit
        self._most = most
        self._parts: _Parts | None = None
        self._received: list[ReceivedFile] = []
        self._body_size = 0
        self._file_size = 0

    async def feed(self, boundary: bytes, chunk: bytes) -> None:
        self._body_size += len(chunk)
        if self._body_size > self._limit + MAX_OVERHEAD:
            raise too_large(self._limit)
        if self._parts is None:
            self._parts = _Parts(boundary)
        for event in self._parts.feed(chunk):
            if isinstance(event, str):
                await self._begin_file(event)
            else:
                await self._write(event)

    def finish(self) -> list[ReceivedFile]:
        if self._parts is None or not self._parts.complete:
            raise invalid("the multipart body is incomplete")
        if not self._received:
            raise invalid("the multipart body has no part with a file name")
        return self._received

    async def abort(self) -> None:
        for received in self._received:
            await in_thread(received.upload.abort)

    async def _begin_file(self, name: str) -> None:
        if len(self._received) == self._most:
            raise invalid(f"this upload has at most {self._most} files")
        self._received.append(ReceivedFile(base_name(name), await self._begin()))

    async def _write(self, data: bytes) -> None:
        self._file_size += len(data)
        if self._file_size > self._limit:
            raise too_large(self._limit)
        await self._received[-1].add(data)


class _Parts:
    """The parser's callbacks as a sequence of events: a str begins a file, bytes go on with it."""

    def __init__(self, boundary: bytes) -> None:
        self.complete = False
        self._events: list[str | bytes] = []
        self._in_file = False
        self._field = b""
        self._value = b""
        self._disposition = b""
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part_begin,
                    "on_header_field": self._on_header_field,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_part_data": self._on_part_data,
                    "on_end": self._on_end,
                },
            )
        except ValueError as error:
            raise invalid(f"the multipart boundary is invalid: {error}") from error

    def feed(self, chunk: bytes) -> list[str | bytes]:
        try:
            self._parser.write(chunk)
        except ValueError as error:
            raise invalid(f"the multipart body is malformed: {error}") from error
        events, self._events = self._events, []
        return events

    def _on_part_begin(self) -> None:
        self._in_file = False
        self._field = self._value = self._disposition = b""

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value
        self._field = self._value = b""

    def _on_headers_finished(self) -> None:
        name = parse_options_header(self._disposition)[1].get(b"filename")
        if name is not None:
            self._in_file = True
            self._events.append(name.decode(errors="surrogateescape"))

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._events.append(data[start:end])

    def _on_end(self) -> None:
        self.complete = True
