"""The HTTP API: routes, and between request and response nothing but calls to other modules."""

import asyncio
import json
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol, TypeVar
from urllib.parse import unquote_to_bytes

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from dynamic_sessions_local.dialects import flat, legacy
from dynamic_sessions_local.dialects.errors import RequestError, invalid, unsupported
from dynamic_sessions_local.dialects.requests import (
    LEGACY_VERSIONS,
    SESSION_VERSIONS,
    VERSIONS,
    Query,
    Run,
    execution_id,
)
from dynamic_sessions_local.dialects.values import milliseconds
from dynamic_sessions_local.errors import LocalPoolError, PoolClosedError
from dynamic_sessions_local.files import (
    FileEntry,
    NameTakenError,
    NoSuchFileError,
    StorageFullError,
    Upload,
    delete_file,
    in_thread,
    list_directory,
    open_file,
    stat_file,
)
from dynamic_sessions_local.gate import Gate
from dynamic_sessions_local.limits import Limits
from dynamic_sessions_local.multipart import (
    MAX_FILES,
    MAX_OVERHEAD,
    receive_files,
    too_large,
)
from dynamic_sessions_local.paths import (
    FilePath,
    InvalidPathError,
    parse_directory,
    parse_file,
)
from dynamic_sessions_local.responses import FileResponse, error_response, json_response
from dynamic_sessions_local.session import Outcome, Session, SessionNotFoundError
from dynamic_sessions_local.sessions import PoolFullError, Sessions

MAX_JSON = 16 << 20
PATIENCE_SECONDS = 0.02

_SESSION_HEADERS = {"api-supported-versions": ", ".join(SESSION_VERSIONS)}

# What an error of ours is to a caller: the most specific class that an error has counts.
_ANSWERS: dict[type[Exception], tuple[int, str]] = {
    InvalidPathError: (400, "SessionRequestValidationFailed"),
    SessionNotFoundError: (400, "SessionWithIdentifierNotFound"),
    NoSuchFileError: (404, "SessionFileNotFound"),
    NameTakenError: (409, "SessionFileNameConflict"),
    StorageFullError: (413, "SessionStorageFull"),
    PoolFullError: (429, "SessionPoolCapacityReached"),
    PoolClosedError: (503, "SessionPoolUnavailable"),
    LocalPoolError: (503, "SessionAllocationFailed"),
}

_T = TypeVar("_T")
_P = TypeVar("_P")


class _FileDialect(Protocol):
    """What both dialects' modules offer for files."""

    def listing(self, entries: Sequence[FileEntry], version: str) -> dict[str, object]: ...

    def metadata(self, entry: FileEntry, version: str) -> dict[str, object]: ...

    def uploaded(self, entries: Sequence[FileEntry], version: str) -> dict[str, object]: ...


def build_app(sessions: Sessions, *, token: str, host: str, limits: Limits) -> ASGIApp:
    """The application of one pool.

    Args:
        sessions: What it serves.
        token: The bearer token that every request must have.
        host: The address that it will be reached at.
        limits: The bounds of one session.
    """
    calls = _Calls(sessions, limits)
    routes = [
        Route("/executions", calls.execute_flat, methods=["POST"]),
        Route("/code/execute", calls.execute_legacy, methods=["POST"]),
        Route("/files", calls.list_files, methods=["GET"]),
        Route("/files", calls.upload_flat, methods=["POST"]),
        Route("/files/upload", calls.upload_legacy, methods=["POST"]),
        Route("/files/content/{name}", calls.download, methods=["GET"]),
        Route("/files/{name}/content", calls.download, methods=["GET"]),
        Route("/files/{name}", calls.get_file, methods=["GET"]),
        Route("/files/{name}", calls.delete_file, methods=["DELETE"]),
        Route("/session", calls.get_session, methods=["GET"]),
        Route("/session", calls.delete_session, methods=["DELETE"]),
    ]
    app = Starlette(
        routes=routes,
        exception_handlers={
            RequestError: _answer_error,
            LocalPoolError: _answer_error,
            HTTPException: _answer_error,
            ClientDisconnect: _answer_nobody,
            Exception: _answer_error,
        },
    )
    app.router.redirect_slashes = False
    return Gate(app, token=token, host=host)


