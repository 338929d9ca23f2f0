"""The least that a server can do with files: streams them to a folder in memory and back."""

import asyncio
import json
import socket
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from dynamic_sessions_local.server import uvicorn_configuration


def main() -> None:
    """Say where the server is, and serve until standard input ends."""
    # A session's files are in memory, too.
    with TemporaryDirectory(dir="/dev/shm") as folder:
        asyncio.run(_serve(Path(folder)))


async def _serve(folder: Path) -> None:
    async def put(request: Request) -> Response:
        with (folder / request.path_params["name"]).open("wb") as file:
            async for chunk in request.stream():
                file.write(chunk)
        return Response()

    async def get(request: Request) -> Response:
        return FileResponse(folder / request.path_params["name"])

    routes = [Route("/{name}", put, methods=["PUT"]), Route("/{name}", get)]
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    # Callers may come as soon as they know where.
    listener.listen()
    server = uvicorn.Server(uvicorn_configuration(Starlette(routes=routes)))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    sys.stdout.write(json.dumps(listener.getsockname()[1]) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    server.should_exit = True
    await serving


main()
