"""A session's /mnt/data, handled from outside through a descriptor of the directory.

Code in the session may plant links, pipes and sockets there, or swap one thing for another, at
any moment. So no path is ever resolved: each component is opened relative to its parent's
descriptor without following links, and what was opened is examined, not what was named.

All functions but `in_thread` block; the event loop calls them through it. To hand a call over
takes longer than most of what is done here with a small file, so each does as much as it can.
"""

import asyncio
import contextlib
import errno
import os
import re
import secrets
import stat
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ParamSpec, TypeVar

from dynamic_sessions_local.ownership import acting_as_owner_of
from dynamic_sessions_local.paths import MAX_DEPTH, FileError, FilePath, InvalidPathError

CHUNK = 1 << 20

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_PARTS = os.sysconf("SC_IOV_MAX")
_UNFINISHED = re.compile(r"\.upload-[0-9a-f]{16}")

_P = ParamSpec("_P")
_T = TypeVar("_T")


class NoSuchFileError(FileError):
    """There is no such regular file or directory."""


class NameTakenError(FileError):
    """Something that is not a regular file has this name already."""


class StorageFullError(FileError):
    """The session's quota of bytes or of files is used up."""


_BY_ERRNO: dict[int, type[FileError]] = {
    errno.ENOENT: NoSuchFileError,
    errno.ENOTDIR: NoSuchFileError,
    errno.ELOOP: NoSuchFileError,
    errno.ENXIO: NoSuchFileError,
    errno.EACCES: NoSuchFileError,
    errno.EPERM: NoSuchFileError,
    errno.EISDIR: NameTakenError,
    errno.EEXIST: NameTakenError,
    errno.ENAMETOOLONG: InvalidPathError,
    errno.ENOSPC: StorageFullError,
    errno.EDQUOT: StorageFullError,
}


@dataclass(frozen=True, kw_only=True)
class FileEntry:
    """What a listing tells about one file or directory.

    Attributes:
        name: The last component.
        directory: Where it is, relative to the listed directory; "" for that directory itself.
        is_directory: Whether it is a directory rather than a regular file.
        size: Bytes.
        modified_ns: Time of the last change, in nanoseconds since the epoch.
    """

    name: str
    directory: str = ""
    is_directory: bool
    size: int
    modified_ns: int


def list_directory(root: int, directory: tuple[str, ...]) -> list[FileEntry]:
    """The regular files and directories of one level, by name."""
    with _translated("/".join(directory)), _opened(root, directory) as descriptor:
        entries = [_entry_or_none(descriptor, name) for name in _names(descriptor)]
    found = (entry for entry in entries if entry and not _UNFINISHED.fullmatch(entry.name))
    return sorted(found, key=lambda entry: entry.name)


def list_tree(root: int, directory: tuple[str, ...]) -> list[FileEntry]:
    """The regular files and directories of one level and of all below, each directory first.

    What lies deeper than a path can lead is left out.
    """
    found: list[FileEntry] = []
    to_visit = [directory]
    while to_visit:
        visited = to_visit.pop()
        below = visited[len(directory) :]
        try:
            level = list_directory(root, visited)
        except NoSuchFileError:
            if not below:
                raise
            continue  # the session removed it meanwhile
        found += [replace(entry, directory="/".join(below)) for entry in level]
        if len(visited) < MAX_DEPTH:
            folders = [(*visited, entry.name) for entry in level if entry.is_directory]
            to_visit += reversed(folders)
    return found


def stat_file(root: int, path: FilePath) -> FileEntry:
    """What a listing tells about one file or directory."""
    with _translated(path.name), _opened(root, path.directory) as descriptor:
        entry = _entry_or_none(descriptor, path.name)
    if entry is None:
        raise NoSuchFileError(f"there is no file {path.name!r}")
    return entry


@dataclass(frozen=True, kw_only=True)
class OpenFile:
    """A regular file to read.

    Attributes:
        descriptor: Owned by whoever opened it.
        size: Bytes.
        beginning: The first of them, up to `CHUNK`.
    """

    descriptor: int
    size: int
    beginning: bytes


