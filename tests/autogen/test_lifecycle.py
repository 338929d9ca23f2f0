"""What starts and ends with start(), stop() and restart()."""

import asyncio
import gc
from pathlib import Path

import httpx
import pytest
from autogen_core import CancellationToken
from autogen_core.code_executor import CodeBlock, FunctionWithRequirements

from autogen_ext_dynamic_sessions import (
    ACADynamicSessionsCodeExecutor,
    InvalidFunctionError,
    SessionConnectionError,
)
from dynamic_sessions import AsyncSessionPool
from dynamic_sessions.testing import ScriptedService
from dynamic_sessions_local import LocalSessionPool


def python(code: str) -> list[CodeBlock]:
    return [CodeBlock(code=code, language="python")]


async def test_stop_deletes_the_session(
    session_pool: AsyncSessionPool, service: ScriptedService, token: CancellationToken
) -> None:
    async with ACADynamicSessionsCodeExecutor(session_pool=session_pool) as executor:
        await executor.execute_code_blocks(python("1"), token)
        assert list(service.sessions) == [executor.session_id]

    assert not service.sessions


async def test_stop_leaves_a_session_that_the_caller_named(
    session_pool: AsyncSessionPool, service: ScriptedService, token: CancellationToken
) -> None:
    async with ACADynamicSessionsCodeExecutor(
        session_pool=session_pool, session_id="mine"
    ) as executor:
        await executor.execute_code_blocks(python("1"), token)

    assert list(service.sessions) == ["mine"]


async def test_a_stopped_executor_can_be_started_again(
    executor: ACADynamicSessionsCodeExecutor, token: CancellationToken
) -> None:
    await executor.execute_code_blocks(python("1"), token)
    first = executor.work_dir
    await executor.stop()
    assert not first.exists()

    await executor.start()

    assert executor.work_dir.is_dir()
    assert (await executor.execute_code_blocks(python("1"), token)).exit_code == 0


async def test_start_sets_the_session_up_so_that_code_waits_for_its_own_run_alone(
    session_pool: AsyncSessionPool, service: ScriptedService, token: CancellationToken
) -> None:
    executor = ACADynamicSessionsCodeExecutor(session_pool=session_pool)
    await executor.start()
    assert list(service.sessions) == [executor.session_id]
    sent = len(service.requests)

    await executor.start()
    await executor.execute_code_blocks(python("1"), token)

    assert len(service.requests) == sent + 1
    await executor.stop()


async def test_a_start_that_fails_leaves_no_session_behind() -> None:
    functions = [FunctionWithRequirements.from_str("def f(): pass", ["no-such-package"])]
    with LocalSessionPool() as local:
        async with AsyncSessionPool(local.endpoint, local.credential) as pool:
            executor = ACADynamicSessionsCodeExecutor(session_pool=pool, functions=functions)
            with pytest.raises(InvalidFunctionError, match="no-such-package"):
                async with executor:
                    raise AssertionError
            assert not await pool.list_sessions()


async def test_a_start_that_fails_leaves_alone_a_session_that_was_in_use(
    session_pool: AsyncSessionPool, service: ScriptedService, token: CancellationToken
) -> None:
    executor = ACADynamicSessionsCodeExecutor(session_pool=session_pool)
    service.fail_next(httpx.Response(403))
    with pytest.raises(SessionConnectionError):
        await executor.execute_code_blocks(python("1"), token)
    before = executor.session_id

    service.fail_next(httpx.Response(403))
    with pytest.raises(SessionConnectionError):
        await executor.start()

    assert executor.session_id == before
    await executor.stop()


