"""Files of this machine, used in worker threads and closed for certain."""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from threading import Lock
from typing import Self, TypeVar

import anyio.to_thread

T = TypeVar("T")


class LocalFile:
    """A file whose calls do not block the event loop.

    A task that is cancelled leaves its thread to itself, which may just be opening the file, and
    cannot wait for it. So closing never waits: if a thread is at work, that thread closes.

    Args:
        path: Where it is.
        is_partial: Whether it is to be made, and to be gone from there once it is closed.
    """

    def __init__(self, path: Path, *, is_partial: bool = False) -> None:
        self._path = path
        self._is_partial = is_partial
        self._lock = Lock()
        self._file: FileIO | None = None
        self._is_closed = False

    async def __aenter__(self) -> Self:
        try:
            await anyio.to_thread.run_sync(self._open)
        except BaseException:
            self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    async def read(self, size: int) -> bytes:
        """Return the next bytes; none at the end."""
        return await anyio.to_thread.run_sync(self._read, size)

    async def write(self, chunk: bytes) -> None:
        """Append bytes."""
        await anyio.to_thread.run_sync(self._write, chunk)

    async def restart(self) -> None:
        """Empty the file."""
        await anyio.to_thread.run_sync(self._empty)

    async def put(self, place: Callable[[Path], T]) -> T:
        """Have all bytes on the disk, and the file in its place.

        Args:
            place: Is called with the path at which the file is, in a worker thread.
        """
        return await anyio.to_thread.run_sync(self._put, place)

    def close(self) -> None:
        """Close the file; closing again does nothing."""
        self._is_closed = True
        if self._lock.acquire(blocking=False):
            try:
                self._end()
            finally:
                self._lock.release()

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
                if self._file is None:
                    raise ValueError(f"{self._path} is not open.")
                yield self._file
        finally:
            if self._is_closed:
                self.close()

    def _open(self) -> None:
        with self._lock:
            if not self._is_closed:
                self._file = FileIO(self._path, "x" if self._is_partial else "r")
        if self._is_closed:
            self.close()

    def _read(self, size: int) -> bytes:
        with self._turn() as file:
            return file.read(size)

    def _write(self, chunk: bytes) -> None:
        with self._turn() as file:
            left = memoryview(chunk)
            while left:
                left = left[file.write(left) :]

    def _empty(self) -> None:
        with self._turn() as file:
            file.seek(0)
            file.truncate()

    def _put(self, place: Callable[[Path], T]) -> T:
        with self._turn() as file:
            os.fsync(file.fileno())
            return place(self._path)
