"""Files of this machine, used in worker threads and closed for certain."""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from threading import Lock
from typing import Self, TypeVar

import anyio.to_thread

CHUNK_BYTES = 256 * 1024

T = TypeVar("T")


class LocalFile:
    """A file whose calls do not block the event loop.

    A task that is cancelled leaves its thread to itself, which may just be opening the file, and
    cannot wait for it. So closing never waits: if a thread is at work, that thread closes.

    To hand a call over to a thread takes longer than most of what is done there. So the first
    call opens the file, and what is written is held until it is worth a call.

    Args:
        path: Where it is.
        is_partial: Whether it is to be made, and to be gone from there once it is closed.
    """

    def __init__(self, path: Path, *, is_partial: bool = False) -> None:
        self._path = path
        self._is_partial = is_partial
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._lock = Lock()
        self._file: FileIO | None = None
        self._is_closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    async def read(self, size: int) -> bytes:
        """Return the next bytes; none at the end."""
        return await anyio.to_thread.run_sync(self._read, size)

    async def write(self, chunk: bytes) -> None:
        """Append bytes."""
        self._held.append(chunk)
        self._held_bytes += len(chunk)
        if self._held_bytes >= CHUNK_BYTES:
            await anyio.to_thread.run_sync(self._write, self._take_held())

    async def restart(self) -> None:
        """Empty the file."""
        self._take_held()
        if self._file is not None:
            await anyio.to_thread.run_sync(self._empty)

    async def put(self, place: Callable[[Path], T]) -> T:
        """Have all bytes on the disk, and the file in its place.

        Args:
            place: Is called with the path at which the file is, in a worker thread.
        """
        return await anyio.to_thread.run_sync(self._put, self._take_held(), place)

    def close(self) -> None:
        """Close the file; closing again does nothing."""
        self._is_closed = True
        if self._lock.acquire(blocking=False):
            try:
                self._end()
            finally:
                self._lock.release()

    def _take_held(self) -> bytes:
        held = b"".join(self._held)
        self._held.clear()
        self._held_bytes = 0
        return held

    def _end(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()
            if self._is_partial:
                self._path.unlink(missing_ok=True)

    @contextmanager
    def _turn(self) -> Generator[FileIO]:
        try:
            with self._lock:
                if self._is_closed:
                    raise ValueError(f"{self._path} is closed.")
                if self._file is None:
                    self._file = FileIO(self._path, "x" if self._is_partial else "r")
                yield self._file
        finally:
            if self._is_closed:
                self.close()

    def _read(self, size: int) -> bytes:
        with self._turn() as file:
            return file.read(size)

    def _write(self, data: bytes) -> None:
        with self._turn() as file:
            _write_all(file, data)

    def _empty(self) -> None:
        with self._turn() as file:
            file.seek(0)
            file.truncate()

    def _put(self, rest: bytes, place: Callable[[Path], T]) -> T:
        with self._turn() as file:
            _write_all(file, rest)
            os.fsync(file.fileno())
            return place(self._path)


def _write_all(file: FileIO, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]
