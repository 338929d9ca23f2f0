"""Session pools and sessions, as commands use them."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

import anyio
import anyio.to_thread

from dynamic_sessions import AsyncSession, AsyncSessionPool
from dynamic_sessions.endpoints import LOCAL, resolve_endpoint
from dynamic_sessions.session import OnCancel
from dynamic_sessions_cli.profiles import Target
from dynamic_sessions_cli.statuses import CommandError, ExitStatus

T = TypeVar("T")


def in_event_loop(function: Callable[..., Awaitable[T]], *arguments: object) -> T:
    """Run an asynchronous function to its end; Ctrl-C cancels it."""
    return anyio.run(partial(function, *arguments))


@asynccontextmanager
async def open_pool(
    target: Target, *, on_cancel: OnCancel = "delete"
) -> AsyncGenerator[AsyncSessionPool]:
    """Yield the session pool, and end the command's own sessions afterwards.

    Raises:
        CommandError: The pool of this machine cannot start, or the profile makes no sense.
    """
    try:
        pool = AsyncSessionPool(
            target.endpoint, target.token, api_version=target.api_version, on_cancel=on_cancel
        )
    except ValueError as error:
        raise CommandError(f"{target.source}: {error}") from error
    if target.is_own_process:
        await _start_own_pool()
    async with pool:
        yield pool


async def _start_own_pool() -> None:
    try:
        await anyio.to_thread.run_sync(resolve_endpoint, LOCAL, None)
    except Exception as error:  # it comes through an entry point, with errors of its own
        raise CommandError(
            f"No session pool starts on this machine: {' '.join(str(error).split())}",
            "`dynamic-sessions doctor` says what is missing.",
            status=ExitStatus.SERVICE_FAILED,
        ) from error


def lasting(target: Target) -> Target:
    """Return the target if its sessions outlive a command.

    Raises:
        CommandError: They do not.
    """
    if target.is_own_process:
        raise CommandError(
            f'The pool "{LOCAL}" lives as long as one command, so no session is in it.',
            "Run `dynamic-sessions serve` in another terminal, and pass the endpoint that it "
            "prints; its token goes into DYNAMIC_SESSIONS_TOKEN.",
        )
    return target


def named_session(pool: AsyncSessionPool, target: Target, name: str | None) -> AsyncSession:
    """Return the session that the options or the profile name.

    Raises:
        CommandError: Neither does, or the name is not valid.
    """
    name = name or target.session
    if name is None:
        raise CommandError(
            "No session was named.",
            "Pass --session, or set DYNAMIC_SESSIONS_SESSION; `dynamic-sessions sessions ls` lists "
            "those that are alive.",
        )
    return checked_session(pool, name)


def checked_session(pool: AsyncSessionPool, name: str | None) -> AsyncSession:
    """Return a session by its name; a new one for None.

    Raises:
        CommandError: The name is not valid.
    """
    try:
        return pool.session(name)
    except ValueError as error:
        raise CommandError(str(error)) from error
