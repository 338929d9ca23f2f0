"""Commands in sessions of a real Shell pool."""

from collections.abc import AsyncIterator, Iterator

import anyio
import pytest

from dynamic_sessions import (
    AsyncSession,
    AsyncSessionPool,
    ExecutionFailed,
    ExecutionStatus,
    InvalidRequestError,
    SessionPool,
    render_execution,
)
from dynamic_sessions_local import LocalSessionPool


@pytest.fixture(scope="module")
def shell_pool() -> Iterator[LocalSessionPool]:
    with LocalSessionPool(kind="shell") as pool:
        yield pool


@pytest.fixture
async def pool(shell_pool: LocalSessionPool) -> AsyncIterator[AsyncSessionPool]:
    async with AsyncSessionPool(shell_pool.endpoint, shell_pool.credential) as pool:
        yield pool


@pytest.fixture
def session(pool: AsyncSessionPool) -> AsyncSession:
    return pool.session()


async def test_a_command_succeeds_with_its_output(session: AsyncSession) -> None:
    run = await session.run_command("echo out; echo err >&2; pwd")
    assert (run.ok, run.exit_code, run.stdout, run.stderr) == (True, 0, "out\n/mnt/data\n", "err\n")
    assert run.raise_for_status() is run


async def test_a_command_that_fails_is_a_result_with_its_exit_code(session: AsyncSession) -> None:
    run = await session.run_command("echo no such thing >&2; exit 3")
    assert (run.status, run.exit_code, run.error) == (ExecutionStatus.FAILED, 3, None)
    assert render_execution(run) == "no such thing\nThe command ended with exit code 3."
    with pytest.raises(ExecutionFailed, match="exit code 3"):
        run.raise_for_status()


async def test_a_program_gets_its_arguments_as_they_are(session: AsyncSession) -> None:
    run = await session.run_command(["printf", "%s|", "$HOME", "a b", "*"])
    assert run.stdout == "$HOME|a b|*|"
    assert (await session.run_command(["no-such-program"])).exit_code == 127


async def test_a_command_reads_what_it_is_given(session: AsyncSession) -> None:
    run = await session.run_command("sort", stdin="b\na\n")
    assert run.stdout == "a\nb\n"


async def test_files_are_there_for_commands_and_callers(session: AsyncSession) -> None:
    await session.files.upload(b"3\n4\n", name="numbers.txt")
    await session.run_command("paste -sd+ numbers.txt | bc > sum.txt || echo 7 > sum.txt")
    assert await session.files.read("sum.txt") == b"7\n"


async def test_a_command_is_stopped_at_its_time_limit(session: AsyncSession) -> None:
    run = await session.run_command("echo begun; sleep 100", timeout=1)
    assert (run.status, run.stdout) == (ExecutionStatus.TIMED_OUT, "begun\n")


async def test_much_output_is_not_cut(session: AsyncSession) -> None:
    run = await session.run_command("head -c 600000 /dev/zero | tr '\\0' x")
    assert (len(run.stdout), run.truncated) == (600_000, False)


async def test_an_asynchronous_command_is_asked_for_later(session: AsyncSession) -> None:
    run = await session.run_command("sleep 0.3; echo done", asynchronous=True)
    assert (run.ok, run.stdout) == (True, "done\n")


async def test_a_session_that_was_lost_is_reported(session: AsyncSession) -> None:
    await session.run_command("true")
    lost = await session.run_command("kill -9 -1; kill -9 $PPID")
    assert (lost.status, lost.session_recycled) == (ExecutionStatus.ABORTED, True)
    assert not (await session.run_command("true")).session_recycled


async def test_a_cancelled_command_ends_with_its_session(
    pool: AsyncSessionPool, session: AsyncSession
) -> None:
    with anyio.move_on_after(0.5):
        await session.run_command("while :; do :; done")
    with anyio.fail_after(20):
        run = await session.run_command("echo on")
    assert (run.stdout, run.session_recycled) == ("on\n", True)


def test_a_synchronous_session_runs_commands(shell_pool: LocalSessionPool) -> None:
    with SessionPool(shell_pool.endpoint, shell_pool.credential) as pool:
        assert pool.session().run_command("cat", stdin="here").stdout == "here"


async def test_a_pool_that_runs_code_refuses_commands_and_the_other_way_round(
    session: AsyncSession,
) -> None:
    with pytest.raises(InvalidRequestError):
        await session.execute("1 + 1")
    async with AsyncSessionPool("local") as pool:
        with pytest.raises(InvalidRequestError):
            await pool.session().run_command("true")


@pytest.mark.parametrize("command", ["", [], "a\0b", ["a", "b\0"]])
async def test_what_is_no_command_is_refused_before_it_is_sent(
    session: AsyncSession, command: str | list[str]
) -> None:
    with pytest.raises(ValueError, match="command"):
        await session.run_command(command)


@pytest.mark.parametrize("version", ["2024-02-02-preview", "2024-10-02-preview"])
async def test_versions_without_commands_say_so(version: str) -> None:
    async with AsyncSessionPool("https://pool.test", "token", api_version=version) as pool:
        with pytest.raises(ValueError, match="2025"):
            await pool.session().run_command("true")


async def test_commands_are_in_the_history_as_bash_takes_them(session: AsyncSession) -> None:
    await session.run_command(["echo", "two words"], stdin="in")

    (entry,) = session.history
    assert (entry.code, entry.language, entry.stdin) == ("echo 'two words'", "bash", "in")
    assert entry.execution
    assert entry.execution.stdout == "two words\n"
