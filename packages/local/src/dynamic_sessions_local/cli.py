"""The `dynamic-sessions` command."""

import argparse
import os
import queue
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from dynamic_sessions_local.errors import LocalPoolError
from dynamic_sessions_local.pool import DEFAULT_COOLDOWN, DEFAULT_MAX_SESSIONS, LocalSessionPool

TOKEN_VARIABLE = "DYNAMIC_SESSIONS_TOKEN"  # noqa: S105 - the name of one

_POOL_FAILED = 1
_USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: What follows the command's name; the process's own by default.

    Returns:
        The exit code: 0, 1 where no session can be had on this machine, 2 where the arguments
        or the port are at fault.
    """
    options = _parser().parse_args(arguments)
    return _serve(options)


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
        "--cooldown",
        type=float,
        default=DEFAULT_COOLDOWN,
        help="seconds without a call after which a session ends",
    )
    serve.add_argument(
        "--max-sessions", type=int, default=DEFAULT_MAX_SESSIONS, help="sessions at a time"
    )
    serve.add_argument("--warm", type=int, default=1, help="unused kernels to keep ready")
    return parser


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
            python=getattr(options, "python", None),
            isolation=options.isolation,
            warm=options.warm,
            max_sessions=options.max_sessions,
            cooldown=options.cooldown,
        )
        with pool:
            lines = [f"endpoint: {pool.endpoint}"]
            if given is None:
                lines.append(f"token: {pool.credential.get_token().token}")
            sys.stdout.write("\n".join(lines) + "\n")
            sys.stdout.flush()
            stopped.get()
    except LocalPoolError as error:
        return _failed(_POOL_FAILED, error)
    except OSError as error:
        return _failed(_USAGE, error.strerror or error)
    except ValueError as error:
        return _failed(_USAGE, error)
    return 0


def _failed(code: int, error: object) -> int:
    sys.stderr.write(f"dynamic-sessions: {error}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
