"""Receiving a file whole: over one connection, or over several where one breaks off."""

import errno
import mimetypes
import os
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

import anyio

from dynamic_sessions.errors import (
    ServiceConnectionError,
    ServiceProtocolError,
    ServiceResponseError,
    ServiceTimeoutError,
)
from dynamic_sessions.local_files import LocalFile
from dynamic_sessions.transport import Download

IfExists: TypeAlias = Literal["replace", "refuse", "keep_both"]
"""What to do when a file of that name is there already."""

Progress: TypeAlias = Callable[[int, int | None], None]
"""Called with the bytes so far and their total number, which is None where nobody knows it."""

# Connections in a row that bring a file no further than the ones before.
_MOST_FRUITLESS = 4
_KINDS_OF_OTHER_ANSWERS = frozenset({"text/html", "application/json"})
_PARTIAL_CONTENT = 206
_RANGE_NOT_SATISFIABLE = 416


class Sink(Protocol):
    """Where received bytes go."""

    async def write(self, chunk: bytes) -> None:
        """Take the next bytes."""
        ...

    async def restart(self) -> None:
        """Forget all bytes so far."""
        ...


class OpenDownload(Protocol):
    """Asks for a file from some byte on."""

    def __call__(
        self, *, offset: int, validator: str | None
    ) -> AbstractAsyncContextManager[Download]:
        """Open the file's bytes from an offset, if it is still the one that is meant."""
        ...


@dataclass(kw_only=True)
class _Received:
    size: int = 0
    on_this_connection: int = 0
    total: int | None = None
    validator: str | None = None


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A file to receive."""

    name: str
    size: int | None = None
    """Bytes that it must have, where that is known."""


async def receive(
    wanted: Wanted, open_download: OpenDownload, sink: Sink, progress: Progress | None
) -> int:
    """Receive a file and return its size in bytes.

    A connection that breaks off is replaced. The next one goes on from where that ended, where the
    server gives ranges and says that the file is the same; otherwise it begins anew.

    Raises:
        ServiceError: The file did not come, or came with another size than announced.
    """
    received = _Received()
    furthest = fruitless = 0
    while fruitless < _MOST_FRUITLESS:
        try:
            await _receive_on(wanted, open_download, sink, progress, received)
        except (ServiceConnectionError, ServiceTimeoutError):
            # Connections that bring nothing at all are the transport's to repeat, and were.
            if not received.on_this_connection or fruitless == _MOST_FRUITLESS - 1:
                raise
        except ServiceResponseError as error:
            if error.status_code != _RANGE_NOT_SATISFIABLE or not received.size:
                raise
            received.size, received.validator = 0, None
        else:
            return received.size
        fruitless = 0 if received.size > furthest else fruitless + 1
        furthest = max(furthest, received.size)
    raise _unexpected("the file changed whenever its transfer was resumed")


async def _receive_on(
    wanted: Wanted,
    open_download: OpenDownload,
    sink: Sink,
    progress: Progress | None,
    received: _Received,
) -> None:
    offset = received.size if received.validator is not None else 0
    received.on_this_connection = 0
    async with open_download(offset=offset, validator=received.validator) as download:
        _check_is_the_file(download, wanted)
        await _begin(download, sink, received, offset)
        async for chunk in download:
            await sink.write(chunk)
            received.size += len(chunk)
            received.on_this_connection += len(chunk)
            if progress is not None:
                progress(received.size, received.total)
    expected = wanted.size if wanted.size is not None else received.total
    if expected is not None and received.size != expected:
        raise _unexpected(f"{received.size} bytes came of {expected}")


def _check_is_the_file(download: Download, wanted: Wanted) -> None:
    """Refuse what something on the way answered in the service's place, such as a page to sign in.

    The service sends every file as application/octet-stream (recorded traffic), container images
    by the type that its name suggests.
    """
    kind = download.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not kind and download.headers.get("content-length") == "0":
        raise _unexpected("an empty answer came, not marked as a file")
    if kind in _KINDS_OF_OTHER_ANSWERS and mimetypes.guess_type(wanted.name)[0] != kind:
        raise _unexpected(f"an answer of type {kind} came in place of the file")


def _unexpected(what: str) -> ServiceProtocolError:
    return ServiceProtocolError(f"download file: {what}.", operation="download file")


async def _begin(download: Download, sink: Sink, received: _Received, offset: int) -> None:
    headers = download.headers
    if offset and _continues_at(download, offset):
        return
    await sink.restart()
    received.size = 0
    length = headers.get("content-length")
    is_plain = "content-encoding" not in headers
    received.total = int(length) if length is not None and is_plain else None
    takes_ranges = headers.get("accept-ranges", "").lower() == "bytes"
    received.validator = _validator(headers.get("etag")) if takes_ranges and is_plain else None


def _continues_at(download: Download, offset: int) -> bool:
    if download.status_code != _PARTIAL_CONTENT:
        return False
    if download.headers.get("content-range", "").startswith(f"bytes {offset}-"):
        return True
    raise _unexpected("another part of the file came than was asked for")


def _validator(etag: str | None) -> str | None:
    # RFC 9110, section 13.1.5: a weak one does not tell that every byte is the same.
    return etag if etag is not None and not etag.startswith("W/") else None


class MemorySink:
    """Keeps received bytes in memory."""

    def __init__(self) -> None:
        self.content = bytearray()

    async def write(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self.content += chunk

    async def restart(self) -> None:
        """Forget all bytes so far."""
        self.content.clear()


@dataclass(kw_only=True)
class FileOnDisk:
    """A file that appears under its name when it is whole."""

    sink: Sink
    path: Path
    """Where it is, once it has appeared."""


@asynccontextmanager
async def whole_file(target: Path, if_exists: IfExists) -> AsyncGenerator[FileOnDisk]:
    """Write a file beside its place, and put it there at the end unless an error came between.

    Raises:
        FileExistsError: A file of that name is there, and is not to be replaced.
    """
    if if_exists == "refuse" and await anyio.Path(target).exists():
        raise _exists(target)
    partial_path = target.with_name(f".{uuid.uuid4().hex}.part")
    async with LocalFile(partial_path, is_partial=True) as file:
        whole = FileOnDisk(sink=file, path=target)
        yield whole
        whole.path = await file.put(partial(_put, target=target, if_exists=if_exists))


def _put(source: Path, *, target: Path, if_exists: IfExists) -> Path:
    if if_exists == "replace":
        return source.replace(target)
    number = 1
    place = target
    while True:
        try:
            # Unlike a rename, a link never replaces what came there meanwhile.
            os.link(source, place, follow_symlinks=False)
        except FileExistsError:
            if if_exists == "refuse":
                raise _exists(target) from None
            number += 1
            place = target.with_name(numbered_name(target.name, number))
        else:
            return place


def numbered_name(name: str, number: int) -> str:
    """Return a name beside one that is taken: "a (2).txt" for "a.txt"."""
    stem, dot, suffix = name.rpartition(".")
    if not stem:
        stem, dot, suffix = name, "", ""
    return f"{stem} ({number}){dot}{suffix}"


def _exists(target: Path) -> FileExistsError:
    return FileExistsError(errno.EEXIST, "There is a file of that name already", str(target))
