"""What runs in a pool's thread: the launcher, the sessions and the HTTP server, in one loop."""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from dynamic_sessions_local.app import build_app
from dynamic_sessions_local.certificates import Certificates, issued
from dynamic_sessions_local.launchers import Launcher, select_launcher
from dynamic_sessions_local.sessions import Sessions
from dynamic_sessions_local.settings import Settings

Ready = Callable[[Launcher, Certificates | None], None]

KEEP_ALIVE_SECONDS = 75
SHUTDOWN_SECONDS = 2


async def serve(
    settings: Settings,
    listener: socket.socket,
    *,
    ready: Ready,
    stop: asyncio.Event,
) -> None:
    """Serve until `stop` is set, then end every session.

    Args:
        settings: How the pool is to be.
        listener: A listening socket, closed in the end.
        ready: Called with the launcher that was chosen, and with the certificates where there are
            any, once requests are answered.
        stop: Set by the pool.

    Raises:
        SandboxUnavailableError: User code cannot be isolated here.
    """
    with listener:
        launcher = await select_launcher(
            isolation=settings.isolation,
            launcher=settings.launcher,
            python=settings.python,
            limits=settings.limits,
            preload=() if settings.kind == "shell" else settings.preload,
        )
        tls = issued(settings.host) if settings.tls else contextlib.nullcontext()
        try:
            with tls as certificates:
                serving = _Serving(settings, listener, launcher, certificates)
                await serving.until(stop, ready)
        finally:
            await launcher.close()


@dataclass(frozen=True)
class _Serving:
    settings: Settings
    listener: socket.socket
    launcher: Launcher
    certificates: Certificates | None

    async def until(self, stop: asyncio.Event, ready: Ready) -> None:
        settings = self.settings
        sessions = Sessions(
            self.launcher,
            warm=settings.warm,
            max_warm=settings.max_warm,
            max_sessions=settings.max_sessions,
            cooldown=settings.cooldown,
            limits=settings.limits,
            watched=settings.inspector,
        )
        async with sessions:
            app = build_app(sessions, settings)
            configuration = uvicorn_configuration(app, self.certificates)
            # Now, and not in the first moments after the caller was told that the pool is ready: a
            # process that ends just then could not import any more.
            configuration.load()
            server = uvicorn.Server(configuration)
            serving = asyncio.create_task(server.serve(sockets=[self.listener]))
            stopping = asyncio.create_task(stop.wait())
            try:
                ready(self.launcher, self.certificates)
                await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
                # Before the server, which waits for its requests: ending the sessions ends those.
                await sessions.close()
            finally:
                stopping.cancel()
                server.should_exit = True
                await _finish(server, serving)


async def _finish(server: uvicorn.Server, serving: "asyncio.Task[None]") -> None:
    """Let what is being answered be answered, then hang up on clients that neither send nor read."""
    await asyncio.wait({serving}, timeout=SHUTDOWN_SECONDS)
    # Its own way is to cancel requests, which then count as errors: logged, and answered with 500.
    for connection in list(server.server_state.connections):
        connection.transport.abort()
    await serving


def uvicorn_configuration(app: ASGIApp, certificates: Certificates | None = None) -> uvicorn.Config:
    """How uvicorn serves an application of ours."""
    return uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        # The host process owns its logging and its signals.
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        ssl_certfile=None if certificates is None else certificates.server,
    )
