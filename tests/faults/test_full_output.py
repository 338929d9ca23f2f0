"""Where the whole text matters, what the answer's limit cuts is fetched from the session."""

import anyio
import anyio.lowlevel
import pytest

from dynamic_sessions import ExecutionStatus, ServiceError

from .conftest import DIALECTS, MakePool
from .faults import FAULTS
from .proxy import FaultProxy

LONG = "for number in range(20_000): print(number)"
WHOLE = "".join(f"{number}\n" for number in range(20_000))


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_long_output_comes_whole_and_is_cut_without(
    make_pool: MakePool, dialect: str
) -> None:
    async with make_pool(api_version=dialect, output_limit=1000) as pool:
        session = pool.session()
        cut = await session.execute(LONG)
        whole = await session.execute(LONG, full_output=True)
        assert list(await session.files.list()) == []
    assert cut.truncated
    assert len(cut.stdout) < len(WHOLE)
    assert WHOLE.startswith(cut.stdout)
    assert (whole.stdout, whole.truncated) == (WHOLE, False)


async def test_both_streams_and_any_text_come_whole(make_pool: MakePool) -> None:
    code = (
        "import sys\nprint('é\\r\\n日本' * 500)\nprint('w' * 3000, file=sys.stderr)\n"
        "sys.stdout.writelines(['a\\n', 'b\\n'])\n7"
    )
    async with make_pool(output_limit=1000) as pool:
        run = await pool.session().execute(code, full_output=True)
    assert run.result == 7
    assert run.stdout == "é\r\n日本" * 500 + "\na\nb\n"
    assert run.stderr == "w" * 3000 + "\n"
    assert not run.truncated


async def test_short_output_is_as_it_was(make_pool: MakePool) -> None:
    async with make_pool() as pool:
        session = pool.session()
        run = await session.execute("print('out'); 1 / 0", full_output=True)
        again = await session.execute("print('again')")
        assert list(await session.files.list()) == []
    assert run.status is ExecutionStatus.FAILED
    assert run.stdout == "out\n"
    assert "ZeroDivisionError" in run.stderr
    assert again.stdout == "again\n"


async def test_code_that_kills_its_kernel_still_has_a_result(make_pool: MakePool) -> None:
    async with make_pool() as pool:
        session = pool.session()
        run = await session.execute("import os; os._exit(1)", full_output=True)
        assert run.status is ExecutionStatus.ABORTED
        assert run.session_recycled
        assert (await session.execute("'goes on'")).result == "goes on"


async def test_a_fault_while_the_output_is_fetched_leaves_the_result(
    proxy: FaultProxy, make_pool: MakePool
) -> None:
    async with make_pool(output_limit=1000) as pool:
        session = pool.session()
        await session.set_up()
        proxy.fail("download file", *[FAULTS["403"]] * 9)
        run = await session.execute(LONG, full_output=True)
        assert run.ok
        assert run.truncated
        assert WHOLE.startswith(run.stdout)


async def test_a_fault_before_the_code_was_sent_says_that_it_did_not_run(
    proxy: FaultProxy, make_pool: MakePool
) -> None:
    async with make_pool() as pool:
        session = pool.session()
        await session.set_up()
        proxy.fail("execute", FAULTS["403"])
        with pytest.raises(ServiceError) as caught:
            await session.execute("marked", full_output=True)
        assert not caught.value.outcome_unknown
        assert not any(b'"marked"' in body for body in proxy.tally.bodies)


async def test_after_a_run_whose_end_was_not_seen_output_is_kept_anew(
    proxy: FaultProxy, make_pool: MakePool
) -> None:
    async with make_pool(output_limit=1000) as pool:
        session = pool.session()
        await session.set_up()

        async def lose_the_run() -> None:
            # After the request that begins the keeping comes the one that runs the code.
            await proxy.until_forwarded("execute")
            proxy.fail("execute", FAULTS["502 after the run"])

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lose_the_run)
            await anyio.lowlevel.checkpoint()
            with pytest.raises(ServiceError):
                await session.execute("print('lost')", full_output=True)
        run = await session.execute(LONG, full_output=True)
        assert (run.stdout, run.truncated) == (WHOLE, False)
        assert (await session.execute("print('plain')")).stdout == "plain\n"


async def test_without_room_for_it_the_code_runs_all_the_same(make_pool: MakePool) -> None:
    async with make_pool(output_limit=1000) as pool:
        session = pool.session()
        # The directory takes a limited number of files.
        await session.execute("for n in range(30_000): open(f'f{n}', 'x').close()")
        run = await session.execute(LONG, full_output=True)
        assert run.ok
        assert run.truncated