async def test_a_start_that_is_refused_asks_for_no_more(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    executor = ACADynamicSessionsCodeExecutor(session_pool=session_pool)
    service.fail_next(httpx.Response(403))

    with pytest.raises(SessionConnectionError):
        await executor.start()

    assert {request.method for request in service.requests} == {"POST"}


async def test_a_working_directory_of_the_callers_is_made_and_never_removed(
    session_pool: AsyncSessionPool, tmp_path: Path
) -> None:
    executor = ACADynamicSessionsCodeExecutor(
        session_pool=session_pool, work_dir=str(tmp_path / "a" / "b")
    )
    assert executor.work_dir.is_dir()
    (executor.work_dir / "kept.txt").write_text("kept")

    await executor.stop()

    assert (executor.work_dir / "kept.txt").read_text() == "kept"


async def test_a_forgotten_executor_leaves_no_temporary_directory(
    session_pool: AsyncSessionPool,
) -> None:
    executor = ACADynamicSessionsCodeExecutor(session_pool=session_pool)
    directory = executor.work_dir

    del executor
    gc.collect()

    assert not directory.exists()


async def test_restart_goes_on_with_a_new_session_and_deletes_the_old_one(
    executor: ACADynamicSessionsCodeExecutor, service: ScriptedService, token: CancellationToken
) -> None:
    await executor.execute_code_blocks(python("1"), token)
    before = executor.session_id

    await executor.restart()

    assert executor.session_id != before
    assert before not in service.sessions
    await executor.execute_code_blocks(python("2"), token)
    assert list(service.sessions) == [executor.session_id]


async def test_restart_runs_nothing_by_itself(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    await ACADynamicSessionsCodeExecutor(session_pool=session_pool).restart()
    assert not service.requests

    await ACADynamicSessionsCodeExecutor(session_pool=session_pool, session_id="mine").restart()

    assert {request.method for request in service.requests} == {"DELETE"}


async def test_a_session_that_restart_made_is_deleted_by_stop(
    session_pool: AsyncSessionPool, service: ScriptedService, token: CancellationToken
) -> None:
    executor = ACADynamicSessionsCodeExecutor(session_pool=session_pool, session_id="mine")
    await executor.restart()
    await executor.execute_code_blocks(python("1"), token)

    await executor.stop()

    assert not service.sessions


async def test_a_stopped_executor_can_be_stopped_again(
    executor: ACADynamicSessionsCodeExecutor,
) -> None:
    await executor.stop()
    await executor.stop()


def test_each_event_loop_between_start_and_stop_may_be_another() -> None:
    executor = ACADynamicSessionsCodeExecutor("local")

    async def run_once() -> str:
        async with executor:
            # Two at once, so that one waits for the other on something of this event loop.
            first, _ = await asyncio.gather(
                executor.execute_code_blocks(python("6 * 7"), CancellationToken()),
                executor.execute_code_blocks(python("1"), CancellationToken()),
            )
        return first.output

    assert [asyncio.run(run_once()), asyncio.run(run_once())] == ["42", "42"]


# The first event loop ended without stop(), and took connections with it that nobody could close.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_session_outlives_the_event_loop_of_a_call() -> None:
    executor = ACADynamicSessionsCodeExecutor("local")

    async def run(code: str) -> str:
        return (await executor.execute_code_blocks(python(code), CancellationToken())).output

    asyncio.run(run("x = 42"))
    assert asyncio.run(run("x")) == "42"
    asyncio.run(executor.stop())
    assert "NameError" in asyncio.run(run("x"))
    asyncio.run(executor.stop())
    gc.collect()


async def test_stop_ends_all_else_when_the_session_cannot_be_deleted(
    executor: ACADynamicSessionsCodeExecutor,
    service: ScriptedService,
    token: CancellationToken,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await executor.execute_code_blocks(python("1"), token)
    directory = executor.work_dir
    service.fail_next(httpx.Response(403))

    await executor.stop()

    assert not directory.exists()
    assert "could not be deleted" in caplog.text


async def test_stop_sends_nothing_for_a_session_that_was_never_used(
    executor: ACADynamicSessionsCodeExecutor, service: ScriptedService
) -> None:
    await executor.stop()

    assert not service.requests


async def test_executors_with_one_session_id_share_one_session(
    token: CancellationToken, tmp_path: Path
) -> None:
    name = f"shared-{tmp_path.name}-{id(token)}"
    one = ACADynamicSessionsCodeExecutor("local", session_id=name)
    two = ACADynamicSessionsCodeExecutor("local", session_id=name)
    async with one, two:
        await one.execute_code_blocks(python("shared = 42"), token)

        result = await two.execute_code_blocks(python("shared"), token)

        assert (result.output, one.session_id, two.session_id) == ("42", name, name)
        await two.restart()


async def test_executors_without_a_session_id_do_not_see_each_other(
    token: CancellationToken,
) -> None:
    async with (
        ACADynamicSessionsCodeExecutor("local") as one,
        ACADynamicSessionsCodeExecutor("local") as two,
    ):
        await one.execute_code_blocks(python("private = 42"), token)

        result = await two.execute_code_blocks(python("private"), token)

    assert result.exit_code == 1
    assert "NameError" in result.output


@pytest.mark.parametrize("argument", ["pool_management_endpoint", "credential", "api_version"])
async def test_a_shared_pool_takes_no_address_beside_it(
    argument: str, session_pool: AsyncSessionPool
) -> None:
    with pytest.raises(ValueError, match="session pool"):
        ACADynamicSessionsCodeExecutor(**{argument: "x"}, session_pool=session_pool)  # pyright: ignore[reportArgumentType]
