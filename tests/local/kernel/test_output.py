"""What is kept of stdout and stderr."""

import resource

import pytest

from dynamic_sessions_local.kernel import Kernel

from .conftest import Run


async def test_a_flood_is_cut_and_the_code_runs_to_its_end(kernel: Kernel) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    reply = await kernel.execute(
        "for _ in range(100):\n    print('x' * (1 << 20), end='')\n'done'",
        timeout=60,
        output_limit=1000,
    )
    assert (reply.status, reply.value.data) == ("succeeded", "done")
    assert reply.stdout == "x" * 1000
    assert reply.truncated
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # KiB


async def test_each_stream_has_its_own_limit(kernel: Kernel) -> None:
    code = "import sys\nprint('o' * 50)\nprint('e' * 5, end='', file=sys.stderr)"
    reply = await kernel.execute(code, timeout=60, output_limit=10)
    assert (reply.stdout, reply.stderr, reply.truncated) == ("o" * 10, "e" * 5, True)


async def test_output_of_exactly_the_limit_is_not_cut(kernel: Kernel) -> None:
    reply = await kernel.execute("print('x' * 9)", timeout=60, output_limit=10)
    assert (reply.stdout, reply.truncated) == ("x" * 9 + "\n", False)


@pytest.mark.parametrize("character", ["x", "é", "日", "😀"])
async def test_the_limit_counts_characters_and_cuts_none_in_two(
    kernel: Kernel, character: str
) -> None:
    for written in (10, 1000):
        code = f"print({character!r} * {written}, end='')"
        reply = await kernel.execute(code, timeout=60, output_limit=9)
        assert (reply.stdout, reply.truncated) == (character * 9, True)
    reply = await kernel.execute(f"print({character!r} * 9, end='')", timeout=60, output_limit=9)
    assert (reply.stdout, reply.truncated) == (character * 9, False)


async def test_bytes_that_are_no_text_are_replaced(run: Run) -> None:
    reply = await run("import os; os.write(1, b'a\\xffb\\xc3');")
    assert reply.stdout == "a\ufffdb\ufffd"


async def test_a_traceback_is_kept_though_stderr_was_flooded(kernel: Kernel) -> None:
    code = "import sys\nprint('e' * 100000, file=sys.stderr)\n1 / 0"
    reply = await kernel.execute(code, timeout=60, output_limit=10)
    assert reply.stderr.startswith("eeeeeeeeee\n---")
    assert reply.stderr.endswith("ZeroDivisionError: division by zero")
    assert reply.truncated


async def test_what_is_written_between_executions_belongs_to_the_next_one(run: Run) -> None:
    await run("import threading\ngo = threading.Event()")
    await run(
        "def later():\n    go.wait()\n    print('late')\nthread = threading.Thread(target=later)"
    )
    assert (await run("thread.start()")).stdout == ""
    assert (await run("go.set(); thread.join()")).stdout == "late\n"


@pytest.mark.parametrize(
    "end",
    [
        "import os; os._exit(3)",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "import ctypes; ctypes.string_at(0)",
        "import os; os.abort()",
    ],
)
async def test_the_death_of_the_worker_keeps_its_output(run: Run, kernel: Kernel, end: str) -> None:
    reply = await run(f"import sys\nprint('said')\nprint('err', file=sys.stderr)\n{end}")
    assert (reply.status, reply.stdout, reply.stderr) == ("aborted", "said\n", "Execution aborted")
    assert reply.state_lost
    assert not kernel.alive
    assert reply.duration < 5
    again = await run("1 + 1")
    assert (again.status, again.stderr, again.state_lost) == ("aborted", "Execution aborted", True)
