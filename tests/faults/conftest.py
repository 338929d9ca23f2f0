"""A session pool on this machine, and a proxy in front of it that lets requests fail."""

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from dynamic_sessions import AsyncSessionPool, Deadlines, RetryPolicy
from dynamic_sessions_local import LocalSessionPool

from .proxy import FaultProxy

DIALECTS = ["2025-10-02-preview", "2024-02-02-preview"]

QUICK = RetryPolicy(first_delay=0.001, longest_delay=0.002, budget=1000)
PATIENT = Deadlines(arrival=1.0)

MakePool = Callable[..., AsyncSessionPool]


@pytest.fixture(scope="package")
def local_pool() -> Iterator[LocalSessionPool]:
    with LocalSessionPool(preload=(), max_sessions=200, max_warm=4) as pool:
        yield pool


@pytest.fixture
async def proxy(local_pool: LocalSessionPool) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(local_pool.endpoint) as proxy:
        yield proxy


@pytest.fixture
def make_pool(proxy: FaultProxy, local_pool: LocalSessionPool) -> MakePool:
    """Makes a pool whose calls go through the proxy."""

    def make(
        *,
        api_version: str = DIALECTS[0],
        deadlines: Deadlines = PATIENT,
        retry_policy: RetryPolicy = QUICK,
        **options: object,
    ) -> AsyncSessionPool:
        return AsyncSessionPool(
            proxy.endpoint,
            local_pool.credential,
            api_version=api_version,
            deadlines=deadlines,
            retry_policy=retry_policy,
            **options,  # pyright: ignore[reportArgumentType] - checked by the pool itself
        )

    return make


@pytest.fixture
async def direct(local_pool: LocalSessionPool) -> AsyncIterator[AsyncSessionPool]:
    """The same pool without a proxy, to see what really happened."""
    async with AsyncSessionPool(local_pool.endpoint, local_pool.credential) as pool:
        yield pool
