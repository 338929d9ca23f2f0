"""Files in and out of a session's /mnt/data."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar
from urllib.parse import unquote_to_bytes

from starlette.requests import Request
from starlette.responses import Response

from dynamic_sessions_local.calls.reading import query_of
from dynamic_sessions_local.dialects import flat, legacy
from dynamic_sessions_local.dialects.errors import RequestError
from dynamic_sessions_local.dialects.requests import LEGACY_VERSIONS, VERSIONS, Query, is_recursive
from dynamic_sessions_local.files import (
    FileEntry,
    Upload,
    delete_file,
    in_thread,
    list_directory,
    list_tree,
    open_file,
    stat_file,
)
from dynamic_sessions_local.limits import Limits
from dynamic_sessions_local.multipart import (
    MAX_FILES,
    MAX_OVERHEAD,
    ReceivedFile,
    receive_files,
    too_large,
)
from dynamic_sessions_local.paths import FilePath, parse_directory, parse_file
from dynamic_sessions_local.responses import FileResponse, json_response
from dynamic_sessions_local.session import Session
from dynamic_sessions_local.sessions import Sessions

_T = TypeVar("_T")
_P = TypeVar("_P")


class _FileDialect(Protocol):
    """What both dialects' modules offer for files."""

    def listing(self, entries: Sequence[FileEntry], version: str) -> dict[str, object]: ...

    def metadata(self, entry: FileEntry, version: str) -> dict[str, object]: ...

    def uploaded(self, entries: Sequence[FileEntry], version: str) -> dict[str, object]: ...


class FileCalls:
    """The calls of `/files`.

    Args:
        sessions: Whose files they are.
        limits: The bounds of one session.
    """

    def __init__(self, sessions: Sessions, limits: Limits) -> None:
        self._sessions = sessions
        self._limits = limits

    async def list_files(self, request: Request) -> Response:
        """`GET /files`."""
        query = query_of(request)
        version, identifier = query.version(VERSIONS), query.identifier()
        directory = parse_directory(query.get("path"))
        listed = list_tree if is_recursive(query) else list_directory
        entries = await self._in_directory(identifier, listed, directory)
        return json_response(_dialect(version).listing(entries, version))

    async def get_file(self, request: Request) -> Response:
        """`GET /files/{name}`."""
        query = query_of(request)
        version, identifier = query.version(VERSIONS), query.identifier()
        path = _file_path(request, query)
        entry = await self._in_directory(identifier, stat_file, path)
        return json_response(_dialect(version).metadata(entry, version))

    async def download(self, request: Request) -> Response:
        """`GET /files/{name}/content` and `GET /files/content/{name}`."""
        query = query_of(request)
        query.version(VERSIONS)
        identifier = query.identifier()
        path = _file_path(request, query)
        return FileResponse(await self._in_directory(identifier, open_file, path))

    async def delete_file(self, request: Request) -> Response:
        """`DELETE /files/{name}`."""
        query = query_of(request)
        version, identifier = query.version(VERSIONS), query.identifier()
        path = _file_path(request, query)
        await self._in_directory(identifier, delete_file, path)
        if version in LEGACY_VERSIONS:
            return json_response(legacy.DELETED)
        return Response(status_code=204)

    async def upload_flat(self, request: Request) -> Response:
        """`POST /files`."""
        return await self._upload(request, flat, most=1)

    async def upload_legacy(self, request: Request) -> Response:
        """`POST /files/upload`."""
        return await self._upload(request, legacy, most=MAX_FILES)

    async def _in_directory(self, identifier: str, call: Callable[[int, _P], _T], place: _P) -> _T:
        """What a file call says of a place in the identifier's /mnt/data."""
        with self._sessions.use(identifier) as session:
            async with session.directory() as root:
                return await in_thread(call, root, place)

    async def _upload(self, request: Request, dialect: _FileDialect, *, most: int) -> Response:
        query = query_of(request)
        version, identifier = query.version(VERSIONS), query.identifier()
        directory = parse_directory(query.get("path"))
        if _content_length(request) > self._limits.upload_bytes + MAX_OVERHEAD:
            raise too_large(self._limits.upload_bytes)
        with self._sessions.use(identifier) as session:
            entries = await self._receive(request, session, directory, most)
        return json_response(dialect.uploaded(entries, version))

    async def _receive(
        self, request: Request, session: Session, directory: tuple[str, ...], most: int
    ) -> list[FileEntry]:
        begun_under: set[str] = set()

        async def begin() -> Upload:
            async with session.directory() as root:
                begun_under.add(session.guid)
                return Upload(root)

        received = await receive_files(
            request.stream(),
            content_type=request.headers.get("content-type", ""),
            begin=begin,
            limit=self._limits.upload_bytes,
            most=most,
        )
        try:
            return await self._commit(session, begun_under, received, directory)
        except BaseException:
            for each in received:
                await in_thread(each.upload.abort)
            raise

    async def _commit(
        self,
        session: Session,
        begun_under: set[str],
        received: Sequence[ReceivedFile],
        directory: tuple[str, ...],
    ) -> list[FileEntry]:
        async with session.directory():
            if begun_under != {session.guid}:
                raise RequestError(
                    409, "SessionRestarted", "the session was restarted during the upload"
                )
            return await in_thread(_commit_all, received, directory)


def _commit_all(received: Sequence[ReceivedFile], directory: tuple[str, ...]) -> list[FileEntry]:
    # Named only when all are whole: a body that turned out broken, or files that do not fit, would
    # have left some of them.
    for each in received:
        each.write_rest()
    return [each.commit(directory) for each in received]


def _dialect(version: str) -> _FileDialect:
    """Whose bodies go with the paths that both dialects have."""
    return legacy if version in LEGACY_VERSIONS else flat


def _file_path(request: Request, query: Query) -> FilePath:
    encoded: str = request.path_params["name"]
    name = unquote_to_bytes(encoded.encode("latin-1")).decode(errors="surrogateescape")
    return parse_file(parse_directory(query.get("path")), name)


def _content_length(request: Request) -> int:
    try:
        return int(request.headers.get("content-length", "0"))
    except ValueError:
        return 0
