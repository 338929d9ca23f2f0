from collections.abc import AsyncIterator, Iterator
from functools import partial

import pytest
from mcp.client import Client

from dynamic_sessions import AsyncSessionPool
from dynamic_sessions.testing import ScriptedService
from dynamic_sessions_local import LocalSessionPool
from dynamic_sessions_mcp import create_server

from .connecting import Connect, HttpServer, http_server, over_http, over_stdio, variables


@pytest.fixture(scope="session")
def pool() -> Iterator[LocalSessionPool]:
    with LocalSessionPool(max_sessions=200) as pool:
        yield pool


@pytest.fixture(scope="session")
def shell_pool() -> Iterator[LocalSessionPool]:
    with LocalSessionPool(kind="shell") as pool:
        yield pool


@pytest.fixture(scope="session")
def served(pool: LocalSessionPool) -> Iterator[HttpServer]:
    """A server over HTTP."""
    with http_server(variables(pool)) as server:
        yield server


@pytest.fixture(params=["memory", "memory, handshake", "stdio", "stdio, handshake", "HTTP"])
def connect(request: pytest.FixtureRequest, pool: LocalSessionPool) -> Connect:
    """Every way to a server without functions, files or flags; each call is another client."""
    mode = "legacy" if request.param.endswith("handshake") else "auto"
    if request.param.startswith("memory"):
        server = create_server(pool.endpoint, pool.credential)
        return partial(Client, server, mode=mode, raise_exceptions=True)
    if request.param.startswith("stdio"):
        return partial(over_stdio, variables(pool), mode=mode)
    return partial(over_http, request.getfixturevalue("served"))


@pytest.fixture
def service() -> ScriptedService:
    """A session pool that answers from a script."""
    return ScriptedService()


@pytest.fixture
async def session_pool(service: ScriptedService) -> AsyncIterator[AsyncSessionPool]:
    """What servers share to reach the scripted service."""
    async with AsyncSessionPool("https://pool.test/", "token", transport=service.transport) as pool:
        yield pool
