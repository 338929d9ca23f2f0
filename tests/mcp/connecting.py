"""Ways for the SDK's own client to reach a server."""

import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias, cast

import anyio
import anyio.lowlevel
import httpx
import httpx2
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, ImageContent, TextContent

from dynamic_sessions_local import LocalSessionPool

Connect: TypeAlias = Callable[[], AbstractAsyncContextManager[Client]]

COMMAND = (sys.executable, "-W", "error", "-m", "dynamic_sessions_mcp")
DEADLINE = 60


@dataclass(frozen=True, kw_only=True)
class HttpServer:
    """A server that is a process of its own."""

    url: str
    token: str = field(repr=False)
    process: subprocess.Popen[str]


def variables(pool: LocalSessionPool) -> dict[str, str]:
    """The environment in which the command finds a pool."""
    return {
        **os.environ,
        "DYNAMIC_SESSIONS_ENDPOINT": pool.endpoint,
        "DYNAMIC_SESSIONS_TOKEN": pool.credential.get_token().token,
    }


@asynccontextmanager
async def over_stdio(
    environment: Mapping[str, str], *arguments: str, mode: str = "auto"
) -> AsyncGenerator[Client]:
    parameters = StdioServerParameters(
        command=COMMAND[0], args=[*COMMAND[1:], *arguments], env=dict(environment)
    )
    async with Client(stdio_client(parameters), mode=mode, read_timeout_seconds=DEADLINE) as client:
        yield client


@asynccontextmanager
async def over_http(
    server: HttpServer, *, mode: str = "auto", headers: Mapping[str, str] | None = None
) -> AsyncGenerator[Client]:
    given = {"Authorization": f"Bearer {server.token}"} | dict(headers or {})
    async with (
        httpx2.AsyncClient(headers=given, timeout=DEADLINE) as http_client,
        Client(
            streamable_http_client(server.url, http_client=http_client),
            mode=mode,
            read_timeout_seconds=DEADLINE,
        ) as client,
    ):
        yield client


@contextmanager
def http_server(environment: Mapping[str, str], *arguments: str) -> Generator[HttpServer]:
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*COMMAND, "--http", "--port", "0", *arguments],
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr is not None
        url = process.stderr.readline().removeprefix("endpoint: ").strip()
        token = process.stderr.readline().removeprefix("token: ").strip()
        try:
            yield HttpServer(url=url, token=token, process=process)
        finally:
            process.terminate()
            process.communicate(timeout=DEADLINE)


def text_of(result: CallToolResult) -> str:
    """What a model reads."""
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


def images_of(result: CallToolResult) -> Sequence[ImageContent]:
    return [block for block in result.content if isinstance(block, ImageContent)]


def data_of(result: CallToolResult) -> Mapping[str, object]:
    """What a program reads."""
    return cast("Mapping[str, object]", result.structured_content)


async def sessions_of(pool: LocalSessionPool) -> set[str]:
    """The identifiers of the sessions that a pool has; asking makes and keeps none."""
    token = pool.credential.get_token().token
    async with httpx.AsyncClient(base_url=pool.endpoint, timeout=DEADLINE) as client:
        answer = await client.get(
            "listSessions",
            params={"api-version": "2025-10-02-preview"},
            headers={"Authorization": f"Bearer {token}"},
        )
    listed = cast("Mapping[str, Sequence[Mapping[str, str]]]", answer.json())
    return {session["identifier"] for session in listed["sessions"]}


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what another process does and does not tell."""
    with anyio.fail_after(DEADLINE):
        while not await holds():
            await anyio.lowlevel.checkpoint()
