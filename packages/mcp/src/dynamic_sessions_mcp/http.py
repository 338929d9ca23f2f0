"""The server over streamable HTTP, for several clients, each with a session of its own."""

import hmac
import signal
import socket
from collections.abc import Generator
from contextlib import contextmanager, nullcontext

import uvicorn
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dynamic_sessions_mcp.clients import (
    CONNECTION_HEADER,
    IDLE_SECONDS,
    ClientSessions,
    SessionSource,
)
from dynamic_sessions_mcp.server import build_server
from dynamic_sessions_mcp.settings import ServerSettings

PATH = "/mcp"
_BASE64_OVERHEAD = 2
_CLOSING_SECONDS = 3


async def serve_http(
    source: SessionSource,
    settings: ServerSettings,
    *,
    listening: socket.socket,
    token: str,
) -> None:
    """Serve clients that know the token until a signal asks to end.

    Args:
        source: Where their sessions come from.
        settings: The bounds of what they can do.
        listening: Where to listen.
        token: What clients send as their bearer token.
    """
    async with source.open() as sessions:
        app = http_app(source, settings, sessions, token=token)
        config = uvicorn.Config(
            app,
            lifespan="on",
            # Uvicorn's own logging prints to standard output.
            log_config=None,
            timeout_graceful_shutdown=_CLOSING_SECONDS,
        )
        await _Uvicorn(config).serve(sockets=[listening])


def http_app(
    source: SessionSource, settings: ServerSettings, sessions: ClientSessions, *, token: str
) -> ASGIApp:
    """Return the application that serves clients which know the token.

    Args:
        source: Where sessions come from.
        settings: The bounds of what clients can do.
        sessions: The clients' sessions, already open.
        token: What clients send as their bearer token.
    """
    server = build_server(settings, source.functions, lambda: nullcontext(sessions))
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        session_idle_timeout=IDLE_SECONDS,
        max_request_body_size=_BASE64_OVERHEAD * settings.file_limit + 1_000_000,
        # A page in a browser cannot know the token, which every request is asked for; names by
        # which this machine is reached are not known here.
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    return _Guarded(_EndingSessions(app, sessions), token)


class _Uvicorn(uvicorn.Server):
    """Ends in order on a signal; the original then raises it again, before sessions are deleted."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        handlers = {
            number: signal.signal(number, self.handle_exit)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)


class _Guarded:
    """Lets requests through that carry the token."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            given = Headers(scope=scope).get("authorization", "").encode()
            if not hmac.compare_digest(given, self._expected):
                refusal = JSONResponse(
                    {"error": "A bearer token is needed; the server printed it when it started."},
                    status_code=401,
                    headers={"www-authenticate": "Bearer"},
                )
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


class _EndingSessions:
    """Deletes the session of a client that ends its connection."""

    def __init__(self, app: ASGIApp, sessions: ClientSessions) -> None:
        self._app = app
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "DELETE":
            await self._app(scope, receive, send)
            return
        accepted = False

        async def watched_send(message: Message) -> None:
            nonlocal accepted
            if message["type"] == "http.response.start":
                accepted = message["status"] < 400
            await send(message)

        await self._app(scope, receive, watched_send)
        if accepted:
            await self._sessions.end(Headers(scope=scope).get(CONNECTION_HEADER, ""))
