"""Several session pools that act as one; real ones on this machine, unless a fault is needed."""

import asyncio
import itertools
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack

import httpx
import pytest

from dynamic_sessions import (
    AsyncSessionPool,
    AsyncSessionPools,
    DualSessionPool,
    PoolExhaustedError,
    RetryPolicy,
    ServiceConnectionError,
    SessionPools,
)
from dynamic_sessions.testing import ScriptedService
from dynamic_sessions_local import LocalSessionPool

TOKEN = "one-token-for-all-pools"
AT_ONCE = RetryPolicy(retries=0)
IN_TWO_PLACES = ["https://a.test", "https://b.test"]


class Regions:
    """Scripted services by host name, some of which are out of reach."""

    def __init__(self) -> None:
        self.services = {"a.test": ScriptedService(), "b.test": ScriptedService()}
        self.faults: dict[str, Exception] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        fault = self.faults.get(request.url.host)
        if fault is not None:
            raise fault
        return self.services[request.url.host](request)

    def of(self, identifier: str) -> list[str]:
        """Where there is a session of that name."""
        return [host for host, each in self.services.items() if identifier in each.sessions]

    def client(self, **arguments: object) -> AsyncSessionPools:
        return AsyncSessionPools(
            IN_TWO_PLACES,
            "token",
            transport=httpx.MockTransport(self),
            **arguments,  # pyright: ignore[reportArgumentType] - some of its own
        )


@pytest.fixture
def regions() -> Regions:
    return Regions()


@pytest.fixture
def local_pools() -> Iterator[list[LocalSessionPool]]:
    with ExitStack() as stack:
        yield [stack.enter_context(small_pool()) for _ in range(3)]


def small_pool() -> LocalSessionPool:
    return LocalSessionPool(token=TOKEN, max_sessions=2, preload=(), warm=0, max_warm=0)


@pytest.fixture
async def pools(local_pools: list[LocalSessionPool]) -> AsyncIterator[AsyncSessionPools]:
    async with client_of(local_pools) as client:
        yield client


def client_of(local_pools: Sequence[LocalSessionPool]) -> AsyncSessionPools:
    return AsyncSessionPools([pool.endpoint for pool in local_pools], TOKEN, retry_policy=AT_ONCE)


async def names_in(pool: LocalSessionPool) -> set[str]:
    async with AsyncSessionPool(pool.endpoint, TOKEN) as client:
        return {status.identifier for status in await client.list_sessions()}


async def test_every_program_finds_the_session_where_it_is(
    local_pools: list[LocalSessionPool], pools: AsyncSessionPools
) -> None:
    for number in range(4):
        await pools.session(f"place-{number}").execute(f"x = {number}")
    async with client_of(local_pools[::-1]) as other:
        found = [
            (await other.session(f"place-{number}").execute("x")).result for number in range(4)
        ]
    assert found == [0, 1, 2, 3]


async def test_sessions_beyond_one_pool_begin_in_the_next_and_are_found_there(
    local_pools: list[LocalSessionPool], pools: AsyncSessionPools
) -> None:
    names = [f"many-{number}" for number in range(6)]
    for name in names:
        await pools.session(name).execute(f"x = {name!r}")

    assert [len(await names_in(pool)) for pool in local_pools] == [2, 2, 2]
    assert {status.identifier for status in await pools.list_sessions()} == set(names)
    async with client_of(local_pools) as other:
        assert [(await other.session(name).execute("x")).result for name in names] == names


async def test_when_all_pools_are_full_the_caller_is_told(pools: AsyncSessionPools) -> None:
    for number in range(6):
        await pools.session(f"full-{number}").execute("1")
    with pytest.raises(PoolExhaustedError):
        await pools.session("one-more").execute("1")
    await pools.session("full-3").delete()
    assert (await pools.session("one-more").execute("6 * 7")).result == 42


async def test_a_place_that_comes_free_while_all_pools_are_tried_again_is_taken(
    local_pools: list[LocalSessionPool], pools: AsyncSessionPools
) -> None:
    for number in range(6):
        await pools.session(f"free-{number}").execute("1")
    endpoints = [pool.endpoint for pool in local_pools]
    patient = RetryPolicy(retries=100, first_delay=0.05, longest_delay=0.05, budget=100)
    async with (
        asyncio.timeout(30),
        AsyncSessionPools(endpoints, TOKEN, retry_policy=patient) as other,
        asyncio.TaskGroup() as tasks,
    ):
        waiting = tasks.create_task(other.session("in-time").execute("6 * 7"))
        await pools.session("free-0").delete()
        assert (await waiting).result == 42


async def test_a_pool_that_is_gone_takes_its_own_sessions_with_it_and_no_others(
    local_pools: list[LocalSessionPool], pools: AsyncSessionPools
) -> None:
    names = [f"gone-{number}" for number in range(4)]
    for name in names:
        await pools.session(name).execute("x = 1")
    lost = await names_in(local_pools[0])

    local_pools[0].close()

    for name in names:
        session = pools.session(name)
        if name in lost:
            with pytest.raises(ServiceConnectionError):
                await session.execute("x")
        else:
            assert (await session.execute("x")).result == 1
    assert not lost & {name for pool in local_pools[1:] for name in await names_in(pool)}


async def test_new_sessions_begin_where_there_is_a_pool(
    local_pools: list[LocalSessionPool], pools: AsyncSessionPools
) -> None:
    local_pools[0].close()
    results = [(await pools.session().execute("6 * 7")).result for _ in range(4)]
    assert results == [42] * 4


