"""A set-up happens once, in one request, whole or not at all."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest

from dynamic_sessions import AsyncSession, AsyncSessionPool, MissingPackagesError
from dynamic_sessions.functions import spec_from_source
from dynamic_sessions.testing import ScriptedService

# Each definition of this leaves a mark on the session's disk.
MARKING = "def f(x=open('/mnt/data/definitions', 'a').write('.')):\n    return 'defined'\n"
HOW_OFTEN = "len(open('/mnt/data/definitions').read())"


@pytest.fixture
async def pool() -> AsyncIterator[AsyncSessionPool]:
    async with AsyncSessionPool("local") as pool:
        yield pool


async def value(session: AsyncSession, code: str) -> object:
    execution = await session.execute(code)
    assert execution.ok, execution.stderr
    return execution.result


@pytest.mark.parametrize("count", [1, 10])
async def test_however_many_functions_are_set_up_in_one_request(count: int) -> None:
    service = ScriptedService()
    functions = [f"import json\ndef f{number}(): return json" for number in range(count)]
    async with AsyncSessionPool("https://pool.test/", "t", transport=service.transport) as pool:
        session = pool.session("conversation", functions=functions)
        await session.execute("1")
        await session.execute("2")

    assert len(service.requests) == 3


async def test_two_programs_at_the_same_time_define_the_module_once(
    pool: AsyncSessionPool,
) -> None:
    name = str(uuid.uuid4())
    sessions = [pool.session(name, functions=[MARKING]) for _ in range(3)]
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        runs = [tasks.create_task(session.execute("f()")) for session in sessions]

    assert [run.result().result for run in runs] == ["defined"] * 3
    assert await value(sessions[0], HOW_OFTEN) == 1


async def test_a_failed_set_up_defines_nothing_and_is_repeated_whole(
    pool: AsyncSessionPool,
) -> None:
    spec = spec_from_source(MARKING, imports=["import comes_later"])
    name = str(uuid.uuid4())
    session, plain = pool.session(name, functions=[spec]), pool.session(name)
    for _ in range(2):
        with pytest.raises(MissingPackagesError):
            await session.execute("f()")
    assert await value(plain, "'f' in dir(), 'functions' in __import__('sys').modules") == (
        "(False, False)"
    )

    await value(plain, "import sys; sys.path.append('/mnt/data'); None")
    await plain.files.upload(b"", name="comes_later.py")

    assert await value(session, "f()") == "defined"
    assert await value(session, HOW_OFTEN) == 1


async def test_after_the_session_was_deleted_functions_are_there_again(
    pool: AsyncSessionPool,
) -> None:
    session = pool.session(functions=[MARKING])
    assert await value(session, "f()") == "defined"

    await session.delete()

    assert await value(session, "f()") == "defined"
    assert await value(session, HOW_OFTEN) == 1
