"""Killing and closing kernels: nothing is left, and files can be read until the end."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

import pytest
import pytest_asyncio

from dynamic_sessions_local.errors import KernelStartError
from dynamic_sessions_local.kernel import Kernel
from dynamic_sessions_local.launchers import Launcher, select_launcher
from dynamic_sessions_local.launchers.start import Command, start_process
from dynamic_sessions_local.limits import Limits

from .conftest import run_in, until_files_exist
from .leftovers import Leftovers

Launch = Callable[[], Awaitable[Kernel]]

# Starts a process by each of several ways, which says by a file that it runs, and never ends.
LINGER = """
import subprocess
for number, way in enumerate({ways!r}):
    script = f"touch {{number}}; while :; do sleep 1; done"
    subprocess.Popen([*way, "sh", "-c", script, "{mark}"], stdout=subprocess.DEVNULL)
"""


def processes_with(mark: str) -> list[str]:
    found: list[str] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark.encode() in (entry / "cmdline").read_bytes():
                    found.append(entry.name)
            except OSError:
                continue
    return found


async def test_a_closed_kernel_leaves_no_descriptor_process_or_thread(launch: Launch) -> None:
    leftovers = Leftovers()
    for ending in ("1", "import os; os._exit(1)", "while True: pass", "sum(range(10 ** 12))"):
        kernel = await launch()
        await kernel.execute(ending, timeout=0.3, output_limit=100)
        await kernel.close()
    assert await leftovers.are_none()


async def test_kill_ends_everything_that_the_session_started(launch: Launch) -> None:
    kernel = await launch()
    mark = f"session-of-{os.getpid()}"
    await run_in(kernel)(LINGER.format(mark=mark, ways=[["setsid"], ["nohup"], []]))
    await until_files_exist(kernel, {"0", "1", "2"})
    assert len(processes_with(mark)) >= 3
    await kernel.kill()
    assert processes_with(mark) == []
    assert not kernel.alive
    await kernel.close()


async def test_killing_and_closing_can_be_repeated_and_overlap(launch: Launch) -> None:
    kernel = await launch()
    await asyncio.gather(kernel.kill(), kernel.kill(), kernel.close(), kernel.close())
    await kernel.kill()
    await kernel.close()
    reply = await run_in(kernel)("1 + 1")
    assert (reply.status, reply.state_lost) == ("aborted", True)
    await kernel.interrupt()


async def test_closing_ends_an_execution_that_is_under_way(launch: Launch) -> None:
    kernel = await launch()
    execution = asyncio.ensure_future(
        run_in(kernel)("open('begun', 'w').close()\nwhile True: pass")
    )
    await until_files_exist(kernel, {"begun"})
    await kernel.close()
    assert (await execution).status == "aborted"


async def test_files_can_be_read_after_a_kill(launch: Launch) -> None:
    kernel = await launch()
    await run_in(kernel)("open('kept.txt', 'w').write('content')")
    await kernel.kill()
    descriptor = os.open("kept.txt", os.O_RDONLY, dir_fd=kernel.data_directory)
    assert os.read(descriptor, 100) == b"content"
    os.close(descriptor)
    await kernel.close()


async def test_a_worker_that_does_not_start_says_why_and_leaves_nothing() -> None:
    leftovers = Leftovers()
    for arguments, words in (
        (["/bin/sh", "-c", "echo it is broken >&2; exit 1"], "it is broken"),
        (["/no/such/program"], "/no/such/program"),
        # What it started holds the socket on and would never speak.
        (["/bin/sh", "-c", "sleep 1000 & echo it left its child >&2"], "it left its child"),
    ):
        command = Command(arguments=arguments, configuration={}, environment={})
        async with asyncio.timeout(30):
            with pytest.raises(KernelStartError, match=words):
                await start_process(command, watched=0)
    assert await leftovers.are_none()


@pytest.mark.parametrize("name", ["fork", "spawn"])
async def test_cancelling_a_launch_at_any_moment_leaves_nothing(
    name: Literal["fork", "spawn"],
) -> None:
    # A size that no other pool on this machine has, to tell these processes from theirs.
    limits = Limits(data_bytes=(64 << 20) + os.getpid())
    launcher = await select_launcher(
        isolation="sandbox", launcher=name, python=None, limits=limits, preload=()
    )
    leftovers = Leftovers()
    # bubblewrap makes its namespaces in the first milliseconds, one thing after the other.
    for step in range(60):
        starting = asyncio.ensure_future(launcher.launch())
        await asyncio.sleep(0)  # the process has been started when this returns
        await asyncio.sleep(step / 10_000)
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await (await starting).close()  # it may have been faster
    assert await leftovers.are_none()
    await launcher.close()
    async with asyncio.timeout(3):
        while processes_with(str(limits.data_bytes)):  # noqa: ASYNC110 - nobody sends an event
            await asyncio.sleep(0.01)


@pytest_asyncio.fixture(loop_scope="session")
async def unconfined() -> Launcher:
    return await select_launcher(isolation="none", python=None, limits=Limits())


async def test_without_isolation_kill_still_ends_what_the_session_started(
    unconfined: Launcher,
) -> None:
    leftovers = Leftovers()
    kernel = await unconfined.launch()
    mark = f"unconfined-of-{os.getpid()}"
    code = LINGER.format(mark=mark, ways=[["setsid"], []])
    folder = Path(str((await run_in(kernel)(f"{code}\nimport os; os.getcwd()")).value.data))
    await until_files_exist(kernel, {"0", "1"})
    assert len(processes_with(mark)) >= 2
    await kernel.kill()
    assert processes_with(mark) == []
    assert (folder / "0").exists()
    await kernel.close()
    assert not folder.exists()
    assert await leftovers.are_none()


async def test_without_isolation_time_limits_hold(unconfined: Launcher) -> None:
    kernel = await unconfined.launch()
    reply = await kernel.execute("import os; os.system('sleep 60')", timeout=0.3, output_limit=100)
    assert (reply.status, reply.state_lost) == ("timed_out", False)
    reply = await kernel.execute("sum(range(10 ** 12))", timeout=0.3, output_limit=100)
    assert (reply.status, reply.state_lost) == ("timed_out", True)
    await kernel.close()
