"""The least that the pool's web server can do: one route that does nothing."""

import asyncio
import json
import socket
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dynamic_sessions_local.server import uvicorn_configuration

# As long as the pool's answer to an execution.
ANSWER = bytes(200)


def main() -> None:
    """Say where the server is, and serve until standard input ends."""
    asyncio.run(_serve())


async def _serve() -> None:
    app = Starlette(routes=[Route("/executions", _do_nothing, methods=["POST"])])
    # As the pool's own.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    # Callers may come as soon as they know where.
    listener.listen()
    server = uvicorn.Server(uvicorn_configuration(app))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    sys.stdout.write(json.dumps(listener.getsockname()[1]) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    server.should_exit = True
    await serving


async def _do_nothing(_: Request) -> Response:
    return Response(ANSWER)


main()
