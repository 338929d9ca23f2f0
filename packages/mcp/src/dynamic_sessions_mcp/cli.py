"""The `dynamic-sessions-mcp` command."""

import argparse
import contextlib
import os
import secrets
import socket
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import anyio

from dynamic_sessions import DynamicSessionsError, FunctionModule
from dynamic_sessions.endpoints import ENDPOINT_VARIABLE, LOCAL
from dynamic_sessions.prompts import DEFAULT_LIMIT
from dynamic_sessions_mcp.clients import SessionSource
from dynamic_sessions_mcp.functions import load_functions
from dynamic_sessions_mcp.http import PATH, serve_http
from dynamic_sessions_mcp.server import build_server
from dynamic_sessions_mcp.settings import (
    DEFAULT_FILE_LIMIT,
    DEFAULT_TIMEOUT_SECONDS,
    ServerSettings,
)
from dynamic_sessions_mcp.stdio import serve_stdio

TOKEN_VARIABLE = "DYNAMIC_SESSIONS_MCP_TOKEN"  # noqa: S105 - the name of one

_USAGE = 2
_MAX_PORT = 65_535


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: What follows the command's name; the process's own by default.

    Returns:
        The exit code: 0, or 2 where the arguments, the functions or the port are at fault.
    """
    options = _parser().parse_args(arguments)
    try:
        settings, source = _settings(options), _source(options)
        if options.http:
            _serve_over_http(options, settings, source)
        else:
            anyio.run(serve_stdio, build_server(settings, source.functions, source.open))
    except (DynamicSessionsError, ImportError, OSError, ValueError) as error:
        sys.stderr.write(f"dynamic-sessions-mcp: {error}\n")
        return _USAGE
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dynamic-sessions-mcp",
        description="An MCP server that runs Python in isolated sessions, over standard input and "
        "output or, with --http, for several clients.",
    )
    sessions = parser.add_argument_group("sessions")
    sessions.add_argument(
        "--endpoint",
        help='pool management endpoint of a session pool in Azure, or "local" for a sandboxed pool '
        f"on this machine (default: ${ENDPOINT_VARIABLE}, else local)",
    )
    sessions.add_argument(
        "--kind",
        choices=["python", "shell"],
        default="python",
        help="what the pool's sessions run (default: %(default)s)",
    )
    sessions.add_argument(
        "--session",
        metavar="NAME",
        help="one session for all clients, which outlives them (default: one for each client)",
    )
    sessions.add_argument(
        "--functions", type=Path, metavar="FILE.py", help="file whose functions sessions have"
    )
    files = parser.add_argument_group("files")
    files.add_argument(
        "--files",
        type=Path,
        metavar="FOLDER",
        help="the only folder of this machine to copy files from and to (default: none)",
    )
    files.add_argument(
        "--read-only", action="store_true", help="copy nothing into the shared folder"
    )
    limits = parser.add_argument_group("limits")
    limits.add_argument(
        "--timeout",
        type=float,
        default=DEFAULT_TIMEOUT_SECONDS,
        metavar="SECONDS",
        help="of one run, at most 220 (default: %(default)g)",
    )
    limits.add_argument(
        "--output-limit",
        type=int,
        default=DEFAULT_LIMIT,
        metavar="CHARACTERS",
        help="of text in one result (default: %(default)d)",
    )
    limits.add_argument(
        "--file-limit",
        type=int,
        default=DEFAULT_FILE_LIMIT,
        metavar="BYTES",
        help="of a file that is read or written in one call (default: %(default)d)",
    )
    http = parser.add_argument_group("HTTP")
    http.add_argument("--http", action="store_true", help="serve streamable HTTP")
    http.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: this machine only)"
    )
    http.add_argument(
        "--port", type=_port, default=8000, help="0: a free one (default: %(default)d)"
    )
    http.add_argument(
        "--token",
        help=f"bearer token to ask for (default: ${TOKEN_VARIABLE}, which other users cannot see, "
        "or else a random one, which is printed to standard error)",
    )
    return parser


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= _MAX_PORT:
        raise argparse.ArgumentTypeError(f"a port is between 0 and {_MAX_PORT}")
    return number


def _settings(options: argparse.Namespace) -> ServerSettings:
    if options.read_only and options.files is None:
        raise ValueError("--read-only is about the folder that --files shares.")
    if options.kind == "shell" and options.functions is not None:
        raise ValueError("--functions is for sessions that run Python.")
    return ServerSettings(
        kind=options.kind,
        timeout=options.timeout,
        output_limit=options.output_limit,
        file_limit=options.file_limit,
        shared_folder=options.files,
        read_only=options.read_only,
    )


def _source(options: argparse.Namespace) -> SessionSource:
    functions = (
        FunctionModule.from_functions([])
        if options.functions is None
        else load_functions(options.functions)
    )
    # Whoever starts this command on a machine asks for a session there, unlike a service that
    # has lost its configuration.
    endpoint = options.endpoint or os.environ.get(ENDPOINT_VARIABLE) or LOCAL
    if options.kind == "shell" and endpoint == LOCAL:
        raise ValueError(
            "The pool of this process runs Python. Start one that runs commands by "
            "`dynamic-sessions serve --kind shell`, and give its endpoint."
        )
    return SessionSource(endpoint=endpoint, identifier=options.session, functions=functions)


def _serve_over_http(
    options: argparse.Namespace, settings: ServerSettings, source: SessionSource
) -> None:
    given = options.token or os.environ.get(TOKEN_VARIABLE)
    token = given or secrets.token_urlsafe()
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    with contextlib.closing(
        socket.create_server((options.host, options.port), family=family)
    ) as listening:
        host = f"[{options.host}]" if family == socket.AF_INET6 else options.host
        sys.stderr.write(f"endpoint: http://{host}:{listening.getsockname()[1]}{PATH}\n")
        if not given:
            sys.stderr.write(f"token: {token}\n")
        sys.stderr.flush()
        anyio.run(partial(serve_http, source, settings, listening=listening, token=token))
