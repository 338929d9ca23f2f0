"""Files of a session as Agent Framework's contents, in and out."""

import base64
import binascii
import logging
import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast
from urllib.parse import unquote_to_bytes

from agent_framework import Content

from dynamic_sessions import AsyncSession, NotFoundError, ServiceError, SessionFile
from dynamic_sessions.files import DATA_DIRECTORY

logger = logging.getLogger("maf_dynamic_sessions")

MAX_FILE_BYTES = 5 * 1024 * 1024
MAX_FILES = 20

FileVersions: TypeAlias = Mapping[str, SessionFile]


@dataclass(frozen=True, kw_only=True)
class MadeFiles:
    """The files that a run made or changed."""

    names: tuple[str, ...] = ()
    contents: tuple[Content, ...] = ()
    notes: tuple[str, ...] = ()
    """What a model should know of files that are not among the contents."""


async def upload_content(
    session: AsyncSession, content: Content, *, name: str | None = None
) -> SessionFile:
    """Put a data content into a session as a file.

    Args:
        session: The session.
        content: The data.
        name: The name in the session; by default the content's own.

    Raises:
        ValueError: The content holds no data, or there is no valid name for it.
        ServiceError: The service, or the way to it, failed.
    """
    target = name or content_name(content)
    if target is None:
        raise ValueError("The content has no name of its own: pass name=...")
    return await session.files.upload(content_bytes(content), name=target)


async def download_content(session: AsyncSession, name: str) -> Content:
    """Return a file of a session as a data content, with its name and media type.

    Raises:
        ValueError: The name is not valid.
        NotFoundError: The session has no such file.
        ServiceError: The service, or the way to it, failed.
    """
    return _file_content(name, await session.files.read(name))


def content_bytes(content: Content) -> bytes:
    """Return the data of a data content.

    Raises:
        ValueError: The content holds no data.
    """
    head, comma, body = (content.uri or "").partition(",")
    if content.type != "data" or not comma:
        raise ValueError(f"A content of type {content.type!r} holds no data.")
    try:
        return base64.b64decode(body) if head.endswith(";base64") else unquote_to_bytes(body)
    except binascii.Error as error:
        raise ValueError("The content's base64 cannot be decoded.") from error


def content_name(content: Content) -> str | None:
    """Return the file name that a data content has, or None."""
    if content.type != "data":
        return None
    properties = cast("Mapping[str, object]", content.additional_properties or {})
    # Older versions of the framework have no such attribute.
    candidates = (getattr(content, "name", None), properties.get("filename"))
    return next((item for item in candidates if isinstance(item, str) and item), None)


async def file_versions(session: AsyncSession) -> FileVersions:
    """Return the files of a session by name, to be compared with those at another time."""
    entries = await session.files.list(recursive=True)
    return {entry.name: entry for entry in entries if entry.type == "file"}


async def made_files(session: AsyncSession, before: FileVersions) -> MadeFiles:
    """Return the files that are new or changed since they were listed.

    A service that fails here is told of in the notes: the run itself has come to its end.
    """
    try:
        after = await file_versions(session)
        made = [entry for name, entry in sorted(after.items()) if before.get(name) != entry]
        small = [entry for entry in made if entry.size <= MAX_FILE_BYTES][:MAX_FILES]
        contents = await _read_all(session, small)
    except ServiceError as error:
        logger.warning("The files that a run made could not be fetched: %s", error)
        return MadeFiles(notes=("[the files could not be fetched]",))
    left = len(made) - len(small)
    return MadeFiles(
        names=tuple(entry.name for entry in made),
        contents=tuple(contents),
        notes=(f"[{left} of the files are too large or too many to be returned]",) if left else (),
    )


async def _read_all(session: AsyncSession, entries: Sequence[SessionFile]) -> list[Content]:
    contents: list[Content] = []
    for entry in entries:
        try:
            contents.append(await download_content(session, entry.name))
        except NotFoundError:
            # A process that the code left behind may have taken it away since.
            continue
    return contents


def _file_content(name: str, data: bytes) -> Content:
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    filename = name.removeprefix(f"{DATA_DIRECTORY}/")
    properties = {"filename": filename, "path": f"{DATA_DIRECTORY}/{filename}"}
    return Content.from_data(data, media_type, additional_properties=properties)