def open_file(root: int, path: FilePath) -> OpenFile:
    """Open a regular file and read its beginning."""
    with _translated(path.name), _opened(root, path.directory) as directory:
        descriptor, size = _open_regular(directory, path.name)
        try:
            beginning = os.pread(descriptor, min(CHUNK, size), 0)
        except BaseException:
            os.close(descriptor)
            raise
    return OpenFile(descriptor=descriptor, size=size, beginning=beginning)


def delete_file(root: int, path: FilePath) -> None:
    """Remove one regular file."""
    with _translated(path.name), _opened(root, path.directory) as directory:
        status = os.stat(path.name, dir_fd=directory, follow_symlinks=False)
        if not stat.S_ISREG(status.st_mode):
            raise NoSuchFileError(f"there is no file {path.name!r}")
        os.unlink(path.name, dir_fd=directory)


class Upload:
    """A file on its way in, under a passing name in the root that no listing shows.

    It is made with the first bytes that are written.
    """

    def __init__(self, root: int) -> None:
        self._root = os.dup(root)
        self._passing_name = f".upload-{secrets.token_hex(8)}"
        self._descriptor = -1

    def write(self, parts: Sequence[bytes]) -> None:
        """Append."""
        rest = [memoryview(part) for part in parts]
        with _translated("upload"):
            if self._descriptor < 0:
                self._descriptor = _create_file(self._root, self._passing_name, 0o644)
            while rest:
                written = os.writev(self._descriptor, rest[:_MOST_PARTS])
                while rest and written >= len(rest[0]):
                    written -= len(rest.pop(0))
                if written:
                    rest[0] = rest[0][written:]

    def commit(self, path: FilePath) -> FileEntry:
        """Give the file its name, in place of a file that has it; missing directories are made."""
        with _translated(path.name), _opened(self._root, path.directory, create=True) as directory:
            with acting_as_owner_of(self._root):
                os.rename(
                    self._passing_name, path.name, src_dir_fd=self._root, dst_dir_fd=directory
                )
            entry = _entry(path.name, os.fstat(self._descriptor))
        self._close()
        return entry

    def abort(self) -> None:
        """Leave nothing behind. Does nothing after `commit`."""
        if self._root < 0:
            return
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                os.unlink(self._passing_name, dir_fd=self._root)
        self._close()

    def _close(self) -> None:
        for descriptor in (self._descriptor, self._root):
            if descriptor >= 0:
                os.close(descriptor)
        self._descriptor = self._root = -1


def copy_tree(source: int, target: int) -> int:
    """Copy what is in one data directory into another; nothing may run in either meanwhile.

    Files, directories and links (as links) are copied; holes stay holes, so that the work is
    bounded by what the source's quota let it hold.

    Returns:
        How many entries were left out: of another kind, unreadable, or beyond the depth limit.

    Raises:
        StorageFullError: The target cannot hold everything; what was copied so far stays.
    """
    with _opened(source, ()) as from_directory, _opened(target, ()) as to_directory:
        return _copy_directory(from_directory, to_directory, MAX_DEPTH)


def _copy_directory(source: int, target: int, depth: int) -> int:
    skipped = 0
    for name in _names(source):
        if _UNFINISHED.fullmatch(name):
            continue
        try:
            skipped += _copy_entry(source, target, name, depth)
        except OSError as error:
            if _BY_ERRNO.get(error.errno or 0) is StorageFullError:
                raise StorageFullError("the files of the session do not fit") from error
            skipped += 1
    return skipped


def _copy_entry(source: int, target: int, name: str, depth: int) -> int:
    status = os.stat(name, dir_fd=source, follow_symlinks=False)
    if stat.S_ISLNK(status.st_mode):
        linked = os.readlink(name, dir_fd=source)
        with acting_as_owner_of(target):
            os.symlink(linked, name, dir_fd=target)
        return 0
    if stat.S_ISREG(status.st_mode):
        _copy_file(source, target, name)
        return 0
    if not stat.S_ISDIR(status.st_mode) or depth == 0:
        return 1
    with (
        _opened(source, (name,)) as from_directory,
        _opened(target, (name,), create=True) as to_directory,
    ):
        skipped = _copy_directory(from_directory, to_directory, depth - 1)
        os.utime(to_directory, ns=(status.st_atime_ns, status.st_mtime_ns))
    return skipped


