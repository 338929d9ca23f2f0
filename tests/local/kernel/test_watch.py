"""The watch over what all processes of a session hold together."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from dynamic_sessions_local.launchers import Launcher, select_launcher
from dynamic_sessions_local.limits import MIB, Limits

from .conftest import run_in

LIMITS = Limits(memory_bytes=1024 * MIB, session_memory_bytes=400 * MIB, sockets=500)

# Each process stays below the limit; together they are over it.
MANY_PROCESSES = """
import os, time
for _ in range(8):
    if os.fork() == 0:
        held = bytearray(os.urandom(1 << 20)) * {mebibytes}
        time.sleep(60)
        os._exit(0)
time.sleep({seconds})
"held"
"""
# Not resident in any process once it is unmapped by all but one, and of no file.
SHARED = """
import mmap, time
held = mmap.mmap(-1, 600 << 20)
for start in range(0, 600 << 20, 4096):
    held[start] = 1
time.sleep(30)
"""


@pytest_asyncio.fixture(loop_scope="session", params=["fork", "spawn"])
async def small(request: pytest.FixtureRequest) -> AsyncGenerator[Launcher]:
    launcher = await select_launcher(
        isolation="sandbox", launcher=request.param, python=None, limits=LIMITS, preload=()
    )
    yield launcher
    await launcher.close()


@pytest.mark.parametrize("code", [MANY_PROCESSES.format(mebibytes=80, seconds=30), SHARED])
async def test_a_session_over_its_memory_is_ended_and_told_why(small: Launcher, code: str) -> None:
    kernel = await small.launch()
    reply = await kernel.execute(code, timeout=40, output_limit=1000)
    assert (reply.status, reply.state_lost) == ("aborted", True)
    assert reply.stderr == (
        "Execution aborted\n(the session used more than 400 MiB of memory in all its processes)"
    )
    await kernel.close()


async def test_a_session_with_too_many_sockets_is_ended_and_told_why(small: Launcher) -> None:
    kernel = await small.launch()
    code = """
import os, socket, time
held = [socket.socketpair() for _ in range(100)]
for _ in range(3):
    if os.fork() == 0:
        held += [socket.socketpair() for _ in range(100)]
        time.sleep(60)
        os._exit(0)
time.sleep(30)
"""
    reply = await kernel.execute(code, timeout=40, output_limit=1000)
    assert (reply.status, reply.stderr) == (
        "aborted",
        "Execution aborted\n(the session used more than 500 sockets)",
    )
    await kernel.close()


async def test_memory_that_processes_share_counts_once(small: Launcher) -> None:
    kernel = await small.launch()
    run = run_in(kernel)
    await run("shared = bytearray(200 << 20)")
    reply = await run(MANY_PROCESSES.format(mebibytes=1, seconds=1))
    assert reply.value.data == "held"
    await kernel.close()


async def test_a_session_that_grows_while_nothing_runs_is_ended_too(small: Launcher) -> None:
    kernel = await small.launch()
    await run_in(kernel)(
        "import threading, time\n"
        "def grow():\n"
        "    time.sleep(0.1)\n"
        "    global held; held = bytearray(b'x') * (600 << 20)\n"
        "threading.Thread(target=grow).start()"
    )
    async with asyncio.timeout(30):
        while kernel.alive:  # noqa: ASYNC110 - nobody sends an event
            await asyncio.sleep(0.01)
    await kernel.close()


async def test_other_sessions_go_on(small: Launcher) -> None:
    modest, greedy = await small.launch(), await small.launch()
    await run_in(modest)("x = 41")
    await greedy.execute(
        "x = bytearray(b'x') * (600 << 20)\nwhile True: pass", timeout=40, output_limit=9
    )
    assert not greedy.alive
    assert (await run_in(modest)("x + 1")).value.data == 42
    await greedy.close()
    await modest.close()
