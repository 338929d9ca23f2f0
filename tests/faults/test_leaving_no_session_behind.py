"""However a pool ends, no session stays behind that its caller did not name."""

import gc
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor

import anyio
import httpx
import pytest

from dynamic_sessions import AsyncSessionPool, Deadlines, ServiceError, SessionPool
from dynamic_sessions_local import LocalSessionPool

from .conftest import MakePool
from .faults import FAULTS
from .proxy import FaultProxy

DEADLINE = 20


def token_of(pool: LocalSessionPool) -> str:
    return pool.credential.get_token("").token


async def until_gone(pool: LocalSessionPool, identifier: str) -> None:
    """Wait until the service has no such session; the question itself makes none."""
    query = {"api-version": "2025-10-02-preview", "identifier": identifier}
    headers = {"Authorization": f"Bearer {token_of(pool)}"}
    async with httpx.AsyncClient(trust_env=False) as client:
        with anyio.fail_after(DEADLINE):
            while True:
                answer = await client.get(f"{pool.endpoint}session", params=query, headers=headers)
                if answer.is_client_error:
                    assert answer.json()["error"]["code"] == "SessionWithIdentifierNotFound"
                    return


async def test_closing_tells_which_sessions_were_deleted_and_which_were_not(
    proxy: FaultProxy,
    make_pool: MakePool,
    direct: AsyncSessionPool,
    local_pool: LocalSessionPool,
) -> None:
    pool = make_pool()
    named, first, second = pool.session("named-one"), pool.session(), pool.session()
    for session in (named, first, second):
        await session.execute("1")
    proxy.fail("delete session", FAULTS["403"])

    report = await pool.close()

    assert not report.ok
    assert set(report.deleted) | set(report.failed) == {first.identifier, second.identifier}
    ((left, error),) = report.failed.items()
    assert isinstance(error, ServiceError)
    (deleted,) = report.deleted
    await until_gone(local_pool, deleted)
    for identifier in (left, "named-one"):
        await direct.session(identifier).delete()


async def test_closing_does_not_wait_for_a_service_that_does_not_answer(
    proxy: FaultProxy, make_pool: MakePool, direct: AsyncSessionPool
) -> None:
    pool = make_pool(deadlines=Deadlines(closing=0.3))
    session = pool.session()
    await session.execute("1")
    proxy.fail("delete session", FAULTS["stall before the run"])
    with anyio.fail_after(DEADLINE):
        report = await pool.close()
    assert list(report.failed) == [session.identifier]
    await direct.session(session.identifier).delete()


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_pool_that_is_collected_has_its_sessions_deleted(
    local_pool: LocalSessionPool,
) -> None:
    async def use_and_forget() -> str:
        pool = AsyncSessionPool(local_pool.endpoint, local_pool.credential)
        session = pool.session()
        await session.execute("1")
        return session.identifier

    identifier = await use_and_forget()
    gc.collect()
    await until_gone(local_pool, identifier)


_SYNCHRONOUS = """
import sys
from dynamic_sessions import SessionPool
endpoint, token, named = sys.argv[1:]
pool = SessionPool(endpoint, token)
unnamed = pool.session()
unnamed.execute("1")
pool.session(named).execute("1")
print(unnamed.identifier)
"""

_ASYNCHRONOUS = """
import asyncio, sys
from dynamic_sessions import AsyncSessionPool
endpoint, token, named = sys.argv[1:]
async def main():
    unnamed = pool.session()
    await unnamed.execute("1")
    await pool.session(named).execute("1")
    print(unnamed.identifier)
pool = AsyncSessionPool(endpoint, token)
asyncio.run(main())
"""


@pytest.mark.parametrize("program", [_SYNCHRONOUS, _ASYNCHRONOUS], ids=["sync", "async"])
async def test_a_program_that_ends_without_closing_leaves_only_the_sessions_it_named(
    local_pool: LocalSessionPool, direct: AsyncSessionPool, program: str
) -> None:
    named = f"named-{uuid.uuid4()}"
    command = [sys.executable, "-c", program, local_pool.endpoint, token_of(local_pool), named]
    with anyio.fail_after(DEADLINE):
        done = await anyio.run_process(command, check=False)
    assert done.returncode == 0, done.stderr.decode()
    await until_gone(local_pool, done.stdout.decode().strip())
    await direct.session(named).execute("1")
    await direct.session(named).delete()


_FORKING = """
import os, sys
from dynamic_sessions import SessionPool
endpoint, token = sys.argv[1:]
pool = SessionPool(endpoint, token)
session = pool.session()
session.execute("kept = 1")
child = os.fork()
if child == 0:
    try:
        session.execute("1")
    except RuntimeError as error:
        print("child:", "fork" in str(error), flush=True)
    with SessionPool(endpoint, token) as own:
        print("own pool:", own.session().execute("6 * 7").result, flush=True)
    sys.exit(0)
os.waitpid(child, 0)
print("parent:", session.execute("kept").result)
pool.close()
"""


def test_a_forked_child_is_refused_the_parents_pool_and_leaves_its_sessions_alone(
    local_pool: LocalSessionPool,
) -> None:
    command = [sys.executable, "-c", _FORKING, local_pool.endpoint, token_of(local_pool)]
    done = subprocess.run(  # noqa: S603 - our own interpreter and code
        command, capture_output=True, text=True, timeout=DEADLINE, check=False
    )
    assert done.stdout.splitlines() == ["child: True", "own pool: 42", "parent: 1"], done.stderr


async def test_a_limit_below_the_pools_makes_calls_wait_instead_of_fail() -> None:
    with LocalSessionPool(preload=(), max_sessions=2) as small:
        async with AsyncSessionPool(small.endpoint, small.credential, max_sessions=2) as pool:
            results: list[object] = []

            async def use_one(number: int) -> None:
                session = pool.session()
                results.append((await session.execute(f"{number}")).result)
                await session.delete()

            with anyio.fail_after(DEADLINE):
                async with anyio.create_task_group() as tasks:
                    for number in range(10):
                        tasks.start_soon(use_one, number)
    assert sorted(results, key=str) == list(range(10))


def test_many_threads_share_the_limit() -> None:
    with (
        LocalSessionPool(preload=(), max_sessions=2) as small,
        SessionPool(small.endpoint, small.credential, max_sessions=2) as pool,
        ThreadPoolExecutor(8) as threads,
    ):

        def use_one(number: int) -> object:
            session = pool.session()
            result = session.execute(f"{number}").result
            session.delete()
            return result

        assert list(threads.map(use_one, range(12))) == list(range(12))
