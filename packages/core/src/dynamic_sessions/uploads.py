"""What an upload reads from, and the multipart body around it."""

import os
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import BinaryIO, Protocol, TypeAlias, cast

import anyio
import anyio.to_thread

from dynamic_sessions.local_files import CHUNK_BYTES, LocalFile

UploadSource: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO
"""A path on this machine, the content itself, or a seekable binary file."""


class UploadContent(Protocol):
    """Bytes of known number that can be read more than once, as a repeated request needs."""

    size: int

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Read from the beginning."""
        ...


async def open_upload(source: UploadSource) -> tuple[UploadContent, str | None]:
    """Return the content of a source, and the name that it suggests, if any.

    Raises:
        FileNotFoundError, IsADirectoryError: The path names no file.
        TypeError: The source is a text file, or none of the three kinds.
        ValueError: The source is a file that cannot seek.
    """
    if isinstance(source, bytes):
        return _BytesContent(source), None
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        return await anyio.to_thread.run_sync(_path_content, path), path.name
    if not hasattr(source, "read"):
        raise TypeError(
            f"An upload takes a path, bytes or a binary file, not {type(source).__name__}."
        )
    return await anyio.to_thread.run_sync(_file_content, source), _file_name(source)


class Watched:
    """Content that reports how much of it was read, and does not change its size meanwhile."""

    def __init__(
        self, content: UploadContent, progress: Callable[[int, int | None], None] | None
    ) -> None:
        self.size = content.size
        self._content = content
        self._progress = progress

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Read from the beginning.

        Raises:
            OSError: The file is shorter or longer than it was.
        """
        count = 0
        async for chunk in self._content:
            count += len(chunk)
            if count > self.size:
                break
            yield chunk
            if self._progress is not None:
                self._progress(count, self.size)
        if count != self.size:
            raise OSError(f"The file changed its size from {self.size} bytes while it was sent.")


class MultipartFile:
    """A multipart/form-data body with one part named "file", streamed from its content."""

    def __init__(self, content: UploadContent, file_name: str) -> None:
        boundary = uuid.uuid4().hex
        self._content = content
        self._head = (
            f"--{boundary}\r\n"
            f'Content-Disposition: form-data; name="file"; filename="{_quoted(file_name)}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        ).encode()
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self.headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(len(self._head) + content.size + len(self._tail)),
        }

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the body from its beginning, a small one in one piece."""
        pending = self._head
        async for chunk in self._content:
            if len(pending) + len(chunk) > CHUNK_BYTES:
                yield pending
                pending = chunk
            else:
                pending += chunk
        yield pending + self._tail


def _quoted(file_name: str) -> str:
    # As RFC 7578 has it, and as Go's multipart reader, which the service uses, takes it; browsers
    # write %22, which would be another name.
    return file_name.replace("\\", "\\\\").replace('"', '\\"')


class _BytesContent:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self.size = len(content)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, self.size, CHUNK_BYTES):
            yield self._content[start : start + CHUNK_BYTES]


class _PathContent:
    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self.size = size

    async def __aiter__(self) -> AsyncIterator[bytes]:
        rest = self.size
        async with LocalFile(self._path) as file:
            while rest > 0:
                # At the end a byte more than there should be, so that what was added shows.
                chunk = await file.read(rest + 1 if rest <= CHUNK_BYTES else CHUNK_BYTES)
                if not chunk:
                    return
                yield chunk
                rest -= len(chunk)


class _FileContent:
    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        self._file = file
        self._start = start
        self.size = size

    async def __aiter__(self) -> AsyncIterator[bytes]:
        await anyio.to_thread.run_sync(self._file.seek, self._start)
        while chunk := await anyio.to_thread.run_sync(self._file.read, CHUNK_BYTES):
            yield chunk


def _path_content(path: Path) -> UploadContent:
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a directory; upload its files one by one.")
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > CHUNK_BYTES:
            return _PathContent(path, size)
        # Now, since each later look at the file would be another hand-over to a thread.
        content = file.read(size + 1)
    if len(content) != size:
        raise OSError(f"{path} changed its size from {size} bytes while it was read.")
    return _BytesContent(content)


def _file_content(file: BinaryIO) -> _FileContent:
    if isinstance(cast("object", file.read(0)), str):
        raise TypeError("The file is open as text; open it in binary mode.")
    seekable = cast("Callable[[], bool] | None", getattr(file, "seekable", None))
    if seekable is None or not seekable():
        raise ValueError("The file cannot seek, so an upload could not be repeated; read it first.")
    start = file.tell()
    return _FileContent(file, start, file.seek(0, os.SEEK_END) - start)


def _file_name(file: BinaryIO) -> str | None:
    name = cast("object", getattr(file, "name", None))
    return Path(name).name if isinstance(name, str) else None
