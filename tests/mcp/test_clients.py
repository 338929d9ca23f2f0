"""Whose session is whose, over HTTP above all."""

import uuid

import httpx
import httpx2
import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp.types import UNSUPPORTED_PROTOCOL_VERSION

from dynamic_sessions import AsyncSessionPool, FunctionModule
from dynamic_sessions.testing import ScriptedService
from dynamic_sessions_local import LocalSessionPool
from dynamic_sessions_mcp import create_server
from dynamic_sessions_mcp.clients import IDLE_SECONDS, ClientSessions

from .connecting import (
    DEADLINE,
    HttpServer,
    http_server,
    over_http,
    over_stdio,
    sessions_of,
    text_of,
    variables,
)

MODERN = "2026-07-28"


@pytest.fixture
def name() -> str:
    """An identifier that no other test uses."""
    return str(uuid.uuid4())


async def test_a_client_of_either_age_gets_a_connection_over_http(served: HttpServer) -> None:
    async with over_http(served) as client:
        assert client.protocol_version == "2025-11-25"


async def test_without_a_connection_no_session_is_made_up(
    served: HttpServer, pool: LocalSessionPool
) -> None:
    before = await sessions_of(pool)
    async with over_http(served, mode=MODERN) as client:
        with pytest.raises(MCPError, match="dynamic-sessions-identifier") as raised:
            await client.call_tool("run_python", {"code": "1"})
    assert raised.value.code == UNSUPPORTED_PROTOCOL_VERSION
    assert "2025-11-25" in raised.value.data["supported"]
    assert await sessions_of(pool) == before


@pytest.mark.parametrize("mode", ["legacy", MODERN])
async def test_a_named_session_is_found_again_over_http(
    served: HttpServer, pool: LocalSessionPool, name: str, mode: str
) -> None:
    headers = {"dynamic-sessions-identifier": name}
    async with over_http(served, mode=mode, headers=headers) as client:
        await client.call_tool("run_python", {"code": "x = 42"})
    assert name in await sessions_of(pool)
    async with over_http(served, mode=mode, headers=headers) as client:
        assert text_of(await client.call_tool("run_python", {"code": "x"})) == "42"
        await client.call_tool("reset_session", {})
    assert name not in await sessions_of(pool)


async def test_the_operator_can_name_one_session_for_all(pool: LocalSessionPool, name: str) -> None:
    async with over_stdio(variables(pool), "--session", name) as client:
        await client.call_tool("run_python", {"code": "x = 42"})
    assert name in await sessions_of(pool)
    async with over_stdio(variables(pool), "--session", name) as client:
        assert text_of(await client.call_tool("run_python", {"code": "x"})) == "42"
        await client.call_tool("reset_session", {})


async def test_a_name_that_is_none_is_an_error_that_can_be_read(served: HttpServer) -> None:
    async with over_http(served, headers={"dynamic-sessions-identifier": "x"}) as client:
        result = await client.call_tool("run_python", {"code": "1"})
    assert result.is_error
    assert "not a session identifier" in text_of(result)


@pytest.mark.parametrize("header", [None, b"Bearer wrong", b"Basic dTpw", b"Bearer \xfc"])
async def test_who_does_not_know_the_token_is_refused(
    served: HttpServer, header: bytes | None
) -> None:
    headers = {} if header is None else {b"Authorization": header}
    async with httpx.AsyncClient(timeout=DEADLINE) as client:
        for method in ("POST", "GET", "DELETE"):
            answer = await client.request(method, served.url, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_one_client_cannot_end_the_session_of_another(
    served: HttpServer, pool: LocalSessionPool
) -> None:
    async with over_http(served) as client:
        await client.call_tool("run_python", {"code": "x = 1"})
        async with httpx2.AsyncClient(timeout=DEADLINE) as other:
            answer = await other.delete(
                served.url,
                headers={"Authorization": f"Bearer {served.token}", "mcp-session-id": "guess"},
            )
        assert answer.status_code == 404
        assert text_of(await client.call_tool("run_python", {"code": "x"})) == "1"


async def test_a_server_that_is_asked_to_end_deletes_the_sessions_of_its_clients(
    pool: LocalSessionPool,
) -> None:
    before = await sessions_of(pool)
    with http_server(variables(pool)) as server:
        async with over_http(server) as client:
            await client.call_tool("run_python", {"code": "1"})
            assert len(await sessions_of(pool)) == len(before) + 1
            server.process.terminate()
            assert server.process.wait(DEADLINE) == 0
            assert await sessions_of(pool) == before


async def test_a_client_that_went_silent_loses_its_session_when_others_come(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    now = 0.0
    sessions = ClientSessions(
        session_pool, functions=FunctionModule.from_functions([]), clock=lambda: now
    )
    first = await sessions.of_connection("first")
    await first.use().execute("1")
    now = IDLE_SECONDS + 1
    await sessions.of_connection("second")
    assert not service.sessions
    assert await sessions.of_connection("first") is not first


async def test_a_pool_of_the_callers_stays_open(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    server = create_server(session_pool=session_pool)
    for _ in range(2):
        async with Client(server) as client:
            await client.call_tool("run_python", {"code": "1"})
            assert len(service.sessions) == 1
        assert not service.sessions
    await session_pool.session("mine").execute("2")
