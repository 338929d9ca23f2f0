import asyncio
import gc
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from dynamic_sessions import (
    AsyncSessionPool,
    DualSession,
    FunctionSourceError,
    SessionPool,
)
from dynamic_sessions.testing import ScriptedService


def double(number: int) -> int:
    """Return twice the number."""
    return 2 * number


@pytest.fixture
def service() -> ScriptedService:
    return ScriptedService()


@pytest.fixture
async def scripted_pool(service: ScriptedService) -> AsyncIterator[AsyncSessionPool]:
    async with AsyncSessionPool("https://pool.test/", "token", transport=service.transport) as pool:
        yield pool


async def test_both_kinds_of_call_reach_one_session_with_its_functions() -> None:
    dual = DualSession("local", functions=[double])
    await dual.async_session().execute("x = double(4)")
    await asyncio.to_thread(dual.session().execute, "y = x + 1")

    assert (await dual.async_session().execute("y")).result == 9
    await dual.aclose()


# The first event loop ended without aclose(), and took connections with it that nobody could close.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_every_event_loop_has_connections_of_its_own() -> None:
    dual = DualSession("local")

    async def call(code: str) -> object:
        return (await dual.async_session().execute(code)).result

    asyncio.run(call("x = 41"))
    assert asyncio.run(call("x + 1")) == 42
    dual.close()
    gc.collect()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_event_loops_of_several_threads_do_not_disturb_one_another() -> None:
    dual = DualSession("local")
    everyone_is_there = threading.Barrier(3, timeout=60)

    async def call(number: int) -> object:
        await dual.async_session().execute(f"x{number} = {number}")
        await asyncio.to_thread(everyone_is_there.wait)
        return (await dual.async_session().execute(f"x{number} + 1")).result

    with ThreadPoolExecutor(3) as threads:
        results = list(threads.map(asyncio.run, map(call, range(3))))

    assert results == [1, 2, 3]
    dual.close()
    gc.collect()


async def test_synchronous_calls_work_inside_a_running_event_loop() -> None:
    dual = DualSession("local")

    assert dual.session().execute("6 * 7").result == 42
    await dual.aclose()


async def test_a_session_of_its_own_is_deleted_when_it_is_closed(
    scripted_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    dual = DualSession(session_pool=scripted_pool)
    await dual.async_session().execute("1")
    assert list(service.sessions) == [dual.identifier]

    await dual.aclose()

    assert not service.sessions


async def test_closing_deletes_once_and_not_what_was_never_used(
    scripted_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    dual = DualSession(session_pool=scripted_pool)
    await dual.aclose()
    assert not service.requests

    await dual.async_session().execute("1")
    await dual.aclose()
    await dual.aclose()

    assert [request.method for request in service.requests].count("DELETE") == 1


async def test_a_session_that_the_caller_named_stays(
    scripted_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    dual = DualSession(session_pool=scripted_pool, identifier="conversation-42")
    await dual.async_session().execute("1")
    await dual.aclose()

    assert list(service.sessions) == ["conversation-42"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_closing_synchronously_deletes_what_asynchronous_calls_made() -> None:
    with SessionPool("local") as pool:
        dual = DualSession("local")

        async def call() -> None:
            await dual.async_session().execute("x = 1")

        asyncio.run(call())
        dual.close()
        gc.collect()

        assert pool.session(dual.identifier).execute("'x' in globals()").result is False


async def test_closing_asynchronously_closes_what_a_synchronous_pool_holds() -> None:
    with SessionPool("local") as pool:
        dual = DualSession(session_pool=pool)
        dual.session().execute("x = 1")

        await dual.aclose()

        session = pool.session(dual.identifier)
        assert session.execute("'x' in globals()").result is False
        session.delete()


async def test_it_can_be_used_again_after_it_was_closed() -> None:
    dual = DualSession("local", functions=[double])
    await dual.async_session().execute("x = 1")
    await dual.aclose()

    run = await dual.async_session().execute("double(21) if 'x' not in globals() else x")
    assert run.result == 42
    await dual.aclose()


def test_an_event_loop_that_goes_on_has_the_functions_after_another_one_closed_the_session() -> (
    None
):
    dual = DualSession("local", functions=[double])

    async def call() -> object:
        return (await dual.async_session().execute("double(21)")).result

    with asyncio.Runner() as lasting:
        assert lasting.run(call()) == 42
        dual.close()
        assert lasting.run(call()) == 42
        lasting.run(dual.aclose())


async def test_a_session_that_cannot_be_deleted_is_told_in_the_log(
    scripted_pool: AsyncSessionPool, service: ScriptedService, caplog: pytest.LogCaptureFixture
) -> None:
    dual = DualSession(session_pool=scripted_pool)
    await dual.async_session().execute("1")
    service.fail_next(httpx.Response(400, json={"error": {"code": "No", "message": "Not now."}}))

    await dual.aclose()

    assert "could not be deleted" in caplog.text


async def test_a_pool_of_one_kind_refuses_calls_of_the_other(
    scripted_pool: AsyncSessionPool,
) -> None:
    with pytest.raises(TypeError, match="AsyncSessionPool"):
        DualSession(session_pool=scripted_pool).session()
    with SessionPool("local") as pool, pytest.raises(TypeError, match="SessionPool"):
        DualSession(session_pool=pool).async_session()


def test_mistakes_are_told_when_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DYNAMIC_SESSIONS_ENDPOINT", raising=False)

    with pytest.raises(ValueError, match="local"):
        DualSession()
    with pytest.raises(ValueError, match="identifier"):
        DualSession("local", identifier="no blanks please")
    with pytest.raises(ValueError, match="220"):
        DualSession("local", timeout=1000)
    with pytest.raises(FunctionSourceError):
        DualSession("local", functions=[lambda: None])
    with SessionPool("local") as pool, pytest.raises(ValueError, match="its own"):
        DualSession("https://pool.test", session_pool=pool)


def test_its_text_holds_no_secret() -> None:
    dual = DualSession("https://pool.test", "a secret token", identifier="named")

    assert repr(dual) == "DualSession(identifier='named')"
