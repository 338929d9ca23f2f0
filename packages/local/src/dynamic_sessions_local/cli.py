"""The `dynamic-sessions` command."""

import argparse
import asyncio
import contextlib
import os
import queue
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from dynamic_sessions_local.browser import opened
from dynamic_sessions_local.errors import LocalPoolError
from dynamic_sessions_local.pool import (
    DEFAULT_COOLDOWN,
    DEFAULT_MAX_SESSIONS,
    DEFAULT_MAX_WARM,
    LocalSessionPool,
)

TOKEN_VARIABLE = "DYNAMIC_SESSIONS_TOKEN"  # noqa: S105 - the name of one

_POOL_FAILED = 1
_USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: What follows the command's name; the process's own by default.

    Returns:
        The exit code: 0; 1 where no session can be had on this machine; 2 where the arguments or
        the port are at fault.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command == "serve" and options.open and options.no_inspector:
        parser.error("--open opens the inspector, which --no-inspector switches off")
    return {"serve": _serve, "doctor": _doctor}[options.command](options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dynamic-sessions", description="Run model-written Python in sandboxed sessions."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser(
        "serve",
        help="run a session pool on this machine",
        description="Run a session pool on this machine until Ctrl-C.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on")
    serve.add_argument("--port", type=int, default=0, help="port to listen on; 0: a free one")
    serve.add_argument(
        "--token",
        default=argparse.SUPPRESS,
        help=f"bearer token to ask for (default: ${TOKEN_VARIABLE}, which other users cannot "
        "see, or else a random one, which is printed)",
    )
    serve.add_argument(
        "--tls",
        action="store_true",
        help="serve https, for clients that insist; prints which certificate they must trust",
    )
    serve.add_argument(
        "--kind",
        choices=["python", "shell"],
        default="python",
        help="what sessions run: Python code or shell commands",
    )
    serve.add_argument(
        "--python",
        default=argparse.SUPPRESS,
        help="interpreter that sessions run (default: the one that runs this command)",
    )
    serve.add_argument(
        "--isolation",
        choices=["sandbox", "none"],
        default="sandbox",
        help="none: run code with all the rights of this process",
    )
    serve.add_argument(
        "--launcher",
        choices=["fork", "spawn"],
        default=argparse.SUPPRESS,
        help="how sessions are started (default: fork where this machine lets it work)",
    )
    serve.add_argument(
        "--preload",
        metavar="MODULE",
        action="append",
        default=argparse.SUPPRESS,
        help="module to import before a session begins, may be given several times; '' for none "
        "(default: numpy, pandas, matplotlib.pyplot where installed)",
    )
    serve.add_argument(
        "--cooldown",
        type=float,
        default=DEFAULT_COOLDOWN,
        help="seconds without a call after which a session ends",
    )
    serve.add_argument(
        "--max-sessions", type=int, default=DEFAULT_MAX_SESSIONS, help="sessions at a time"
    )
    serve.add_argument("--warm", type=int, default=1, help="unused kernels to keep ready at least")
    serve.add_argument(
        "--max-warm",
        type=int,
        default=argparse.SUPPRESS,
        help=f"unused kernels to keep ready while many are taken (default: {DEFAULT_MAX_WARM}, "
        "or --warm where that is more)",
    )
    serve.add_argument("--open", action="store_true", help="open the inspector in a browser")
    serve.add_argument(
        "--no-inspector",
        action="store_true",
        help="serve no page that shows what sessions run, and remember nothing for it",
    )
    doctor = commands.add_parser(
        "doctor",
        help="say whether a session pool can run on this machine",
        description="Try everything that a session pool needs on this machine, and say what works,"
        " what does not, and what to do about it.",
    )
    doctor.add_argument(
        "--python", help="interpreter for the sessions (default: the one that runs this command)"
    )
    return parser


def _doctor(options: argparse.Namespace) -> int:
    # Imported here: `serve` brings its own event loop, and needs none of it.
    from dynamic_sessions_local.doctor import diagnose, render  # noqa: PLC0415

    diagnosis = asyncio.run(diagnose(options.python))
    sys.stdout.write(render(diagnosis) + "\n")
    return _POOL_FAILED if diagnosis.launcher is None else 0


def _serve(options: argparse.Namespace) -> int:
    # A handler instead of KeyboardInterrupt, which could strike while the pool is closing; and
    # of the ways to wake a thread, this is the one that a handler may use.
    stopped: queue.SimpleQueue[int] = queue.SimpleQueue()

    def stop(number: int, _frame: FrameType | None) -> None:
        stopped.put(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    given = getattr(options, "token", None) or os.environ.get(TOKEN_VARIABLE) or None
    try:
        pool = LocalSessionPool(
            host=options.host,
            port=options.port,
            token=given,
            tls=options.tls,
            kind=options.kind,
            python=getattr(options, "python", None),
            isolation=options.isolation,
            launcher=getattr(options, "launcher", None),
            preload=_preload(options),
            warm=options.warm,
            max_warm=getattr(options, "max_warm", None),
            max_sessions=options.max_sessions,
            cooldown=options.cooldown,
            inspector=not options.no_inspector,
        )
        with pool:
            lines = [f"endpoint: {pool.endpoint}"]
            if given is None:
                lines.append(f"token: {pool.credential.get_token().token}")
            if pool.certificate is not None:
                lines.append(f"certificate: {pool.certificate}")
            if not options.no_inspector:
                lines.append(f"inspector: {pool.endpoint}inspect")
            sys.stdout.write("\n".join(lines) + "\n")
            sys.stdout.flush()
            with opened(pool.inspector_url) if options.open else contextlib.nullcontext():
                stopped.get()
    except LocalPoolError as error:
        return _failed(_POOL_FAILED, error)
    except OSError as error:
        return _failed(_USAGE, error.strerror or error)
    except ValueError as error:
        return _failed(_USAGE, error)
    return 0


def _preload(options: argparse.Namespace) -> list[str] | None:
    given: list[str] | None = getattr(options, "preload", None)
    return None if given is None else [name for name in given if name]


def _failed(code: int, error: object) -> int:
    sys.stderr.write(f"dynamic-sessions: {error}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
