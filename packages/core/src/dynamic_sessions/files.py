"""The files of a session. Names never choose a place on this machine: the caller does."""

import errno
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread

from dynamic_sessions.downloads import (
    IfExists,
    MemorySink,
    OpenDownload,
    Progress,
    Wanted,
    numbered_name,
    receive,
    whole_file,
)
from dynamic_sessions.errors import ServiceProtocolError
from dynamic_sessions.gathering import gather
from dynamic_sessions.ledger import SessionLedger
from dynamic_sessions.local_paths import files_below, find_below, make_target
from dynamic_sessions.models import SessionFile
from dynamic_sessions.service import PoolService
from dynamic_sessions.uploads import UploadSource, Watched, open_upload

DATA_DIRECTORY = "/mnt/data"
"""Root of all file calls, and where code runs."""

FILES_AT_ONCE = 4


class AsyncSessionFiles:
    """The files below a session's data directory, `/mnt/data`.

    Names are relative to that directory, with forward slashes; a leading "/mnt/data/" is taken
    off. Calls create the session if it does not exist yet.
    """

    def __init__(
        self, identifier: str, service: PoolService, ledger: SessionLedger, *, is_named: bool
    ) -> None:
        self._identifier = identifier
        self._service = service
        self._ledger = ledger
        self._is_named = is_named

    async def upload(
        self,
        source: UploadSource,
        *,
        name: str | None = None,
        root: str | os.PathLike[str] | None = None,
        if_exists: IfExists = "replace",
        progress: Progress | None = None,
    ) -> SessionFile:
        """Put a file into the session.

        Args:
            source: A path on this machine, the content as bytes, or a seekable binary file, read
                from where it stands.
            name: The name in the session; by default the base name of the path.
            root: The directory that a path must lie in, links followed. Give it wherever the path
                is not the programmer's own.
            if_exists: What to do when the session has a file of that name: "replace" it, "refuse"
                with a FileExistsError, or "keep_both" by another name. Code that runs in the
                session at the same time can come between the look and the upload.
            progress: Called with the bytes sent and their total.

        Raises:
            ValueError: No name was given and the source has none, the name is not valid, or the
                path leads out of the root.
            FileExistsError: There is a file of that name, and it is not to be replaced.
            PayloadTooLargeError: The file is over the service's limit; if the size says so,
                nothing was sent.
            ServiceError: The service, or the way to it, failed.
        """
        if root is not None:
            source = await anyio.to_thread.run_sync(find_below, Path(root), _path(source))
        content, suggested = await open_upload(source)
        if name is None and suggested is None:
            raise ValueError("The source has no name of its own: pass name=...")
        target = session_name(name or suggested or "")
        await self._enter()
        if if_exists != "replace":
            target = await self._free_name(target, if_exists)
        uploaded = await self._service.upload_file(
            self._identifier, target, Watched(content, progress)
        )
        if uploaded.size != content.size:
            raise ServiceProtocolError(
                f"upload file: {content.size} bytes were sent and {uploaded.size} kept.",
                operation="upload file",
                outcome_unknown=True,
            )
        return uploaded

    async def upload_directory(
        self,
        directory: str | os.PathLike[str],
        *,
        to: str = "",
        at_once: int = FILES_AT_ONCE,
    ) -> Sequence[SessionFile]:
        """Put all files below a directory into the session, under the same relative names.

        Symbolic links are passed over.

        Args:
            directory: On this machine.
            to: The directory in the session, made if it does not exist.
            at_once: How many files may be on their way at a time.

        Raises:
            ValueError: A name is not valid in a session.
            NotADirectoryError: The path names no directory.
            ServiceError: The service, or the way to it, failed. Some files may be there.
        """
        root = Path(directory)
        if not await anyio.Path(root).is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "There is no such directory", str(root))
        below = _directory_name(to)
        paths = await anyio.to_thread.run_sync(files_below, root)
        names = [session_name(_joined(below, path.relative_to(root).as_posix())) for path in paths]
        uploads = [
            partial(self.upload, path, name=name) for path, name in zip(paths, names, strict=True)
        ]
        return await gather(uploads, at_once)

    async def list(self, directory: str = "", *, recursive: bool = False) -> Sequence[SessionFile]:
        """List one directory, by default the data directory itself.

        Args:
            directory: In the session.
            recursive: Whether to list the directories in it, too, one call for each.

        Raises:
            ServiceError: The service, or the way to it, failed.
        """
        await self._enter()
        entries = list(await self._service.list_files(self._identifier, _directory_name(directory)))
        if recursive:
            for entry in [entry for entry in entries if entry.type == "directory"]:
                entries += await self.list(session_name(entry.name), recursive=True)
        return entries

    async def download(
        self,
        name: str | SessionFile,
        *,
        to: str | os.PathLike[str],
        if_exists: IfExists = "replace",
        progress: Progress | None = None,
    ) -> Path:
        """Copy a file into a directory of this machine, under its own name.

        The file appears whole or not at all; sub-directories of the name are made. No name leads
        out of the directory. A connection that breaks off is replaced.

        Args:
            name: The file's name in the session, or an entry of list(), whose size the copy then
                must have.
            to: The directory on this machine; made if it does not exist.
            if_exists: What to do when a file of that name is there: "replace" it, "refuse" with a
                FileExistsError, or "keep_both" by another name.
            progress: Called with the bytes received and their total.

        Returns:
            The path of the copy.

        Raises:
            ValueError: The name is not valid, or a symbolic link would lead out of the directory.
            FileExistsError: There is a file of that name, and it is not to be replaced.
            NotFoundError: The session has no such file.
            ServiceError: The service, or the way to it, failed.
        """
        wanted = _wanted(name)
        await self._enter()
        target = await anyio.to_thread.run_sync(make_target, Path(to), wanted.name)
        async with whole_file(target, if_exists) as file:
            await receive(wanted, self._opener(wanted.name), file.sink, progress)
        return file.path

    async def download_directory(
        self,
        directory: str = "",
        *,
        to: str | os.PathLike[str],
        if_exists: IfExists = "replace",
        at_once: int = FILES_AT_ONCE,
    ) -> Sequence[Path]:
        """Copy all files below a directory of the session, under the same relative names.

        Args:
            directory: In the session; by default the data directory itself.
            to: The directory on this machine; made if it does not exist.
            if_exists: See download().
            at_once: How many files may be on their way at a time.

        Returns:
            The paths of the copies.

        Raises:
            ValueError: The session has a name that is not valid here.
            ServiceError: The service, or the way to it, failed. Some files may be there.
        """
        entries = await self.list(directory, recursive=True)
        downloads = [
            partial(self.download, entry, to=to, if_exists=if_exists)
            for entry in entries
            if entry.type == "file"
        ]
        return await gather(downloads, at_once)

    async def read(self, name: str | SessionFile, *, max_bytes: int | None = None) -> bytes:
        """Return a file's content.

        Args:
            name: The file's name in the session, or an entry of list().
            max_bytes: How large the file may be, so that code in the session cannot fill this
                machine's memory.

        Raises:
            ValueError: The name is not valid, or the file is larger than it may be.
            NotFoundError: The session has no such file.
            ServiceError: The service, or the way to it, failed.
        """
        wanted = _wanted(name)
        await self._enter()
        sink = MemorySink()
        check = None if max_bytes is None else partial(_check_size, wanted.name, max_bytes)
        await receive(wanted, self._opener(wanted.name), sink, check)
        return bytes(sink.content)

    async def delete(self, name: str) -> None:
        """Delete a file; one that is gone already counts as deleted.

        Raises:
            ValueError: The name is not valid.
            ServiceError: The service, or the way to it, failed.
        """
        target = session_name(name)
        await self._enter()
        await self._service.delete_file(self._identifier, target)

    async def _enter(self) -> None:
        # Every file call creates the session if it is not there.
        await self._ledger.enter(self._identifier, is_named=self._is_named)

    def _opener(self, name: str) -> OpenDownload:
        return partial(self._service.download_file, self._identifier, name)

    async def _free_name(self, name: str, if_exists: IfExists) -> str:
        directory, _, base_name = name.rpartition("/")
        taken = {entry.name for entry in await self.list(directory)}
        if name not in taken:
            return name
        if if_exists == "refuse":
            raise FileExistsError(errno.EEXIST, "The session has a file of that name", name)
        numbers = range(2, len(taken) + 3)
        names = (_joined(directory, numbered_name(base_name, number)) for number in numbers)
        return next(candidate for candidate in names if candidate not in taken)


