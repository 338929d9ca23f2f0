"""What is kept of stdout and stderr."""

import os
import resource

import pytest

from dynamic_sessions_local.kernel import Kernel

from .conftest import Run, until_files_exist


async def test_a_flood_is_cut_and_the_code_runs_to_its_end(kernel: Kernel) -> None:
    before = memory_high_water()
    reply = await kernel.execute(
        "for _ in range(100):\n    print('x' * (1 << 20), end='')\n'done'",
        timeout=60,
        output_limit=1000,
    )
    assert (reply.status, reply.value.data) == ("succeeded", "done")
    assert reply.stdout == "x" * 1000
    assert reply.truncated
    assert memory_high_water() - before < 20_000


def memory_high_water() -> int:
    """Return the most memory that this process ever had, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize(
    ("code", "start"),
    [
        ("import os\nfor _ in range(2048): os.write(1, b'x' * (1 << 20))", "xxx"),
        ("for number in range(1_000_000): print(number)", "0\n1\n2\n"),
        ("import os\nfor _ in range(1_000_000): os.write(1, b'y')", "yyy"),
        ("import sys\nfor _ in range(200): sys.stdout.write('z' * (1 << 20))", "zzz"),
        ("import os; os.system('head -c 2000000000 /dev/zero')", "\0\0\0"),
        ("import sys\nprint('x' * (300 << 20)); print('y', file=sys.stderr)", "xxx"),
    ],
)
async def test_a_flood_of_any_kind_costs_the_server_nothing(
    kernel: Kernel, code: str, start: str
) -> None:
    before = memory_high_water()
    reply = await kernel.execute(f"{code}\n'done'", timeout=100, output_limit=1000)
    assert (reply.status, reply.value.data) == ("succeeded", "done")
    assert reply.stdout.startswith(start)
    assert (len(reply.stdout), reply.truncated) == (1000, True)
    assert memory_high_water() - before < 20_000


@pytest.mark.parametrize(
    "code",
    [
        "import sys\nwhile True: sys.stdout.write('x')",
        "while True: print('x' * 1000, end='')",
        "import subprocess; subprocess.run('yes x | tr -d \"\\n\"', shell=True)",
    ],
)
async def test_a_line_without_end_is_cut_at_the_time_limit(kernel: Kernel, code: str) -> None:
    before = memory_high_water()
    reply = await kernel.execute(code, timeout=1, output_limit=1000)
    assert (reply.status, reply.stdout, reply.truncated) == ("timed_out", "x" * 1000, True)
    assert memory_high_water() - before < 20_000


async def test_both_streams_can_be_flooded_at_once_by_many_writers(kernel: Kernel) -> None:
    code = """
import os, threading
def flood(descriptor):
    for _ in range(2000): os.write(descriptor, b"%d" % descriptor * 10_000)
threads = [threading.Thread(target=flood, args=[1 + n % 2]) for n in range(6)]
children = []
for n in range(4):
    children.append(os.fork())
    if not children[-1]:
        flood(1 + n % 2)
        os._exit(0)
for thread in threads: thread.start()
for thread in threads: thread.join()
for child in children: os.waitpid(child, 0)
"done"
"""
    reply = await kernel.execute(code, timeout=60, output_limit=100_000)
    assert (reply.value.data, reply.truncated) == ("done", True)
    assert (set(reply.stdout), set(reply.stderr)) == ({"1"}, {"2"})
    assert len(reply.stdout) == len(reply.stderr) == 100_000


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


async def test_what_a_grandchild_writes_after_its_cell_belongs_to_the_next_one(
    run: Run, kernel: Kernel
) -> None:
    script = "while [ -e wait ]; do :; done; echo late; touch written"
    code = (
        f"open('wait', 'w').close()\nimport subprocess; subprocess.Popen({script!r}, shell=True);"
    )
    assert (await run(code)).stdout == ""
    os.unlink("wait", dir_fd=kernel.data_directory)
    await until_files_exist(kernel, {"written"})
    assert (await run("print('mine')")).stdout == "late\nmine\n"
