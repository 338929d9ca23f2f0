"""What else a kernel runs: code in an empty kernel, and commands."""

import pytest

from dynamic_sessions_local.kernel import Kernel, KernelReply
from dynamic_sessions_local.programs import Command, PythonCode, bash

from .conftest import Run
from .test_endings import processes_with


async def run_empty(kernel: Kernel, source: str, *, timeout: float = 60) -> KernelReply:
    program = PythonCode(source=source, empty_kernel=True)
    return await kernel.execute(program, timeout=timeout, output_limit=10_000)


async def run_command(kernel: Kernel, program: Command, *, timeout: float = 60) -> KernelReply:
    return await kernel.execute(program, timeout=timeout, output_limit=10_000)


async def test_an_empty_kernel_sees_no_variables_and_leaves_none(run: Run, kernel: Kernel) -> None:
    await run("import os\nsecret = 41\nos.mkdir('below'); os.chdir('below')\nsecret")
    seen = (
        "import os\n"
        "names = [n for n in ('secret', 'json', '_') if n in globals() and globals()[n] != '']\n"
        "mine = 42\nopen('left.txt', 'w').close()\n(names, os.getcwd(), Out, __name__)"
    )
    reply = await run_empty(kernel, seen)
    assert reply.value.data == "([], '/mnt/data', {}, '__main__')", reply.stderr
    reply = await run("('mine' in globals(), 'names' in globals(), secret, _, os.getcwd())")
    assert reply.value.data == "(False, False, 41, 41, '/mnt/data/below')"
    assert (await run("os.path.exists('/mnt/data/left.txt')")).value.data is True


async def test_an_empty_kernel_needs_no_folder_of_the_sessions(run: Run, kernel: Kernel) -> None:
    await run("import os; os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone'); kept = 1")
    reply = await run_empty(kernel, "import os; os.getcwd()")
    assert (reply.value.data, reply.state_lost) == ("/mnt/data", False)
    assert (await run("kept")).value.data == 1


async def test_an_empty_kernel_can_define_and_call_and_fail(run: Run, kernel: Kernel) -> None:
    recursive = "def fact(n): return n * fact(n - 1) if n else 1\nfact(5)"
    assert (await run_empty(kernel, recursive)).value.data == 120
    failed = await run_empty(kernel, "fact(5)")
    assert "NameError: name 'fact' is not defined" in failed.stderr
    assert (await run("1 + 1")).value.data == 2


async def test_an_empty_kernel_keeps_to_its_time_limit(run: Run, kernel: Kernel) -> None:
    await run("kept = 1")
    reply = await run_empty(kernel, "kept = 2\nwhile True: pass", timeout=0.2)
    assert (reply.status, reply.state_lost) == ("timed_out", False)
    assert (await run("kept")).value.data == 1


@pytest.mark.parametrize(
    ("program", "status", "code"),
    [
        (bash("true"), "succeeded", 0),
        (bash("exit 7"), "failed", 7),
        (bash("kill -9 $$"), "failed", 137),
        (Command(arguments=("no-such-program",)), "failed", 127),
        (Command(arguments=("/mnt/data",)), "failed", 126),
    ],
)
async def test_a_command_has_an_exit_code(
    kernel: Kernel, program: Command, status: str, code: int
) -> None:
    reply = await run_command(kernel, program)
    assert (reply.status, reply.value.kind, reply.value.data) == (status, "json", code)
    assert kernel.alive


async def test_a_command_reads_what_it_is_given(kernel: Kernel) -> None:
    text = "first\n" + "x" * 500_000 + "\nlast \ud800"
    counted = await run_command(kernel, bash("head -n 1; wc -c", stdin=text))
    # "head" reads from the pipe more than it prints, so the rest is counted from another one.
    assert counted.stdout.startswith("first\n")
    whole = await run_command(kernel, bash("wc -c", stdin=text))
    # Half a pair of surrogates is three bytes, as Python itself writes it.
    assert int(whole.stdout) == len(text) + 2
    ignored = await run_command(kernel, bash("exec <&-; echo done", stdin=text))
    assert (ignored.status, ignored.stdout) == ("succeeded", "done\n")


async def test_a_command_that_ignores_everything_ends_with_its_group(kernel: Kernel) -> None:
    mark = f"command-of-{id(kernel)}"
    stubborn = f"trap '' INT TERM HUP; while :; do sleep 0.05; done; : {mark}"
    reply = await run_command(kernel, bash(f"({stubborn}) & {stubborn}"), timeout=0.3)
    assert (reply.status, reply.state_lost) == ("timed_out", False)
    assert processes_with(mark) == []
    assert (await run_command(kernel, bash("echo on"))).stdout == "on\n"


async def test_a_command_that_leaves_its_group_does_not_hold_up_the_session(
    kernel: Kernel,
) -> None:
    reply = await run_command(
        kernel, bash("setsid sh -c 'trap \"\" INT; sleep 1000' & sleep 1000"), timeout=0.3
    )
    assert (reply.status, reply.state_lost) == ("timed_out", False)
    assert (await run_command(kernel, bash("echo on"))).stdout == "on\n"