async def test_closing_deletes_the_unnamed_sessions_of_all_pools(
    local_pools: list[LocalSessionPool],
) -> None:
    async with client_of(local_pools) as client:
        await client.session("kept").execute("1")
        for _ in range(5):
            await client.session().execute("1")
    left = [await names_in(pool) for pool in local_pools]
    assert set(itertools.chain.from_iterable(left)) == {"kept"}


async def test_who_does_not_know_where_a_session_is_can_delete_it(
    local_pools: list[LocalSessionPool], pools: AsyncSessionPools
) -> None:
    await pools.session("away").execute("1")
    async with client_of(local_pools) as other:
        await other.session("away").delete()
        await other.session("never").delete()
    assert not any([await names_in(pool) for pool in local_pools])


async def test_files_and_code_are_in_the_same_session(pools: AsyncSessionPools) -> None:
    for number in range(3):
        session = pools.session(f"file-{number}")
        await session.files.upload(b"hello", name="a.txt")
        assert (await session.execute("open('a.txt').read()")).result == "hello"
        assert await session.files.read("a.txt") == b"hello"


async def test_the_status_of_a_session_brings_none_into_being(pools: AsyncSessionPools) -> None:
    assert await pools.session("status").status() is None
    await pools.session("status").execute("1")
    status = await pools.session("status").status()
    assert status is not None
    assert status.identifier == "status"
    assert len(await pools.list_sessions()) == 1


def test_synchronous_code_has_them_too(local_pools: list[LocalSessionPool]) -> None:
    endpoints = [pool.endpoint for pool in local_pools]
    with SessionPools(endpoints, TOKEN, retry_policy=AT_ONCE) as pools:
        for number in range(6):
            assert pools.session(f"sync-{number}").execute(f"{number}").result == number
        assert len(pools.list_sessions()) == 6
        assert DualSessionPool(session_pool=pools).endpoint == ", ".join(pools.endpoints)


async def test_what_takes_a_session_pool_takes_several(pools: AsyncSessionPools) -> None:
    dual = DualSessionPool(session_pool=pools)
    for number in range(3):
        session = dual.async_session(f"dual-{number}", is_named=False)
        assert (await session.execute("6 * 7")).result == 42
    await dual.aclose()
    assert await pools.list_sessions() == []


PROGRAM = """
import sys
from dynamic_sessions import SessionPools
pools = SessionPools(sys.argv[2:], sys.argv[1])
for _ in range(4):
    pools.session().execute("x = 1")
"""


async def test_a_program_that_ends_without_closing_leaves_no_session(
    local_pools: list[LocalSessionPool],
) -> None:
    endpoints = [pool.endpoint for pool in local_pools]
    await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", PROGRAM, TOKEN, *endpoints],
        check=True,
        timeout=60,
    )
    assert not any([await names_in(pool) for pool in local_pools])


async def test_code_that_may_have_run_is_not_sent_to_another_pool(regions: Regions) -> None:
    regions.faults = dict.fromkeys(regions.services, httpx.ReadError("lost"))
    async with regions.client(retry_policy=AT_ONCE) as pools:
        with pytest.raises(ServiceConnectionError) as caught:
            await pools.session().run_command("launch")
    assert caught.value.outcome_unknown
    assert not any(service.requests for service in regions.services.values())


async def test_a_session_whose_pool_cannot_be_asked_is_begun_anew_and_says_so(
    regions: Regions,
) -> None:
    async with regions.client() as pools:
        await pools.session("here").execute("1")
    (home,) = regions.of("here")
    regions.faults[home] = httpx.ConnectError("refused")
    async with regions.client() as other:
        first = await other.session("here").execute("1")
        second = await other.session("here").execute("1")
    assert [first.session_recycled, second.session_recycled] == [True, False]
    assert len(regions.of("here")) == 2


async def test_a_session_stays_with_a_pool_that_is_out_of_reach(regions: Regions) -> None:
    async with regions.client(retry_policy=AT_ONCE) as pools:
        session = pools.session("stays")
        await session.execute("1")
        (home,) = regions.of("stays")
        regions.faults[home] = httpx.ConnectError("refused")
        with pytest.raises(ServiceConnectionError):
            await session.execute("1")
        assert regions.of("stays") == [home]
        regions.faults.clear()
        assert not (await session.execute("1")).session_recycled


async def test_after_the_cooldown_it_begins_anew_elsewhere_and_says_so(regions: Regions) -> None:
    cooldown = 0.01
    async with regions.client(retry_policy=AT_ONCE, cooldown=cooldown) as pools:
        session = pools.session("late")
        await session.execute("1")
        (home,) = regions.of("late")
        regions.faults[home] = httpx.ConnectError("refused")
        await asyncio.sleep(2 * cooldown)
        assert (await session.execute("1")).session_recycled
    assert len(regions.of("late")) == 2


async def test_a_new_identifier_of_its_own_is_not_looked_for(regions: Regions) -> None:
    async with regions.client() as pools:
        await pools.session().execute("1")
    assert [request.method for each in regions.services.values() for request in each.requests] == [
        "POST",
        "POST",
        "DELETE",
    ]


async def test_pools_that_are_closed_say_so(regions: Regions) -> None:
    async with regions.client() as pools:
        session = pools.session("closed")
    with pytest.raises(RuntimeError, match="closed"):
        await session.execute("1")


@pytest.mark.parametrize("endpoints", [[], ["https://a.test", "https://a.test/"], ["local"] * 2])
def test_endpoints_are_at_least_one_and_all_different(endpoints: list[str]) -> None:
    with pytest.raises(ValueError, match="at least one"):
        AsyncSessionPools(endpoints, "token")


def test_one_endpoint_is_not_taken_for_a_list() -> None:
    with pytest.raises(TypeError, match="AsyncSessionPool"):
        AsyncSessionPools("https://a.test", "token")
