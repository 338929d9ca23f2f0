"""`dynamic-sessions serve`: a session pool in the foreground.

A function in Typer's manner, which the command line of core finds by an entry point.
"""

import contextlib
import os
import queue
import signal
import sys
from types import FrameType
from typing import Annotated

import typer

from dynamic_sessions_local.browser import opened
from dynamic_sessions_local.errors import LocalPoolError
from dynamic_sessions_local.pool import (
    DEFAULT_COOLDOWN,
    DEFAULT_MAX_SESSIONS,
    DEFAULT_MAX_WARM,
    LocalSessionPool,
)
from dynamic_sessions_local.settings import Isolation, Kind, LauncherName

TOKEN_VARIABLE = "DYNAMIC_SESSIONS_TOKEN"  # noqa: S105 - the name of one

_POOL_FAILED = 1
_USAGE = 2

_ACCESS = "Access"
_SESSIONS = "Sessions"
_NUMBERS = "How many, how long"


def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen on.", rich_help_panel=_ACCESS)
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="Port to listen on; 0: a free one.", rich_help_panel=_ACCESS)
    ] = 0,
    token: Annotated[
        str | None,
        typer.Option(
            metavar="TOKEN",
            help=f"Bearer token to ask for. By default ${TOKEN_VARIABLE}, which other users cannot "
            "see, or else a random one, which is printed.",
            rich_help_panel=_ACCESS,
        ),
    ] = None,
    tls: Annotated[
        bool,
        typer.Option(
            "--tls",
            help="Serve https, for clients that insist; prints which certificate they must trust.",
            rich_help_panel=_ACCESS,
        ),
    ] = False,
    open_inspector: Annotated[
        bool,
        typer.Option("--open", help="Open the inspector in a browser.", rich_help_panel=_ACCESS),
    ] = False,
    inspector: Annotated[
        bool,
        typer.Option(
            "--inspector/--no-inspector",
            help="Serve a page that shows what sessions run, and remember it for that.",
            rich_help_panel=_ACCESS,
        ),
    ] = True,
    kind: Annotated[
        Kind,
        typer.Option(
            help="What sessions run: Python code or shell commands.", rich_help_panel=_SESSIONS
        ),
    ] = "python",
    python: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Interpreter that sessions run; by default the one that runs this command.",
            rich_help_panel=_SESSIONS,
        ),
    ] = None,
    isolation: Annotated[
        Isolation,
        typer.Option(
            help="none: run code with all the rights of this process.", rich_help_panel=_SESSIONS
        ),
    ] = "sandbox",
    launcher: Annotated[
        LauncherName | None,
        typer.Option(
            help="How sessions are started; by default fork, where this machine lets it work.",
            rich_help_panel=_SESSIONS,
        ),
    ] = None,
    preload: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODULE",
            help="Module to import before a session begins, may be given several times; '' for "
            "none. By default numpy, pandas, matplotlib.pyplot where installed.",
            rich_help_panel=_SESSIONS,
        ),
    ] = None,
    cooldown: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            help="Time without a call after which a session ends.",
            rich_help_panel=_NUMBERS,
        ),
    ] = DEFAULT_COOLDOWN,
    max_sessions: Annotated[
        int, typer.Option(help="Sessions at a time.", rich_help_panel=_NUMBERS)
    ] = DEFAULT_MAX_SESSIONS,
    warm: Annotated[
        int, typer.Option(help="Unused kernels to keep ready at least.", rich_help_panel=_NUMBERS)
    ] = 1,
    max_warm: Annotated[
        int | None,
        typer.Option(
            help=f"Unused kernels to keep ready while many are taken; by default {DEFAULT_MAX_WARM}, "
            "or --warm where that is more.",
            rich_help_panel=_NUMBERS,
        ),
    ] = None,
) -> int:
    """Run a session pool on this machine until Ctrl-C."""
    if open_inspector and not inspector:
        return _failed(_USAGE, "--open opens the inspector, which --no-inspector switches off")
    given = token or os.environ.get(TOKEN_VARIABLE) or None
    try:
        pool = LocalSessionPool(
            host=host,
            port=port,
            token=given,
            tls=tls,
            kind=kind,
            python=python,
            isolation=isolation,
            launcher=launcher,
            preload=None if preload is None else [name for name in preload if name],
            warm=warm,
            max_warm=max_warm,
            max_sessions=max_sessions,
            cooldown=cooldown,
            inspector=inspector,
        )
        _serve(
            pool,
            token_is_known=given is not None,
            inspector=inspector,
            open_inspector=open_inspector,
        )
    except LocalPoolError as error:
        return _failed(_POOL_FAILED, error)
    except OSError as error:
        return _failed(_USAGE, error.strerror or error)
    except ValueError as error:
        return _failed(_USAGE, error)
    return 0


def _serve(
    pool: LocalSessionPool, *, token_is_known: bool, inspector: bool, open_inspector: bool
) -> None:
    # A handler instead of KeyboardInterrupt, which could strike while the pool is closing; and
    # of the ways to wake a thread, this is the one that a handler may use.
    stopped: queue.SimpleQueue[int] = queue.SimpleQueue()

    def stop(number: int, _frame: FrameType | None) -> None:
        stopped.put(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    with pool:
        lines = [f"endpoint: {pool.endpoint}"]
        if not token_is_known:
            lines.append(f"token: {pool.credential.get_token().token}")
        if pool.certificate is not None:
            lines.append(f"certificate: {pool.certificate}")
        if inspector:
            lines.append(f"inspector: {pool.endpoint}inspect")
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        with opened(pool.inspector_url) if open_inspector else contextlib.nullcontext():
            stopped.get()


def _failed(code: int, error: object) -> int:
    sys.stderr.write(f"dynamic-sessions: {error}\n")
    return code
