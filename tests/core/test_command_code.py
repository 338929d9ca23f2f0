"""Commands in sessions of a Python pool, by code that runs them."""

from collections.abc import AsyncIterator

import pytest

from dynamic_sessions import AsyncSession, AsyncSessionPool, Execution, ExecutionStatus
from dynamic_sessions.commands import command_code, command_execution
from dynamic_sessions.models import Command

LIMIT = 1_000_000


@pytest.fixture
async def session() -> AsyncIterator[AsyncSession]:
    async with AsyncSessionPool("local") as pool:
        yield pool.session()


async def run(
    session: AsyncSession,
    line: str | tuple[str, ...],
    *,
    stdin: str = "",
    timeout: float = 30,
    output_limit: int = LIMIT,
) -> Execution:
    code = command_code(Command(line=line, stdin=stdin), timeout=timeout, output_limit=output_limit)
    return command_execution(await session.execute(code, timeout=timeout + 20))


@pytest.mark.parametrize(
    ("line", "exit_code", "stdout", "stderr"),
    [
        ("echo out; echo err >&2; pwd; exit 3", 3, "out\n/mnt/data\n", "err\n"),
        ("x='a b'; [[ $x == a* ]] && echo ${x^^}", 0, "A B\n", ""),
        ("kill -9 $$", 137, "", ""),
        ("kill -TERM $$", 143, "", ""),
        (("printf", "%s|", "$HOME", "a b", "*"), 0, "$HOME|a b|*|", ""),
        (("no-such-program",), 127, "", "no-such-program: No such file or directory\n"),
        (("/mnt",), 126, "", "/mnt: Permission denied\n"),
    ],
)
async def test_a_command_ends_as_in_a_shell_pool(
    session: AsyncSession,
    line: str | tuple[str, ...],
    exit_code: int,
    stdout: str,
    stderr: str,
) -> None:
    done = await run(session, line)
    assert (done.exit_code, done.stdout, done.stderr) == (exit_code, stdout, stderr)
    assert (done.ok, done.result, done.error) == (exit_code == 0, None, None)


async def test_a_command_reads_what_it_is_given(session: AsyncSession) -> None:
    assert (await run(session, "sort", stdin="ß\na\n")).stdout == "a\nß\n"


async def test_the_time_limit_ends_a_command_and_not_the_kernel(session: AsyncSession) -> None:
    await session.execute("kept = 42")
    # The second process would survive the end of the shell alone.
    stopped = await run(session, "echo begun; tail -f /dev/null & wait", timeout=1)
    assert (stopped.status, stopped.exit_code) == (ExecutionStatus.TIMED_OUT, 124)
    assert stopped.stdout == "begun\n"
    assert (await run(session, "while grep -qsx tail /proc/[0-9]*/comm; do :; done")).ok
    assert (await session.execute("kept")).result == 42


async def test_a_process_in_the_background_holds_nothing_up(session: AsyncSession) -> None:
    done = await run(session, "sleep 600 & echo $!", timeout=20)
    assert done.ok
    assert (await run(session, f"kill {done.stdout}")).ok


async def test_output_that_is_cut_says_so(session: AsyncSession) -> None:
    whole = await run(session, "head -c 600000 /dev/zero | tr '\\0' x")
    cut = await run(session, "head -c 1200000 /dev/zero | tr '\\0' x")
    assert (len(whole.stdout), whole.truncated) == (600_000, False)
    assert (len(cut.stdout), cut.truncated) == (LIMIT, True)


async def test_a_command_leaves_no_name_behind(session: AsyncSession) -> None:
    names = "sorted(name for name in dir() if not name.startswith('_'))"
    before = (await session.execute(names)).result
    await run(session, "true")
    assert (await session.execute(names)).result == before


@pytest.mark.parametrize(
    ("status", "exit_code"),
    [
        (ExecutionStatus.TIMED_OUT, 124),
        (ExecutionStatus.ABORTED, 137),
        (ExecutionStatus.FAILED, 1),
    ],
)
def test_code_that_did_not_come_to_an_end_has_an_exit_code_too(
    status: ExecutionStatus, exit_code: int
) -> None:
    done = command_execution(Execution(status=status))
    assert (done.status, done.exit_code) == (status, exit_code)


def test_a_result_that_is_no_exit_code_is_not_taken_for_one() -> None:
    done = command_execution(Execution(status=ExecutionStatus.SUCCEEDED, result="something"))
    assert done.exit_code is None