def session_name(name: str) -> str:
    """Return a name relative to the data directory, or say why it is none.

    Raises:
        ValueError: The name is empty or absolute, or has an empty part, ".", "..", a control
            character, or what UTF-8 cannot express.
    """
    relative = name.removeprefix(f"{DATA_DIRECTORY}/")
    relative.encode()
    if any(part in {"", ".", ".."} for part in relative.split("/")):
        raise ValueError(
            f"{name!r} is not a file's name in a session: it must be relative to /mnt/data, "
            'without empty parts, "." or "..".'
        )
    if any(character < " " or character == "\x7f" for character in relative):
        raise ValueError(f"{name!r} is not a file's name in a session: it has control characters.")
    return relative


def _wanted(name: str | SessionFile) -> Wanted:
    if isinstance(name, SessionFile):
        return Wanted(name=session_name(name.name), size=name.size)
    return Wanted(name=session_name(name))


def _check_size(name: str, limit: int, received: int, total: int | None) -> None:
    if max(received, total or 0) > limit:
        raise ValueError(f"{name!r} has more than {limit:,} bytes.")


def _directory_name(directory: str) -> str:
    trimmed = directory.rstrip("/")
    return "" if trimmed in {"", DATA_DIRECTORY} else session_name(trimmed)


def _joined(directory: str, name: str) -> str:
    return f"{directory}/{name}" if directory else name


def _path(source: UploadSource) -> str | os.PathLike[str]:
    if isinstance(source, str | os.PathLike):
        return source
    raise TypeError("A root is for sources that are paths.")