class _Calls:
    def __init__(self, sessions: Sessions, limits: Limits) -> None:
        self._sessions = sessions
        self._limits = limits

    async def execute_flat(self, request: Request) -> Response:
        query = Query(request.query_params.multi_items())
        version, identifier = query.version(VERSIONS), query.identifier()
        run = flat.read_execution(await _json_body(request), self._limits)
        outcome, headers = await self._execute(request, identifier, run)
        body = flat.execution(
            outcome,
            run,
            execution_id=execution_id(request.headers.get("operation-id")),
            identifier=identifier,
            version=version,
        )
        return json_response(body, status=flat.execution_status(version), headers=headers)

    async def execute_legacy(self, request: Request) -> Response:
        query = Query(request.query_params.multi_items())
        version, identifier = query.version(VERSIONS), query.identifier()
        run = legacy.read_execution(await _json_body(request), self._limits)
        outcome, headers = await self._execute(request, identifier, run)
        return json_response(legacy.execution(outcome, run, version=version), headers=headers)

    async def list_files(self, request: Request) -> Response:
        query = Query(request.query_params.multi_items())
        version, identifier = query.version(VERSIONS), query.identifier()
        directory = parse_directory(query.get("path"))
        entries = await self._in_directory(identifier, list_directory, directory)
        return json_response(_dialect(version).listing(entries, version))

    async def get_file(self, request: Request) -> Response:
        query = Query(request.query_params.multi_items())
        version, identifier = query.version(VERSIONS), query.identifier()
        path = _file_path(request, query)
        entry = await self._in_directory(identifier, stat_file, path)
        return json_response(_dialect(version).metadata(entry, version))

    async def download(self, request: Request) -> Response:
        query = Query(request.query_params.multi_items())
        query.version(VERSIONS)
        identifier = query.identifier()
        path = _file_path(request, query)
        descriptor, size = await self._in_directory(identifier, open_file, path)
        return FileResponse(descriptor, size)

    async def delete_file(self, request: Request) -> Response:
        query = Query(request.query_params.multi_items())
        version, identifier = query.version(VERSIONS), query.identifier()
        path = _file_path(request, query)
        await self._in_directory(identifier, delete_file, path)
        if version in LEGACY_VERSIONS:
            return json_response(legacy.DELETED)
        return Response(status_code=204)

    async def upload_flat(self, request: Request) -> Response:
        return await self._upload(request, flat, most=1)

    async def upload_legacy(self, request: Request) -> Response:
        return await self._upload(request, legacy, most=MAX_FILES)

    async def get_session(self, request: Request) -> Response:
        identifier = _session_identifier(request)
        with self._sessions.look(identifier) as session:
            body = flat.session(session, self._sessions.cooldown)
        return json_response(body, headers=_SESSION_HEADERS)

    async def delete_session(self, request: Request) -> Response:
        await self._sessions.delete(_session_identifier(request))
        return Response(status_code=204, headers=_SESSION_HEADERS)

    async def _in_directory(self, identifier: str, call: Callable[[int, _P], _T], place: _P) -> _T:
        """What a file call says of a place in the identifier's /mnt/data."""
        with self._sessions.use(identifier) as session:
            async with session.directory() as root:
                return await in_thread(call, root, place)

    async def _execute(
        self, request: Request, identifier: str, run: Run
    ) -> tuple[Outcome, dict[str, str]]:
        begun = time.perf_counter()
        with self._sessions.use(identifier) as session:
            outcome = await _unless_abandoned(
                request,
                session.execute(run.code, timeout=run.timeout, output_limit=run.output_limit),
            )
        return outcome, _execution_headers(outcome, time.perf_counter() - begun)

    async def _upload(self, request: Request, dialect: _FileDialect, *, most: int) -> Response:
        query = Query(request.query_params.multi_items())
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
                return await in_thread(Upload, root)

        received = await receive_files(
            request.stream(),
            content_type=request.headers.get("content-type", ""),
            begin=begin,
            limit=self._limits.upload_bytes,
            most=most,
        )
        try:
            # Named only now: a body that turned out broken would have left some of its files.
            async with session.directory():
                if begun_under != {session.guid}:
                    raise RequestError(
                        409, "SessionRestarted", "the session was restarted during the upload"
                    )
                return [
                    await in_thread(
                        each.upload.commit, FilePath(directory=directory, name=each.name)
                    )
                    for each in received
                ]
        finally:
            for each in received:
                await in_thread(each.upload.abort)


