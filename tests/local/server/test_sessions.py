"""Queueing, recovery, expiry and capacity, with kernels whose every move is steered."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator

import pytest

from dynamic_sessions_local.errors import KernelStartError, PoolClosedError
from dynamic_sessions_local.outcome import Outcome
from dynamic_sessions_local.programs import PythonCode
from dynamic_sessions_local.session import Session, SessionNotFoundError
from dynamic_sessions_local.sessions import PoolFullError, Sessions

from .steered import PATIENCE, SteeredClock, SteeredKernel, SteeredLauncher, until


@pytest.fixture
def launcher() -> SteeredLauncher:
    return SteeredLauncher()


@pytest.fixture
def clock() -> SteeredClock:
    return SteeredClock()


@contextlib.asynccontextmanager
async def pool_of(
    launcher: SteeredLauncher, clock: SteeredClock, *, warm: int = 0, max_sessions: int = 2
) -> AsyncGenerator[Sessions]:
    async with Sessions(
        launcher,
        warm=warm,
        max_warm=warm,
        max_sessions=max_sessions,
        cooldown=300,
        clock=clock,
    ) as sessions:
        yield sessions
    assert all(kernel.closed for kernel in launcher.kernels)


@pytest.fixture
async def sessions(launcher: SteeredLauncher, clock: SteeredClock) -> AsyncIterator[Sessions]:
    async with pool_of(launcher, clock) as sessions:
        yield sessions


async def run(sessions: Sessions, identifier: str, code: str = "1") -> Outcome:
    with sessions.use(identifier) as session:
        return await session.execute(PythonCode(source=code), timeout=1, output_limit=1)


async def begin(
    sessions: Sessions, launcher: SteeredLauncher, identifier: str = "s"
) -> tuple[SteeredKernel, asyncio.Task[Outcome]]:
    """A session whose code has begun and goes on until the test ends it."""
    count = len(launcher.kernels)
    running = asyncio.create_task(run(sessions, identifier, "wait"))
    await until(lambda: len(launcher.kernels) > count)
    kernel = launcher.kernels[-1]
    async with asyncio.timeout(PATIENCE):
        await kernel.begun.get()
    return kernel, running


async def test_executions_of_a_session_run_one_by_one_in_order(
    sessions: Sessions, launcher: SteeredLauncher
) -> None:
    kernel, first = await begin(sessions, launcher)
    others = [asyncio.create_task(run(sessions, "s", str(number))) for number in range(5)]
    await asyncio.sleep(0)
    assert kernel.begun.empty()
    kernel.finish()
    await asyncio.gather(first, *others)
    assert kernel.ended == ["wait", "0", "1", "2", "3", "4"]


async def test_sessions_run_side_by_side(sessions: Sessions, launcher: SteeredLauncher) -> None:
    one, first = await begin(sessions, launcher, "a")
    two, second = await begin(sessions, launcher, "b")
    assert one is not two
    two.finish()
    assert (await second).reply.status == "succeeded"
    assert not first.done()
    one.finish()
    await first


async def test_files_can_be_reached_while_code_runs(
    sessions: Sessions, launcher: SteeredLauncher
) -> None:
    kernel, running = await begin(sessions, launcher)
    with sessions.use("s") as session:
        async with asyncio.timeout(PATIENCE), session.directory() as descriptor:
            assert descriptor == kernel.data_directory
    kernel.finish()
    await running


async def test_abandoned_code_that_was_waiting_never_starts(
    sessions: Sessions, launcher: SteeredLauncher
) -> None:
    kernel, running = await begin(sessions, launcher)
    waiting = asyncio.create_task(run(sessions, "s", "never"))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    kernel.finish()
    await running
    await run(sessions, "s", "next")
    assert kernel.ended == ["wait", "next"]


async def test_a_run_that_loses_the_kernel_already_names_its_successor(
    sessions: Sessions, launcher: SteeredLauncher
) -> None:
    first = await run(sessions, "s")
    assert first.new_allocation
    kernel, running = launcher.kernels[0], asyncio.create_task(run(sessions, "s", "wait"))
    await until(lambda: kernel.begun.qsize() == 2)
    kernel.die()
    lost = await running
    assert lost.reply.state_lost
    assert lost.guid != first.guid
    after = await run(sessions, "s")
    assert (after.guid, after.new_allocation) == (lost.guid, True)
    assert (await run(sessions, "s")).guid == lost.guid


async def test_a_kernel_that_died_unnoticed_is_replaced_and_its_files_are_kept(
    sessions: Sessions, launcher: SteeredLauncher
) -> None:
    first = await run(sessions, "s")
    (launcher.kernels[0].path / "kept.txt").write_text("kept")
    launcher.kernels[0].die()
    second = await run(sessions, "s")
    assert second.guid != first.guid
    assert (launcher.kernels[1].path / "kept.txt").read_text() == "kept"
    assert launcher.kernels[0].closed


async def test_deleting_kills_running_code_and_cancels_what_waits(
    sessions: Sessions, launcher: SteeredLauncher
) -> None:
    kernel, running = await begin(sessions, launcher)
    waiting = asyncio.create_task(run(sessions, "s", "never"))
    await asyncio.sleep(0)
    await sessions.delete("s")
    assert kernel.closed
    outcomes = await asyncio.gather(running, waiting)
    assert [outcome.canceled for outcome in outcomes] == [True, True]
    assert kernel.ended == ["wait"]
    assert (await run(sessions, "s")).canceled is False
    assert len(launcher.kernels) == 2


async def test_deleting_while_the_kernel_starts_leaves_no_kernel(
    sessions: Sessions, launcher: SteeredLauncher
) -> None:
    launcher.open.clear()
    starting = asyncio.create_task(run(sessions, "s"))
    await asyncio.sleep(0)
    deleting = asyncio.create_task(sessions.delete("s"))
    await asyncio.sleep(0)
    launcher.open.set()
    await deleting
    assert (await starting).canceled
    assert [kernel.closed for kernel in launcher.kernels] == [True]


async def test_looking_and_deleting_allocate_nothing(
    sessions: Sessions, launcher: SteeredLauncher
) -> None:
    with pytest.raises(SessionNotFoundError), sessions.look("s"):
        pytest.fail("there is no session to look at")
    with pytest.raises(SessionNotFoundError):
        await sessions.delete("s")
    assert launcher.kernels == []


async def test_an_idle_session_ends_and_a_used_one_does_not(
    sessions: Sessions, launcher: SteeredLauncher, clock: SteeredClock
) -> None:
    await run(sessions, "idle")
    await clock.advance(200)
    await run(sessions, "used")
    await clock.advance(100)
    await until(lambda: launcher.kernels[0].closed)
    assert not launcher.kernels[1].closed
    with sessions.look("used"):
        await clock.advance(10_000)
    assert launcher.kernels[1].alive
    await clock.advance(300)
    await until(lambda: launcher.kernels[1].closed)


async def test_code_that_runs_longer_than_the_cooldown_is_left_alone(
    sessions: Sessions, launcher: SteeredLauncher, clock: SteeredClock
) -> None:
    kernel, running = await begin(sessions, launcher)
    await clock.advance(1_000)
    await run(sessions, "other")
    assert kernel.alive
    kernel.finish()
    assert (await running).reply.status == "succeeded"


async def test_one_session_too_many_is_refused_with_a_time_to_wait(
    sessions: Sessions, clock: SteeredClock
) -> None:
    await run(sessions, "a")
    await run(sessions, "b")
    await clock.advance(290)
    with pytest.raises(PoolFullError) as refused:
        await run(sessions, "c")
    assert refused.value.retry_after == 10
    await run(sessions, "a")
    await sessions.delete("b")
    await run(sessions, "c")


async def test_a_session_whose_kernel_did_not_start_does_not_count(
    sessions: Sessions, launcher: SteeredLauncher
) -> None:
    launcher.failure = KernelStartError("no")
    for identifier in "abc":
        with pytest.raises(KernelStartError):
            await run(sessions, identifier)
    launcher.failure = None
    assert not (await run(sessions, "d")).canceled


async def test_warm_kernels_are_used_and_made_up_for(
    launcher: SteeredLauncher, clock: SteeredClock
) -> None:
    async with pool_of(launcher, clock, warm=2) as sessions:
        await until(lambda: len(launcher.kernels) == 2)
        launcher.open.clear()
        await run(sessions, "a")
        assert launcher.kernels[0].ended == ["1"]
        launcher.kernels[1].die()
        launcher.open.set()
        await run(sessions, "b")
        assert launcher.kernels[1].ended == []
        assert launcher.kernels[1].closed
        await until(lambda: sum(kernel.alive for kernel in launcher.kernels) == 4)


async def test_a_failed_warm_start_is_tried_again_when_a_kernel_is_wanted(
    launcher: SteeredLauncher, clock: SteeredClock
) -> None:
    launcher.failure = KernelStartError("no")
    async with pool_of(launcher, clock, warm=1) as sessions:
        await asyncio.sleep(0)
        launcher.failure = None
        await run(sessions, "a")
        await until(lambda: len(launcher.kernels) == 2)


async def test_closing_ends_running_code_and_refuses_what_comes_after(
    launcher: SteeredLauncher, clock: SteeredClock
) -> None:
    async with pool_of(launcher, clock) as sessions:
        _, running = await begin(sessions, launcher)
        await sessions.close()
        assert (await running).canceled
        with pytest.raises(PoolClosedError):
            await run(sessions, "other")


async def test_a_file_call_on_a_deleted_session_says_so(
    sessions: Sessions, launcher: SteeredLauncher
) -> None:
    async def open_directory(session: Session) -> None:
        async with session.directory():
            pass

    with sessions.use("s") as session:
        await open_directory(session)
        await sessions.delete("s")
        with pytest.raises(SessionNotFoundError):
            await open_directory(session)
