"""Cancelled at any await point, an operation leaves nothing behind and nothing in the way."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import anyio
import pytest

from dynamic_sessions import AsyncSession, AsyncSessionPool, Deadlines
from dynamic_sessions_local import LocalSessionPool

from .conftest import QUICK, MakePool
from .proxy import FaultProxy
from .walking import How, cancelled_at

Operation: TypeAlias = Callable[[AsyncSession, Path], Awaitable[object]]

MOST_AWAIT_POINTS = 400
DEADLINE = 30

COUNTING = "with open('runs', 'a') as file: _ = file.write('x')\n'done'"
COUNTING_SLOWLY = f"import time; time.sleep(0.05)\n{COUNTING}"

OPERATIONS: dict[str, Operation] = {
    "set up": lambda session, _: session.set_up(),
    "execute": lambda session, _: session.execute(COUNTING),
    "execute asynchronously": lambda session, _: session.execute(
        COUNTING_SLOWLY, asynchronous=True
    ),
    "execute with full output": lambda session, _: session.execute(COUNTING, full_output=True),
    "list packages": lambda session, _: session.list_packages(),
    "delete session": lambda session, _: session.delete(),
    "upload": lambda session, _: session.files.upload(b"x" * 600_000, name="up.bin"),
    "upload a path": lambda session, _: session.files.upload(__file__),
    "list files": lambda session, _: session.files.list(),
    "download": lambda session, folder: session.files.download("given.bin", to=folder),
    "download directory": lambda session, folder: session.files.download_directory(to=folder),
    "read": lambda session, _: session.files.read("given.bin"),
    "delete file": lambda session, _: session.files.delete("given.bin"),
}


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
async def pool(local_pool: LocalSessionPool) -> AsyncIterator[AsyncSessionPool]:
    async with AsyncSessionPool(
        local_pool.endpoint, local_pool.credential, retry_policy=QUICK
    ) as pool:
        yield pool


@pytest.mark.parametrize("how", ["task", "scope"])
@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
async def test_an_operation_can_be_cancelled_at_every_await_point(
    pool: AsyncSessionPool, tmp_path: Path, operation: Operation, how: How
) -> None:
    tasks_before = len(asyncio.all_tasks())
    at = 0
    while at < MOST_AWAIT_POINTS:
        session = pool.session(f"cancelled-{uuid.uuid4()}")
        await session.files.upload(b"y" * 600_000, name="given.bin")
        with anyio.fail_after(DEADLINE):
            was_reached = await cancelled_at(lambda s=session: operation(s, tmp_path), at, how)
            run = await session.execute(
                "import os; os.path.getsize('runs') if os.path.exists('runs') else 0"
            )
        assert run.result in {0, 1}
        await session.delete()
        assert not list(tmp_path.glob(".*.part"))
        if not was_reached:
            break
        at += 1
    assert 0 < at < MOST_AWAIT_POINTS
    assert len(asyncio.all_tasks()) == tasks_before


@pytest.mark.parametrize("how", ["task", "scope"])
async def test_cancelled_operations_leave_no_descriptor_open(
    local_pool: LocalSessionPool, tmp_path: Path, how: How
) -> None:
    async def cancel_everywhere() -> None:
        async with AsyncSessionPool(local_pool.endpoint, local_pool.credential) as pool:
            session = pool.session()
            for operation in OPERATIONS.values():
                for at in range(0, 24, 3):
                    await session.files.upload(b"y" * 600_000, name="given.bin")
                    await cancelled_at(lambda o=operation: o(session, tmp_path), at, how)

    await cancel_everywhere()
    before = open_descriptors()
    await cancel_everywhere()
    with anyio.fail_after(DEADLINE):
        while open_descriptors() > before:
            await anyio.lowlevel.checkpoint()


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_the_next_call_does_not_wait_for_code_that_was_cancelled(
    proxy: FaultProxy, make_pool: MakePool, asynchronous: bool
) -> None:
    async with make_pool() as pool:
        session = pool.session("next-call")
        await session.execute("kept = 1")
        with anyio.fail_after(DEADLINE):
            async with anyio.create_task_group() as tasks:
                endless = "while True: pass"
                tasks.start_soon(lambda: session.execute(endless, asynchronous=asynchronous))
                await proxy.until_forwarded("poll execution" if asynchronous else "execute")
                tasks.cancel_scope.cancel()
            run = await session.execute("'kept' in globals()")
        assert run.result is False
        assert run.session_recycled
        assert not (await session.execute("1")).session_recycled
        await session.delete()


async def test_a_call_that_was_cancelled_before_anything_was_sent_keeps_the_session(
    make_pool: MakePool,
) -> None:
    async with make_pool() as pool:
        session = pool.session("keeps-its-state")
        await session.execute("kept = 1")
        await cancelled_at(lambda: session.execute("while True: pass"), 0, "scope")
        run = await session.execute("kept")
        assert run.result == 1
        assert not run.session_recycled
        await session.delete()


async def test_a_cancelled_call_says_that_the_session_was_deleted(
    proxy: FaultProxy, make_pool: MakePool
) -> None:
    async with make_pool() as pool:
        session = pool.session("says-so")
        await session.set_up()
        call = asyncio.create_task(session.execute("while True: pass"))
        with anyio.fail_after(DEADLINE):
            await proxy.until_forwarded("execute")
            call.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await call
        assert "deleted to stop its code" in "".join(caught.value.__notes__)


async def test_code_that_could_not_be_stopped_is_stopped_before_the_next_code_runs(
    proxy: FaultProxy, make_pool: MakePool
) -> None:
    async with make_pool(deadlines=Deadlines(stop=0.2)) as pool:
        session = pool.session("stopped-later")
        await session.set_up()
        call = asyncio.create_task(session.execute("while True: pass", asynchronous=True))
        with anyio.fail_after(DEADLINE):
            await proxy.until_forwarded("poll execution")
            await proxy.refuse()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await proxy.listen()
            run = await session.execute("'goes on'")
        assert run.result == "goes on"
        assert run.session_recycled
        await session.delete()


async def test_closing_a_pool_can_be_cancelled_and_deletes_its_sessions_all_the_same(
    local_pool: LocalSessionPool, direct: AsyncSessionPool
) -> None:
    for at in range(8):
        pool = AsyncSessionPool(local_pool.endpoint, local_pool.credential)
        session = pool.session()
        await session.files.upload(b"x", name="left.txt")
        await cancelled_at(pool.close, at, "scope")
        assert list(await direct.session(session.identifier).files.list()) == []
        await direct.session(session.identifier).delete()