def _dialect(version: str) -> _FileDialect:
    """Whose bodies go with the paths that both dialects have."""
    return legacy if version in LEGACY_VERSIONS else flat


def _file_path(request: Request, query: Query) -> FilePath:
    encoded: str = request.path_params["name"]
    name = unquote_to_bytes(encoded.encode("latin-1")).decode(errors="surrogateescape")
    return parse_file(parse_directory(query.get("path")), name)


def _session_identifier(request: Request) -> str:
    query = Query(request.query_params.multi_items())
    query.version(SESSION_VERSIONS)
    return query.identifier()


def _content_length(request: Request) -> int:
    try:
        return int(request.headers.get("content-length", "0"))
    except ValueError:
        return 0


async def _json_body(request: Request) -> object:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_JSON:
            raise RequestError(413, "RequestTooLarge", f"a body has at most {MAX_JSON} bytes")
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise invalid("the body is not JSON") from None


async def _unless_abandoned(request: Request, work: Coroutine[None, None, _T]) -> _T:
    """The work's result; it is cancelled, and waited for, once the client has gone."""
    working = asyncio.ensure_future(work)
    tasks: set[asyncio.Future[Any]] = {working}
    try:
        # Most work ends before a client could lose patience, and then nobody need watch it.
        await asyncio.wait(tasks, timeout=PATIENCE_SECONDS)
        if not working.done():
            tasks.add(asyncio.ensure_future(_client_gone(request)))
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        unfinished = {task for task in tasks if task.cancel()}
        if unfinished:
            await asyncio.wait(unfinished)


async def _client_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _execution_headers(outcome: Outcome, seconds: float) -> dict[str, str]:
    duration = str(milliseconds(outcome.reply.duration))
    allocation = outcome.allocation_seconds
    preparation = outcome.waiting_seconds
    return {
        "x-ms-allocation-retries": "0",
        "x-ms-allocation-time": _decimal(allocation),
        "x-ms-container-execution-duration": duration,
        "x-ms-execution-read-response-time": "0",
        "x-ms-execution-request-time": duration,
        "x-ms-new-allocation": str(outcome.new_allocation).lower(),
        "x-ms-overall-execution-time": _decimal(max(seconds - allocation - preparation, 0)),
        "x-ms-preparation-time": _decimal(preparation),
        "x-ms-session-guid": outcome.guid,
        "x-ms-total-execution-service-time": _decimal(seconds),
    }


def _decimal(seconds: float) -> str:
    """Milliseconds with up to four decimals."""
    return f"{seconds * 1000:.4f}".rstrip("0").rstrip(".")


async def _answer_error(request: Request, error: Exception) -> Response:
    return error_response(_as_request_error(error), request.scope["correlation_id"])


def _as_request_error(error: Exception) -> RequestError:
    if isinstance(error, RequestError):
        return error
    if isinstance(error, HTTPException):
        if error.status_code == 405:
            return unsupported("the method is not supported on this path")
        return RequestError(error.status_code, "NotFound", "there is no such path")
    for kind in type(error).__mro__:
        if kind in _ANSWERS:
            status, code = _ANSWERS[kind]
            return RequestError(status, code, str(error), headers=_retry_after(error))
    return RequestError(500, "InternalServerError", "the session pool failed")


def _retry_after(error: Exception) -> dict[str, str]:
    return {"retry-after": str(error.retry_after)} if isinstance(error, PoolFullError) else {}


async def _answer_nobody(_request: Request, _error: Exception) -> Response:
    return Response(status_code=499)