def _copy_file(source: int, target: int, name: str) -> None:
    reading, size = _open_regular(source, name)
    with _closing(reading):
        status = os.fstat(reading)
        mode = stat.S_IMODE(status.st_mode) & 0o777 | stat.S_IRUSR | stat.S_IWUSR
        writing = _create_file(target, name, mode)
        with _closing(writing):
            for start, end in _extents(reading, size):
                _copy_range(reading, writing, start, end)
            os.ftruncate(writing, size)
            os.utime(writing, ns=(status.st_atime_ns, status.st_mtime_ns))


def _extents(descriptor: int, size: int) -> Iterator[tuple[int, int]]:
    end = 0
    while end < size:
        try:
            start = os.lseek(descriptor, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole up to the end
                return
            raise
        end = min(os.lseek(descriptor, start, os.SEEK_HOLE), size)
        yield start, end


def _copy_range(reading: int, writing: int, start: int, end: int) -> None:
    while start < end:
        data = os.pread(reading, min(CHUNK, end - start), start)
        if not data:
            return
        start += os.pwrite(writing, data, start)


async def in_thread(function: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Call a blocking function in a worker thread.

    A cancelled caller is let go only after the thread is done: it will close descriptors that
    the thread is using.
    """
    # Without the task and the copied context of asyncio.to_thread, which cost half as much again.
    loop = asyncio.get_running_loop()
    work = loop.run_in_executor(None, partial(function, *args, **kwargs))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        while not work.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({work})
        raise


def _names(directory: int) -> list[str]:
    with os.scandir(directory) as found:
        return [entry.name for entry in found]


@contextlib.contextmanager
def _translated(what: object) -> Generator[None]:
    try:
        yield
    except OSError as error:
        known = _BY_ERRNO.get(error.errno or 0)
        if known is None:
            raise
        raise known(f"{what}: {os.strerror(error.errno or 0)}") from error


@contextlib.contextmanager
def _opened(root: int, parts: tuple[str, ...], *, create: bool = False) -> Generator[int]:
    # Opened anew even for the root: the descriptor given may be a mere O_PATH one, and two
    # listings through one descriptor would share its position.
    descriptor = os.open(".", _DIRECTORY, dir_fd=root)
    try:
        for part in parts:
            child = _open_child(descriptor, part, create=create)
            os.close(descriptor)
            descriptor = child
        yield descriptor
    finally:
        os.close(descriptor)


def _open_child(parent: int, name: str, *, create: bool) -> int:
    if create:
        with contextlib.suppress(FileExistsError), acting_as_owner_of(parent):
            os.mkdir(name, 0o755, dir_fd=parent)
    try:
        return os.open(name, _DIRECTORY, dir_fd=parent)
    except OSError as error:
        if create and error.errno in {errno.ENOTDIR, errno.ELOOP}:
            raise NameTakenError(f"{name!r} is not a directory") from error
        raise


def _create_file(directory: int, name: str, mode: int) -> int:
    with acting_as_owner_of(directory):
        return os.open(name, _CREATE, mode, dir_fd=directory)


def _open_regular(directory: int, name: str) -> tuple[int, int]:
    # Looked at before it is opened, since opening a pipe would wake its writer, and again
    # after, since it may have been swapped in between.
    _require_regular(name, os.stat(name, dir_fd=directory, follow_symlinks=False))
    descriptor = os.open(name, _READ, dir_fd=directory)
    try:
        status = os.fstat(descriptor)
        _require_regular(name, status)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, status.st_size


def _require_regular(name: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise NoSuchFileError(f"there is no file {name!r}")


def _entry_or_none(directory: int, name: str) -> FileEntry | None:
    try:
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
        return None
    return _entry(name, status)


def _entry(name: str, status: os.stat_result) -> FileEntry:
    # A name that is not UTF-8 could not be sent as JSON.
    readable = os.fsencode(name).decode(errors="replace")
    return FileEntry(
        name=readable,
        is_directory=stat.S_ISDIR(status.st_mode),
        size=status.st_size,
        modified_ns=status.st_mtime_ns,
    )


@contextlib.contextmanager
def _closing(descriptor: int) -> Generator[None]:
    try:
        yield
    finally:
        os.close(descriptor)
