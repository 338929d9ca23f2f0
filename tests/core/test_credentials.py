import threading
from dataclasses import dataclass
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest

from dynamic_sessions import ServiceError
from dynamic_sessions.credentials import TOKEN_SCOPE, BearerAuth, TokenCache, token_provider


@dataclass(frozen=True)
class Token:
    token: str
    expires_on: int


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class CountingProvider:
    """Yields token-1, token-2, ... valid for an hour, unless told to fail."""

    def __init__(self, clock: Clock) -> None:
        self.calls = 0
        self.scopes: list[tuple[str, ...]] = []
        self.threads: list[int] = []
        self.fault: Exception | None = None
        self._clock = clock

    def get_token(self, *scopes: str, **kwargs: Any) -> Token:
        del kwargs
        self.threads.append(threading.get_ident())
        if self.fault:
            raise self.fault
        self.calls += 1
        self.scopes.append(scopes)
        return Token(f"token-{self.calls}", int(self._clock()) + 3600)


class AsyncCountingProvider(CountingProvider):
    async def get_token(self, *scopes: str, **kwargs: Any) -> Token:  # pyright: ignore[reportIncompatibleMethodOverride] - the asynchronous twin of azure-core's protocol
        await anyio.lowlevel.checkpoint()
        return super().get_token(*scopes, **kwargs)


async def test_a_token_is_fetched_once_for_the_services_scope() -> None:
    clock = Clock()
    provider = CountingProvider(clock)
    cache = TokenCache(provider, clock=clock)
    assert [await cache.get(), await cache.get()] == ["token-1", "token-1"]
    assert provider.scopes == [(TOKEN_SCOPE,)]


async def test_a_thousand_waiters_share_one_refresh() -> None:
    clock = Clock()
    provider = AsyncCountingProvider(clock)
    cache = TokenCache(provider, clock=clock)
    async with anyio.create_task_group() as tasks:
        for _ in range(1000):
            tasks.start_soon(cache.get)
    assert provider.calls == 1


async def test_a_blocking_credential_runs_in_another_thread() -> None:
    clock = Clock()
    provider = CountingProvider(clock)
    await TokenCache(provider, clock=clock).get()
    assert threading.get_ident() not in provider.threads


async def test_a_token_is_refreshed_before_it_expires() -> None:
    clock = Clock()
    cache = TokenCache(CountingProvider(clock), clock=clock)
    await cache.get()
    clock.now += 3600 - 299
    assert await cache.get() == "token-2"


async def test_an_early_refresh_may_fail_and_a_late_one_may_not() -> None:
    clock = Clock()
    provider = CountingProvider(clock)
    cache = TokenCache(provider, clock=clock)
    await cache.get()
    provider.fault = RuntimeError("the metadata endpoint is down")
    clock.now += 3600 - 60
    assert await cache.get() == "token-1"
    clock.now += 45
    with pytest.raises(ServiceError, match="metadata endpoint is down") as caught:
        await cache.get()
    assert caught.value.operation == "get token"


async def test_a_rejected_token_is_replaced_once_and_the_call_sent_again() -> None:
    clock = Clock()
    provider = CountingProvider(clock)
    seen: list[str] = []

    def service(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["Authorization"])
        return httpx.Response(401 if seen[-1].endswith("-1") else 200)

    auth = BearerAuth(TokenCache(provider, clock=clock))
    async with httpx.AsyncClient(auth=auth, transport=httpx.MockTransport(service)) as client:
        assert (await client.get("https://pool.test/")).status_code == 200
        assert (await client.get("https://pool.test/")).status_code == 200
    assert seen == ["Bearer token-1", "Bearer token-2", "Bearer token-2"]


async def test_a_second_rejection_is_final() -> None:
    clock = Clock()
    auth = BearerAuth(TokenCache(CountingProvider(clock), clock=clock))
    handler = httpx.MockTransport(lambda _: httpx.Response(401))
    async with httpx.AsyncClient(auth=auth, transport=handler) as client:
        assert (await client.get("https://pool.test/")).status_code == 401


def test_a_static_token_does_not_show_in_a_repr() -> None:
    assert "s3cret" not in repr(token_provider("s3cret"))


@pytest.mark.parametrize(("credential", "expected"), [("  ", ValueError), (object(), TypeError)])
def test_what_is_no_credential_is_refused(credential: Any, expected: type[Exception]) -> None:
    with pytest.raises(expected):
        token_provider(credential)
