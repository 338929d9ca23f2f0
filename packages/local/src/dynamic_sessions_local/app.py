"""The HTTP API: which path leads to which call, and which error to which answer."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from dynamic_sessions_local.calls.executions import ExecutionCalls
from dynamic_sessions_local.calls.files import FileCalls
from dynamic_sessions_local.calls.mcp import McpCalls
from dynamic_sessions_local.calls.pool import PoolCalls
from dynamic_sessions_local.calls.sessions import SessionCalls
from dynamic_sessions_local.dialects.errors import RequestError, unsupported
from dynamic_sessions_local.errors import LocalPoolError, PoolClosedError
from dynamic_sessions_local.executions import (
    ExecutionIdTakenError,
    ExecutionNotFoundError,
    TooManyExecutionsError,
)
from dynamic_sessions_local.files import NameTakenError, NoSuchFileError, StorageFullError
from dynamic_sessions_local.gate import Gate
from dynamic_sessions_local.inspector import INSPECTOR_PAGES, inspector_routes
from dynamic_sessions_local.metadata import Metadata
from dynamic_sessions_local.paths import InvalidPathError
from dynamic_sessions_local.responses import error_response
from dynamic_sessions_local.session import SessionNotFoundError
from dynamic_sessions_local.sessions import PoolFullError, Sessions
from dynamic_sessions_local.settings import Settings

# What an error of ours is to a caller: the most specific class that an error has counts.
_ANSWERS: dict[type[Exception], tuple[int, str]] = {
    InvalidPathError: (400, "SessionRequestValidationFailed"),
    SessionNotFoundError: (400, "SessionWithIdentifierNotFound"),
    ExecutionNotFoundError: (404, "SessionExecutionNotFound"),
    NoSuchFileError: (404, "SessionFileNotFound"),
    ExecutionIdTakenError: (409, "SessionExecutionIdConflict"),
    NameTakenError: (409, "SessionFileNameConflict"),
    StorageFullError: (413, "SessionStorageFull"),
    TooManyExecutionsError: (429, "SessionExecutionCapacityReached"),
    PoolFullError: (429, "SessionPoolCapacityReached"),
    PoolClosedError: (503, "SessionPoolUnavailable"),
    LocalPoolError: (503, "SessionAllocationFailed"),
}


def build_app(sessions: Sessions, settings: Settings) -> ASGIApp:
    """The application of one pool.

    Args:
        sessions: What it serves.
        settings: How the pool is to be.
    """
    executions = ExecutionCalls(sessions, settings.limits, settings.kind)
    files = FileCalls(sessions, settings.limits)
    looks = SessionCalls(sessions)
    pool = PoolCalls(Metadata(settings.python), settings.kind)
    tools = McpCalls(sessions, settings.limits, settings.kind)
    routes = [
        Route("/executions", executions.execute_flat, methods=["POST"]),
        Route("/executions/{id}", executions.get_execution, methods=["GET"]),
        Route("/code/execute", executions.execute_legacy, methods=["POST"]),
        Route("/files", files.list_files, methods=["GET"]),
        Route("/files", files.upload_flat, methods=["POST"]),
        Route("/files/upload", files.upload_legacy, methods=["POST"]),
        Route("/files/content/{name}", files.download, methods=["GET"]),
        Route("/files/{name}/content", files.download, methods=["GET"]),
        Route("/files/{name}", files.get_file, methods=["GET"]),
        Route("/files/{name}", files.delete_file, methods=["DELETE"]),
        Route("/session", looks.get, methods=["GET"]),
        Route("/session", looks.delete, methods=["DELETE"]),
        Route("/listsessions", looks.list_all, methods=["GET"]),
        Route("/.management/getsession", looks.manage_get, methods=["POST"]),
        Route("/.management/listsessions", looks.manage_list, methods=["POST"]),
        Route("/.management/stopsession", looks.manage_stop, methods=["POST"]),
        Route("/metadata", pool.get_metadata, methods=["GET"]),
        Route("/mcp", tools.post, methods=["POST"]),
        Route("/mcp", tools.refuse, methods=["GET", "DELETE"]),
        Route("/openapi.json", pool.get_description, methods=["GET"]),
    ]
    if settings.inspector:
        routes += inspector_routes(sessions, settings.kind)
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
    public = INSPECTOR_PAGES if settings.inspector else frozenset[str]()
    return Gate(app, token=settings.token, host=settings.host, public=public)


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
    if isinstance(error, PoolFullError | TooManyExecutionsError):
        return {"retry-after": str(error.retry_after)}
    return {}


async def _answer_nobody(_request: Request, _error: Exception) -> Response:
    return Response(status_code=499)
