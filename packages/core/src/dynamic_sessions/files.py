"""The files of a session. Names never choose a place on this machine: the caller does."""

import contextlib
import os
import uuid
from collections.abc import Sequence
from pathlib import Path

import anyio
import anyio.to_thread

from dynamic_sessions.models import SessionFile
from dynamic_sessions.service import PoolService
from dynamic_sessions.uploads import UploadSource, open_upload

DATA_DIRECTORY = "/mnt/data"
"""Root of all file calls, and where code runs."""


class AsyncSessionFiles:
    """The files below a session's data directory, `/mnt/data`.

    Names are relative to that directory, with forward slashes; a leading "/mnt/data/" is taken
    off. Calls create the session if it does not exist yet.
    """

    def __init__(self, identifier: str, service: PoolService, *, in_use: set[str]) -> None:
        self._identifier = identifier
        self._service = service
        self._in_use = in_use

    async def upload(self, source: UploadSource, *, name: str | None = None) -> SessionFile:
        """Put a file into the session, in place of any of that name.

        Args:
            source: A path on this machine, the content as bytes, or a seekable binary file, read
                from where it stands.
            name: The name in the session; by default the base name of the path.

        Raises:
            ValueError: No name was given and the source has none, or the name is not valid.
            PayloadTooLargeError: The file is over the service's limit.
            ServiceError: The service, or the way to it, failed.
        """
        content, suggested = await open_upload(source)
        if name is None and suggested is None:
            raise ValueError("The source has no name of its own: pass name=...")
        target = session_name(name or suggested or "")
        return await self._service.upload_file(self._used_identifier(), target, content)

    async def list(self, directory: str = "") -> Sequence[SessionFile]:
        """List one directory, by default the data directory itself.

        Raises:
            ServiceError: The service, or the way to it, failed.
        """
        trimmed = directory.rstrip("/")
        below = "" if trimmed in {"", DATA_DIRECTORY} else session_name(trimmed)
        return await self._service.list_files(self._used_identifier(), below)

    async def download(self, name: str, *, to: str | os.PathLike[str]) -> Path:
        """Copy a file into a directory of this machine, under its own name.

        The file appears whole or not at all, in place of any of that name; sub-directories of the
        name are made. No name leads out of the directory.

        Args:
            name: The file's name in the session.
            to: The directory on this machine; made if it does not exist.

        Returns:
            The path of the copy.

        Raises:
            ValueError: The name is not valid, or a symbolic link would lead out of the directory.
            NotFoundError: The session has no such file.
            ServiceError: The service, or the way to it, failed.
        """
        source = session_name(name)
        target = await anyio.to_thread.run_sync(_local_target, Path(to), source)
        partial = target.with_name(f".{uuid.uuid4().hex}.part")
        try:
            async with (
                self._service.download_file(self._used_identifier(), source) as chunks,
                await anyio.open_file(partial, "xb") as file,
            ):
                async for chunk in chunks:
                    await file.write(chunk)
            await anyio.to_thread.run_sync(partial.replace, target)
        finally:
            with anyio.CancelScope(shield=True), contextlib.suppress(FileNotFoundError):
                await anyio.to_thread.run_sync(partial.unlink)
        return target

    async def read(self, name: str) -> bytes:
        """Return a file's content.

        Raises:
            ValueError: The name is not valid.
            NotFoundError: The session has no such file.
            ServiceError: The service, or the way to it, failed.
        """
        content = bytearray()
        async with self._service.download_file(
            self._used_identifier(), session_name(name)
        ) as chunks:
            async for chunk in chunks:
                content += chunk
        return bytes(content)

    async def delete(self, name: str) -> None:
        """Delete a file; one that is gone already counts as deleted.

        Raises:
            ValueError: The name is not valid.
            ServiceError: The service, or the way to it, failed.
        """
        await self._service.delete_file(self._used_identifier(), session_name(name))

    def _used_identifier(self) -> str:
        # Every file call creates the session if it is not there.
        self._in_use.add(self._identifier)
        return self._identifier


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


def _local_target(root: Path, name: str) -> Path:
    parts = name.split("/")
    if os.sep != "/" and any(os.sep in part or ":" in part for part in parts):
        raise ValueError(f"{name!r} cannot be a file's name on this machine.")
    target = root.joinpath(*parts)
    # Parents are looked at one by one before they are made, so that a symbolic link below the
    # directory cannot lead the creation of the next one elsewhere.
    root.mkdir(parents=True, exist_ok=True)
    directory = root
    for part in parts[:-1]:
        directory = directory / part
        if directory.is_symlink():
            raise ValueError(f"{directory} is a symbolic link, which a download does not follow.")
        directory.mkdir(exist_ok=True)
    if target.is_dir():
        raise ValueError(f"{target} is a directory; the file would replace it.")
    return target
