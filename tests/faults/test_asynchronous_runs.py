"""An asynchronous run outlives the connection that sent it."""

import uuid

import anyio
import pytest

from dynamic_sessions import (
    AsyncSession,
    AsyncSessionPool,
    Deadlines,
    InvalidRequestError,
    NotFoundError,
    ServiceError,
    ServiceTimeoutError,
)

from .conftest import MakePool
from .faults import FAULTS, Fault
from .proxy import FaultProxy

QUICK = Deadlines(call=0.4, stall=0.3, execution_grace=3, arrival=0.3)

FORWARDED = {name: fault for name, fault in FAULTS.items() if fault.is_forwarded}
NOT_FORWARDED = {
    name: fault
    for name, fault in FAULTS.items()
    if not fault.is_forwarded and fault.moment != "connect"
}
FINAL_WHEN_POLLING = {"401", "403"}


def slow(marker: str, seconds: float = 0.05) -> str:
    """Code that is still running when its submission is answered."""
    return (
        f"import time; time.sleep({seconds})\n"
        f"with open({marker!r}, 'a') as file: _ = file.write('x')\n{marker!r}"
    )


def new_marker() -> str:
    return f"runs-{uuid.uuid4().hex}"


async def ready_session(pool: AsyncSessionPool) -> AsyncSession:
    session = pool.session(f"asynchronous-{uuid.uuid4()}")
    await session.set_up()
    return session


@pytest.mark.parametrize("fault", FORWARDED.values(), ids=FORWARDED)
async def test_a_result_arrives_though_the_answer_to_its_submission_was_lost(
    proxy: FaultProxy, make_pool: MakePool, direct: AsyncSessionPool, fault: Fault
) -> None:
    marker = new_marker()
    async with make_pool(deadlines=QUICK) as pool:
        session = await ready_session(pool)
        proxy.fail("execute", fault)
        run = await session.execute(slow(marker), asynchronous=True, timeout=20)
    assert run.result == marker
    assert proxy.tally.runs(marker) == 1
    kept = direct.session(session.identifier)
    assert await kept.files.read(marker) == b"x"
    await kept.delete()


@pytest.mark.parametrize("fault", NOT_FORWARDED.values(), ids=NOT_FORWARDED)
async def test_a_submission_that_never_arrived_is_not_sent_again_unless_it_was_refused(
    proxy: FaultProxy, make_pool: MakePool, fault: Fault
) -> None:
    marker = new_marker()
    async with make_pool(deadlines=QUICK) as pool:
        session = await ready_session(pool)
        proxy.fail("execute", fault)
        try:
            run = await session.execute(slow(marker), asynchronous=True, timeout=20)
        except ServiceError:
            assert proxy.tally.runs(marker) == 0
        else:
            assert run.result == marker
            assert fault.name.startswith("429")
            assert proxy.tally.runs(marker) == 1
        await session.delete()


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_faults_between_begin_and_end_do_not_lose_the_result(
    proxy: FaultProxy, make_pool: MakePool, fault: Fault
) -> None:
    marker = new_marker()
    async with make_pool(deadlines=QUICK) as pool:
        session = await ready_session(pool)
        operation = "connect" if fault.moment == "connect" else "poll execution"
        proxy.fail(operation, fault, fault)
        if fault.name in FINAL_WHEN_POLLING:
            with pytest.raises(ServiceError) as caught:
                await session.execute(slow(marker), asynchronous=True, timeout=20)
            assert caught.value.outcome_unknown
        else:
            run = await session.execute(slow(marker), asynchronous=True, timeout=20)
            assert run.result == marker
        assert proxy.tally.runs(marker) == 1
        await session.delete()


async def test_long_runs_are_asynchronous_by_themselves_and_short_ones_are_not(
    proxy: FaultProxy, make_pool: MakePool
) -> None:
    async with make_pool(long_run=5.0) as pool:
        session = await ready_session(pool)
        await session.execute("'short'", timeout=5)
        await session.execute("'long'", timeout=6)
    short, long = proxy.tally.bodies[-2:]
    assert b"Synchronous" in short
    assert b"Asynchronous" in long


async def test_another_program_can_attach_to_a_run_by_its_id(
    make_pool: MakePool, direct: AsyncSessionPool
) -> None:
    execution_id = str(uuid.uuid4())
    async with make_pool() as pool:
        session = await ready_session(pool)
        run = await session.execute("6 * 7", execution_id=execution_id)
        again = await direct.session(session.identifier).attach(execution_id, timeout=10)
        assert again.result == run.result == 42
        assert run.execution_id == again.execution_id == execution_id
        await session.delete()


async def test_attaching_to_a_run_that_nobody_sent_says_so_at_once(make_pool: MakePool) -> None:
    async with make_pool() as pool:
        session = await ready_session(pool)
        with pytest.raises((NotFoundError, InvalidRequestError)):
            await session.attach(str(uuid.uuid4()), timeout=10)
        await session.delete()


async def test_a_run_that_was_left_goes_on_and_can_be_attached_to(make_pool: MakePool) -> None:
    execution_id, marker = str(uuid.uuid4()), new_marker()
    impatient = Deadlines(execution_grace=0.1)
    async with make_pool(on_cancel="leave", deadlines=impatient) as pool:
        session = await ready_session(pool)
        with pytest.raises(ServiceTimeoutError) as caught:
            await session.execute(slow(marker, 1.0), execution_id=execution_id, timeout=0.1)
        assert caught.value.outcome_unknown
        assert not caught.value.session_deleted
        # The time limit of 0.1 seconds is sent as a whole one, which the code just keeps.
        run = await session.attach(execution_id, timeout=20)
        assert run.execution_id == execution_id
        await session.delete()


async def test_a_session_that_is_deleted_under_an_asynchronous_run_is_an_unknown_outcome(
    make_pool: MakePool, direct: AsyncSessionPool, proxy: FaultProxy
) -> None:
    async with make_pool(deadlines=QUICK) as pool:
        session = await ready_session(pool)
        caught: list[ServiceError] = []

        async def run() -> None:
            try:
                await session.execute("import time; time.sleep(30)", asynchronous=True, timeout=60)
            except ServiceError as error:
                caught.append(error)

        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(run)
                await proxy.until_forwarded("poll execution")
                await direct.session(session.identifier).delete()
    (error,) = caught
    assert error.outcome_unknown


async def test_above_the_services_limit_a_run_is_refused_unless_it_is_asynchronous(
    make_pool: MakePool, proxy: FaultProxy
) -> None:
    async with make_pool() as pool:
        session = await ready_session(pool)
        before = proxy.tally.requests["execute"]
        with pytest.raises(ValueError, match="asynchronous=True"):
            await session.execute("1", timeout=221)
        assert proxy.tally.requests["execute"] == before
        assert (await session.execute("1", timeout=221, asynchronous=True)).result == 1


async def test_the_legacy_dialect_refuses_asynchronous_runs_before_sending(
    make_pool: MakePool, proxy: FaultProxy
) -> None:
    async with make_pool(api_version="2024-02-02-preview") as pool:
        session = await ready_session(pool)
        before = proxy.tally.requests["execute"]
        with pytest.raises(ValueError, match="asynchronous"):
            await session.execute("1", asynchronous=True)
        assert proxy.tally.requests["execute"] == before
        assert (await session.execute("1", timeout=200)).result == 1
