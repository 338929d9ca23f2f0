"""The server over standard input and output, as a host starts it."""

import os
import signal
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, contextmanager
from typing import cast

import anyio
import anyio.lowlevel
from mcp.server.stdio import stdio_server

from dynamic_sessions_mcp.server import SessionServer

_READ_BYTES = 64 * 1024
_HAS_SIGNALS = sys.platform != "win32"


async def serve_stdio(server: SessionServer) -> None:
    """Serve the one client at the other end until it closes, or a signal asks to end.

    Standard output is the protocol's: whatever else prints meanwhile prints to standard error.
    Either way to end deletes the client's session.
    """
    async with anyio.create_task_group() as tasks:
        if _HAS_SIGNALS:
            tasks.start_soon(cancel_on_signal, tasks.cancel_scope)
            with _own_stdin() as descriptor:
                async with aclosing(_lines(descriptor)) as lines:
                    # All that is asked of the file is to yield lines.
                    await _serve(server, cast("anyio.AsyncFile[str]", lines))
        else:
            await _serve(server, None)
        tasks.cancel_scope.cancel()


async def cancel_on_signal(scope: anyio.CancelScope) -> None:
    """Cancel a scope when the process is asked to end, so that it does so in order."""
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            scope.cancel()
            return


async def _serve(server: SessionServer, stdin: anyio.AsyncFile[str] | None) -> None:
    async with stdio_server(stdin=stdin) as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())


@contextmanager
def _own_stdin() -> Generator[int]:
    """Take standard input away from everything else, so that nothing eats the client's messages."""
    descriptor = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    try:
        os.dup2(nothing, 0)
        yield descriptor
    finally:
        os.dup2(descriptor, 0)
        os.close(nothing)
        os.close(descriptor)


async def _lines(descriptor: int) -> AsyncGenerator[str]:
    """Yield lines in a way that can be cancelled: a thread that reads could not be."""
    rest = b""
    while chunk := await _read(descriptor):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.decode(errors="replace")
    if rest:
        yield rest.decode(errors="replace")


async def _read(descriptor: int) -> bytes:
    try:
        await anyio.wait_readable(descriptor)
    except PermissionError:
        # A plain file, which is always ready and cannot be waited for.
        await anyio.lowlevel.checkpoint()
    return os.read(descriptor, _READ_BYTES)
