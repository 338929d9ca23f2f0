"""What a session of a local pool ran, as the pool's inspector has it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from typing import Literal

from dynamic_sessions import ServiceResponseError
from dynamic_sessions.deadlines import Deadlines
from dynamic_sessions.endpoints import resolve_endpoint
from dynamic_sessions.executions import protocol_errors
from dynamic_sessions.transport import Call, Transport
from dynamic_sessions.wire import RequestData
from dynamic_sessions.wire.codec import read_object, read_objects
from dynamic_sessions_cli.profiles import Target
from dynamic_sessions_cli.statuses import CommandError, ExitStatus

ExportFormat = Literal["notebook", "script"]

# What a service answers where it knows no such path.
_UNKNOWN_PATH = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}
)


async def fetch_export(target: Target, name: str, form: ExportFormat) -> str:
    """Return what a session ran, the newest of that name, whether it is alive or has ended.

    Raises:
        CommandError: The pool has no inspector, or its inspector no such session.
        ServiceError: The pool, or the way to it, failed.
    """
    async with _open_transport(target) as transport:
        key = await _find(transport, name)
        call = _call("export session", form, {"session": key})
        async with transport.download(call) as download:
            return b"".join([chunk async for chunk in download]).decode()


@asynccontextmanager
async def _open_transport(target: Target) -> AsyncGenerator[Transport]:
    transport = Transport(partial(resolve_endpoint, target.endpoint, target.token))
    try:
        yield transport
    finally:
        await transport.close()


async def _find(transport: Transport, name: str) -> str:
    """Return the inspector's own name for a session, which tells it from those that have ended."""
    call = _call("list sessions", "sessions", {})
    try:
        reply = await transport.send(call)
    except ServiceResponseError as error:
        if error.status_code not in _UNKNOWN_PATH:
            raise
        raise CommandError(
            "This session pool does not keep what its sessions run; a local one with its "
            "inspector does.",
            "A program has what it ran itself, on every pool: "
            "`AsyncSession.history.to_notebook()`, or `to_script()`.",
            status=ExitStatus.SERVICE_FAILED,
        ) from error
    with protocol_errors(call):
        sessions = read_objects(read_object(reply.body, "the reply").get("sessions"), "sessions")
    for session in sessions:
        if session.get("identifier") == name:
            return str(session.get("key"))
    raise CommandError(
        f"The session pool knows no session {name!r}, or not any more.",
        "`dynamic-sessions sessions ls` lists those that are alive; of those that have ended, "
        "the inspector remembers the latest.",
        status=ExitStatus.SERVICE_FAILED,
    )


def _call(operation: str, what: str, query: dict[str, str]) -> Call:
    return Call(
        operation=operation,
        request=RequestData(method="GET", segments=("inspect", "api", what), query=query),
        deadline=Deadlines().call,
        repeatable=True,
    )
