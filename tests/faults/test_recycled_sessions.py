"""A session that is another one than before is noticed, set up again, and reported."""

import pytest

from dynamic_sessions import AsyncSessionPool, Execution, RetryPolicy

from .conftest import DIALECTS, MakePool
from .faults import FAULTS
from .proxy import FaultProxy


def greet(name: str) -> str:
    """Greet somebody."""
    return f"Hello, {name}"


ASK_ALWAYS = 0.0


async def replace_session(direct: AsyncSessionPool, identifier: str) -> None:
    """What the service does when a session was idle for too long."""
    other = direct.session(identifier)
    await other.delete()
    await other.execute("1")


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_after_idle_time_a_session_is_looked_at_before_code_is_sent(
    make_pool: MakePool, direct: AsyncSessionPool, proxy: FaultProxy, dialect: str
) -> None:
    async with make_pool(api_version=dialect, cooldown=ASK_ALWAYS) as pool:
        session = pool.session("idle-and-gone", functions=[greet])
        assert (await session.execute("kept = 1; greet('Ada')")).result == "Hello, Ada"
        await direct.session("idle-and-gone").delete()

        run = await session.execute("greet('Ada')")

        assert run.result == "Hello, Ada"
        assert run.session_recycled
        assert proxy.tally.requests["get session"] == 1
        run = await session.execute("'kept' in globals()")
        assert run.result is False
        assert not run.session_recycled
        await session.delete()


async def test_another_session_behind_the_identifier_is_told_by_its_entity_tag(
    make_pool: MakePool, direct: AsyncSessionPool
) -> None:
    async with make_pool(cooldown=ASK_ALWAYS) as pool:
        session = pool.session("other-tag", functions=[greet])
        await session.set_up()
        assert not (await session.execute("kept = 1")).session_recycled
        await replace_session(direct, "other-tag")
        run = await session.execute("greet('Ada')")
        assert run.result == "Hello, Ada"
        assert run.session_recycled
        await session.delete()


async def test_a_session_that_is_still_the_same_is_not_set_up_again(
    make_pool: MakePool, proxy: FaultProxy
) -> None:
    async with make_pool(cooldown=ASK_ALWAYS) as pool:
        session = pool.session("the-same", functions=[greet])
        for _ in range(3):
            assert not (await session.execute("greet('Ada')")).session_recycled
        assert proxy.tally.requests["set up"] == 1
        assert proxy.tally.requests["get session"] == 2
        await session.delete()


@pytest.mark.parametrize("fault", ["404", "400", "503", "reset before the run"])
async def test_where_a_session_cannot_be_looked_at_it_is_set_up_again(
    make_pool: MakePool, proxy: FaultProxy, fault: str
) -> None:
    no_retries = RetryPolicy(retries=0)
    async with make_pool(cooldown=ASK_ALWAYS, retry_policy=no_retries) as pool:
        session = pool.session("not-to-be-seen", functions=[greet])
        await session.set_up()
        proxy.fail("get session", FAULTS[fault])
        run = await session.execute("greet('Ada')")
        assert run.result == "Hello, Ada"
        assert not run.session_recycled
        assert proxy.tally.requests["set up"] == 2
        await session.delete()


async def test_between_calls_that_follow_closely_nothing_is_asked(
    make_pool: MakePool, proxy: FaultProxy
) -> None:
    async with make_pool() as pool:
        session = pool.session("busy")
        for _ in range(3):
            await session.execute("1")
        assert proxy.tally.requests["get session"] == 0
        await session.delete()


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_session_that_was_replaced_unseen_is_reported_by_the_run_that_met_it(
    make_pool: MakePool, direct: AsyncSessionPool, dialect: str
) -> None:
    async with make_pool(api_version=dialect) as pool:
        session = pool.session("unseen", functions=[greet])
        await session.execute("kept = 1")
        await replace_session(direct, "unseen")
        run: Execution = await session.execute("greet('Ada')")
        assert run.error is not None
        assert run.error.name == "NameError"
        assert run.session_recycled
        run = await session.execute("greet('Ada')")
        assert run.result == "Hello, Ada"
        assert not run.session_recycled
        await session.delete()


async def test_a_kernel_that_died_takes_the_state_with_it_and_the_result_says_so(
    make_pool: MakePool,
) -> None:
    async with make_pool() as pool:
        session = pool.session("died", functions=[greet])
        run = await session.execute("import os; os._exit(1)")
        assert run.session_recycled
        assert (await session.execute("greet('Ada')")).result == "Hello, Ada"
        await session.delete()


async def test_a_deletion_of_the_callers_own_is_not_reported_as_a_loss(make_pool: MakePool) -> None:
    async with make_pool() as pool:
        session = pool.session("on-purpose")
        await session.execute("1")
        await session.delete()
        assert not (await session.execute("1")).session_recycled
        await session.delete()
