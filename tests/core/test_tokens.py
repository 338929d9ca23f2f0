import threading
import time
from dataclasses import dataclass
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from dynamic_sessions import ServiceError
from dynamic_sessions.credentials import TOKEN_SCOPE
from dynamic_sessions.tokens import TokenCache

DEADLINE = 10


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
        self.claims: list[str | None] = []
        self.threads: list[int] = []
        self.fault: Exception | None = None
        self._clock = clock

    def get_token(self, *scopes: str, **kwargs: Any) -> Token:
        self.threads.append(threading.get_ident())
        if self.fault:
            raise self.fault
        self.calls += 1
        self.scopes.append(scopes)
        self.claims.append(kwargs.get("claims"))
        return Token(f"token-{self.calls}", int(self._clock()) + 3600)


class AsyncCountingProvider(CountingProvider):
    async def get_token(self, *scopes: str, **kwargs: Any) -> Token:  # pyright: ignore[reportIncompatibleMethodOverride] - the asynchronous twin of azure-core's protocol
        await anyio.lowlevel.checkpoint()
        return super().get_token(*scopes, **kwargs)


class HeldProvider:
    """Yields a token when it is let go; blocks its thread until then."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.go = threading.Event()
        self.calls = 0

    def get_token(self, *_scopes: str, **_kwargs: Any) -> Token:
        self.calls += 1
        self.asked.set()
        assert self.go.wait(DEADLINE)
        return Token(f"held-{self.calls}", int(time.time()) + 3600)


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def until_token_is(cache: TokenCache, text: str) -> None:
    with anyio.fail_after(DEADLINE):
        while await cache.get() != text:
            await anyio.lowlevel.checkpoint()


async def test_a_token_is_fetched_once_for_the_services_scope(clock: Clock) -> None:
    provider = CountingProvider(clock)
    cache = TokenCache(provider, clock=clock)
    assert [await cache.get(), await cache.get()] == ["token-1", "token-1"]
    assert provider.scopes == [(TOKEN_SCOPE,)]


@pytest.mark.parametrize("kind", [CountingProvider, AsyncCountingProvider])
async def test_a_thousand_waiters_share_one_refresh(
    clock: Clock, kind: type[CountingProvider]
) -> None:
    provider = kind(clock)
    cache = TokenCache(provider, clock=clock)
    async with anyio.create_task_group() as tasks:
        for _ in range(1000):
            tasks.start_soon(cache.get)
    assert provider.calls == 1


async def test_a_waiter_that_is_cancelled_leaves_the_refresh_to_the_others() -> None:
    provider = HeldProvider()
    cache = TokenCache(provider)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(cache.get)
        with anyio.fail_after(DEADLINE):
            await anyio.to_thread.run_sync(provider.asked.wait)
        tasks.cancel_scope.cancel()
    provider.go.set()
    assert await cache.get() == "held-1"
    assert provider.calls == 1


async def test_a_blocking_credential_does_not_block_the_loop() -> None:
    provider = HeldProvider()
    cache = TokenCache(provider)
    turns = 0
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(cache.get)
        with anyio.fail_after(DEADLINE):
            while not provider.asked.is_set() or turns < 1000:
                turns += 1
                await anyio.lowlevel.checkpoint()
        provider.go.set()
    assert turns >= 1000
    assert await cache.get() == "held-1"


async def test_a_token_is_refreshed_in_the_background_before_it_expires(clock: Clock) -> None:
    provider = CountingProvider(clock)
    cache = TokenCache(provider, clock=clock)
    await cache.get()
    clock.now += 3600 - 299
    assert await cache.get() == "token-1"
    await until_token_is(cache, "token-2")
    assert provider.calls == 2


async def test_an_early_refresh_may_fail_and_a_late_one_may_not(clock: Clock) -> None:
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
    assert not caught.value.outcome_unknown


async def test_a_failed_early_refresh_is_not_repeated_by_every_call(clock: Clock) -> None:
    monotonic = Clock()
    provider = CountingProvider(clock)
    cache = TokenCache(provider, clock=clock, monotonic=monotonic)
    await cache.get()
    provider.fault = RuntimeError("down")
    clock.now += 3600 - 60
    asked_before = len(provider.threads)
    with anyio.fail_after(DEADLINE):
        while len(provider.threads) == asked_before:
            await cache.get()
            await anyio.lowlevel.checkpoint()
    for _ in range(100):
        await cache.get()
    assert len(provider.threads) == asked_before + 1


async def test_a_clock_that_is_set_back_keeps_no_token_alive(clock: Clock) -> None:
    monotonic = Clock()
    cache = TokenCache(CountingProvider(clock), clock=clock, monotonic=monotonic)
    await cache.get()
    clock.now -= 7200
    monotonic.now += 3600
    assert await cache.get() == "token-2"


async def test_a_machine_that_slept_gets_a_new_token(clock: Clock) -> None:
    cache = TokenCache(CountingProvider(clock), clock=clock, monotonic=Clock())
    await cache.get()
    clock.now += 7200
    assert await cache.get() == "token-2"


async def test_by_a_clock_that_is_hours_ahead_a_new_token_is_used_all_the_same(
    clock: Clock,
) -> None:
    provider = CountingProvider(clock)
    ahead = Clock()
    ahead.now = clock.now + 7200
    cache = TokenCache(provider, clock=ahead, monotonic=Clock())
    for _ in range(100):
        assert await cache.get() == "token-1"
    assert provider.calls == 1


async def test_a_refresh_under_way_ends_when_the_cache_is_closed() -> None:
    asked = anyio.Event()

    class Endless:
        async def get_token(self, *_scopes: str, **_kwargs: Any) -> Token:
            asked.set()
            await anyio.sleep_forever()
            raise AssertionError("slept forever")

    cache = TokenCache(Endless())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(cache.get)
        with anyio.fail_after(DEADLINE):
            await asked.wait()
        tasks.cancel_scope.cancel()
    with anyio.fail_after(DEADLINE):
        await cache.close()
