import logging
from collections.abc import AsyncIterator

import anyio
import httpx
import pytest

from dynamic_sessions import (
    AsyncSessionPool,
    CodeBlock,
    ExecutionFailed,
    ServiceError,
    ServiceProtocolError,
    ServiceTimeoutError,
)
from dynamic_sessions.testing import ScriptedExecution, ScriptedService

URL = "https://pool.test/subscriptions/s/sessionPools/p"


@pytest.fixture
def service() -> ScriptedService:
    return ScriptedService({"6 * 7": ScriptedExecution(result=42)})


@pytest.fixture
async def pool(service: ScriptedService) -> AsyncIterator[AsyncSessionPool]:
    async with AsyncSessionPool(URL, "token", transport=service.transport) as pool:
        yield pool


def greet(name: str) -> str:
    """Greet somebody."""
    return f"Hello, {name}"


async def test_a_session_object_costs_no_request(
    pool: AsyncSessionPool, service: ScriptedService
) -> None:
    pool.session("conversation-1", functions=[greet])
    assert service.requests == []


async def test_the_first_execution_sets_up_with_one_request_and_later_ones_with_none(
    pool: AsyncSessionPool, service: ScriptedService
) -> None:
    session = pool.session("conversation-1", functions=[greet])
    await session.execute("6 * 7")
    assert len(service.requests) == 2
    await session.execute("6 * 7")
    assert len(service.requests) == 3


async def test_concurrent_first_calls_set_up_once(
    pool: AsyncSessionPool, service: ScriptedService
) -> None:
    session = pool.session("conversation-1", functions=[greet])
    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(session.execute, "6 * 7")
    executed = service.sessions["conversation-1"].executed
    assert executed[1:] == ["6 * 7"] * 10
    assert "greet" in executed[0]


async def test_a_failed_set_up_is_repeated_in_full(
    pool: AsyncSessionPool, service: ScriptedService
) -> None:
    session = pool.session("conversation-1", functions=[greet])
    service.fail_next(httpx.Response(500))
    with pytest.raises(ServiceError):
        await session.execute("6 * 7")
    await session.execute("6 * 7")
    executed = service.sessions["conversation-1"].executed
    assert "greet" in executed[0]
    assert executed[1:] == ["6 * 7"]


async def test_a_recycled_session_is_reported_and_set_up_again(
    pool: AsyncSessionPool, service: ScriptedService
) -> None:
    session = pool.session("conversation-1", functions=[greet])
    assert not (await session.execute("6 * 7")).session_recycled
    service.recycle("conversation-1")

    assert (await session.execute("6 * 7")).session_recycled
    run = await session.execute("6 * 7")

    assert not run.session_recycled
    executed = service.sessions["conversation-1"].executed
    assert ["greet" in code for code in executed] == [False, True, False]


async def test_an_aborted_run_reports_that_the_state_is_gone(
    pool: AsyncSessionPool, service: ScriptedService
) -> None:
    service.script["crash()"] = ScriptedExecution(stderr="Execution aborted", failed=True)
    session = pool.session("conversation-1", functions=[greet])
    assert (await session.execute("crash()")).session_recycled
    await session.execute("6 * 7")
    executed = service.sessions["conversation-1"].executed
    assert ["greet" in code for code in executed] == [True, False, True, False]


async def test_the_time_limit_is_sent_in_whole_seconds(
    pool: AsyncSessionPool, service: ScriptedService
) -> None:
    await pool.session("conversation-1").execute("6 * 7", timeout=1.2)
    assert b'"timeoutInSeconds":2' in service.requests[-1].content.replace(b" ", b"")


@pytest.mark.parametrize("seconds", [0, -1, 221, float("nan"), float("inf")])
async def test_a_time_limit_out_of_range_is_refused_before_anything_is_sent(
    pool: AsyncSessionPool, service: ScriptedService, seconds: float
) -> None:
    with pytest.raises(ValueError, match="220"):
        await pool.session("conversation-1").execute("6 * 7", timeout=seconds)
    assert service.requests == []


async def test_another_language_is_refused_before_anything_is_sent(
    pool: AsyncSessionPool, service: ScriptedService
) -> None:
    with pytest.raises(ValueError, match="bash"):
        await pool.session().execute(CodeBlock(code="ls", language="bash"))
    assert service.requests == []


async def test_a_timeout_of_the_answer_deletes_the_session_so_that_its_code_stops(
    pool: AsyncSessionPool, service: ScriptedService
) -> None:
    session = pool.session("conversation-1")
    await session.set_up()
    service.fail_next(httpx.ReadTimeout("slow"))
    with pytest.raises(ServiceTimeoutError) as caught:
        await session.execute("6 * 7")
    assert caught.value.outcome_unknown
    assert "conversation-1" not in service.sessions


async def test_a_session_that_cannot_be_deleted_to_stop_it_is_logged_and_the_first_error_stays(
    pool: AsyncSessionPool, service: ScriptedService, caplog: pytest.LogCaptureFixture
) -> None:
    session = pool.session("conversation-1")
    await session.set_up()
    service.fail_next(httpx.ReadTimeout("slow"))
    service.fail_next(httpx.Response(403))
    with caplog.at_level(logging.WARNING), pytest.raises(ServiceTimeoutError):
        await session.execute("6 * 7")
    assert "could not be deleted" in caplog.text


class Gate:
    """Lets everything through but one kind of code, at which it waits to be cancelled."""

    def __init__(self, service: ScriptedService) -> None:
        self._service = service
        self.reached = anyio.Event()

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if b"forever" in request.content:
            self.reached.set()
            await anyio.sleep_forever()
        return self._service(request)


async def test_cancelling_deletes_the_session_so_that_its_code_stops(
    service: ScriptedService,
) -> None:
    gate = Gate(service)
    async with AsyncSessionPool(URL, "token", transport=httpx.MockTransport(gate)) as pool:
        session = pool.session("conversation-1", functions=[greet])
        await session.execute("6 * 7")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(session.execute, "forever()")
            await gate.reached.wait()
            tasks.cancel_scope.cancel()
        assert "conversation-1" not in service.sessions

        run = await session.execute("6 * 7")

    assert run.result == 42
    executed = service.sessions["conversation-1"].executed
    assert ["greet" in code for code in executed] == [True, False]


async def test_a_list_of_packages_that_does_not_come_back_is_an_error(
    pool: AsyncSessionPool,
) -> None:
    with pytest.raises(ServiceProtocolError):
        await pool.session().list_packages(in_session=True)


async def test_raise_for_status_raises_for_failed_code_alone(
    pool: AsyncSessionPool, service: ScriptedService
) -> None:
    service.script["1 / 0"] = ScriptedExecution(
        stderr="ZeroDivisionError: division by zero", failed=True
    )
    session = pool.session()
    run = await session.execute("6 * 7")
    assert run.raise_for_status() is run
    with pytest.raises(ExecutionFailed, match="division by zero"):
        (await session.execute("1 / 0")).raise_for_status()
