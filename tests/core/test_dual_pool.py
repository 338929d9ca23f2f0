import asyncio
import gc
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from dynamic_sessions import AsyncSessionPool, DualSessionPool, SessionPool
from dynamic_sessions.testing import ScriptedService
from dynamic_sessions_local import LocalSessionPool


@pytest.fixture
def service() -> ScriptedService:
    return ScriptedService()


@pytest.fixture
async def scripted_pool(service: ScriptedService) -> AsyncIterator[AsyncSessionPool]:
    async with AsyncSessionPool("https://pool.test/", "token", transport=service.transport) as pool:
        yield pool


async def test_both_kinds_of_call_reach_one_session() -> None:
    pool = DualSessionPool("local")
    await pool.async_session("dual-1", is_named=False).execute("x = 41")

    later = await asyncio.to_thread(pool.session("dual-1", is_named=False).execute, "x + 1")

    assert later.result == 42
    await pool.aclose()


async def test_closing_deletes_what_the_caller_did_not_name(
    scripted_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    pool = DualSessionPool(session_pool=scripted_pool)
    for name in ("mine", "other-1", "other-2"):
        await pool.async_session(name, is_named=name == "mine").execute("1")

    await pool.aclose()

    assert list(service.sessions) == ["mine"]


async def test_a_session_that_was_deleted_is_not_deleted_again(
    scripted_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    pool = DualSessionPool(session_pool=scripted_pool)
    await pool.async_session("once", is_named=False).execute("1")

    await pool.adelete("once")
    await pool.aclose()

    assert [request.method for request in service.requests].count("DELETE") == 1


async def test_a_shared_pool_serves_calls_of_its_own_kind(scripted_pool: AsyncSessionPool) -> None:
    with pytest.raises(TypeError, match="asynchronous"):
        DualSessionPool(session_pool=scripted_pool).session("kind", is_named=False)
    with SessionPool("local") as pool, pytest.raises(TypeError, match="synchronous"):
        DualSessionPool(session_pool=pool).async_session("kind", is_named=False)


def test_a_pool_takes_no_address_beside_another() -> None:
    with SessionPool("local") as pool, pytest.raises(ValueError, match="its own"):
        DualSessionPool("local", session_pool=pool)


# The event loops ended without aclose(), and took connections with them that nobody could close.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_sessions_outlive_the_event_loop_of_a_call() -> None:
    pool = DualSessionPool("local")

    async def run(code: str) -> object:
        return (await pool.async_session("loops", is_named=False).execute(code)).result

    asyncio.run(run("x = 41"))
    gc.collect()
    assert asyncio.run(run("x + 1")) == 42
    pool.close()
    gc.collect()


PROGRAM = """
import sys
from dynamic_sessions import DualSessionPool
pool = DualSessionPool(sys.argv[1], sys.argv[2])
for name in ("mine", "other"):
    pool.session(name, is_named=name == "mine").execute("x = 1")
"""


def test_a_program_that_ends_without_closing_leaves_no_session() -> None:
    with LocalSessionPool() as local:
        token = local.credential.get_token().token
        subprocess.run(  # noqa: S603 - our own interpreter and code
            [sys.executable, "-c", PROGRAM, local.endpoint, token], check=True, timeout=60
        )
        with SessionPool(local.endpoint, local.credential) as pool:
            kept = [
                pool.session(name).execute("'x' in globals()").result for name in ("mine", "other")
            ]
    assert kept == [True, False]
