"""How executors reach a service: tokens, identifiers, connections."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from autogen_core import CancellationToken
from autogen_core.code_executor import CodeBlock
from azure.core.credentials import AccessToken

from autogen_ext_dynamic_sessions import ACADynamicSessionsCodeExecutor, TokenProvider
from autogen_ext_dynamic_sessions.credentials import ExecutorCredential
from dynamic_sessions import AsyncSessionPool
from dynamic_sessions.testing import ScriptedService
from dynamic_sessions_local import LocalSessionPool

Executor = ACADynamicSessionsCodeExecutor


class ShortLivedTokens:
    """A credential whose tokens are at their end when they are new."""

    def __init__(self) -> None:
        self.threads: set[int] = set()
        self.scopes: set[str] = set()
        self.count = 0

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        **kwargs: Any,
    ) -> AccessToken:
        del claims, tenant_id, kwargs
        self.threads.add(threading.get_ident())
        self.scopes |= set(scopes)
        self.count += 1
        return AccessToken(f"token-{self.count}", int(time.time()) + 10)


class AsyncTokens:
    async def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
        del scopes, kwargs
        return AccessToken("asynchronous", 2**40)


def blocks(code: str = "1") -> list[CodeBlock]:
    return [CodeBlock(code=code, language="python")]


async def authorizations(
    credential: ExecutorCredential, service: ScriptedService, *, calls: int = 1
) -> list[str]:
    async with AsyncSessionPool(
        "https://pool.test", credential, transport=service.transport
    ) as pool:
        executor = Executor(session_pool=pool)
        for _ in range(calls):
            await executor.execute_code_blocks(blocks(), CancellationToken())
    return [request.headers["Authorization"] for request in service.requests]


async def test_tokens_are_renewed_before_they_expire(service: ScriptedService) -> None:
    credential: TokenProvider = ShortLivedTokens()

    sent = await authorizations(credential, service, calls=3)

    assert len(set(sent)) == len(sent)


async def test_a_credential_that_blocks_does_not_block_the_event_loop(
    service: ScriptedService,
) -> None:
    credential = ShortLivedTokens()

    await authorizations(credential, service)

    assert threading.get_ident() not in credential.threads
    assert credential.scopes == {"https://dynamicsessions.io/.default"}


@pytest.mark.parametrize(
    ("credential", "header"),
    [
        (AsyncTokens(), "Bearer asynchronous"),
        (lambda: "made by a function", "Bearer made by a function"),
        ("static", "Bearer static"),
    ],
)
async def test_other_credentials_are_taken_as_well(
    credential: ExecutorCredential, header: str, service: ScriptedService
) -> None:
    assert set(await authorizations(credential, service)) == {header}


async def test_a_session_id_is_one_parameter_whatever_is_in_it(
    session_pool: AsyncSessionPool, service: ScriptedService, token: CancellationToken
) -> None:
    session_id = "a&identifier=zzz#x?y=%20"
    executor = Executor(session_pool=session_pool, session_id=session_id)

    await executor.execute_code_blocks(blocks(), token)

    assert list(service.sessions) == [session_id]
    assert service.requests[0].url.params.get_list("identifier") == [session_id]
    assert "api-version" in service.requests[0].url.params


def test_an_endpoint_with_a_query_is_refused() -> None:
    with pytest.raises(ValueError, match="query"):
        Executor("https://pool.test/sessionPools/p?x=1", "token")


class CountingRelay:
    """Hands connections on to a server, and counts them."""

    def __init__(self, port: int) -> None:
        self.connections = 0
        self._port = port

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", self._port)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._copy(reader, onward_writer))
            tasks.create_task(self._copy(onward_reader, writer))

    async def _copy(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
        target.close()
        await target.wait_closed()


@pytest.fixture
async def relayed() -> AsyncIterator[tuple[str, str, CountingRelay]]:
    """A real pool behind a relay: its endpoint, a token for it, and the relay."""
    async with LocalSessionPool() as pool:
        address = urlsplit(pool.endpoint)
        relay = CountingRelay(address.port or 0)
        async with await asyncio.start_server(relay, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            token = pool.credential.get_token().token
            yield f"http://127.0.0.1:{port}{address.path}", token, relay


async def test_one_connection_serves_many_calls(
    relayed: tuple[str, str, CountingRelay], token: CancellationToken
) -> None:
    endpoint, secret, relay = relayed
    async with Executor(endpoint, secret) as executor:
        (executor.work_dir / "a.txt").write_text("a")
        for _ in range(3):
            await executor.execute_code_blocks(blocks("1"), token)
            await executor.upload_files(["a.txt"], token)
            await executor.get_file_list(token)
        assert relay.connections == 1
