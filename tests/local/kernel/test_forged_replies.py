"""Replies forged by code in a session: they cost it that session, and nobody else anything."""

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from dynamic_sessions_local.kernel import REPLY_LIMIT, Kernel
from dynamic_sessions_local.launchers import Launcher

from .conftest import run_in
from .leftovers import Leftovers

# Code in a session that finds the worker's socket. `forge` writes to it as the worker would.
FIND = """
import json, os, socket, stat, struct
def find():
    for name in os.listdir("/proc/self/fd"):
        try:
            if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                return socket.socket(fileno=os.dup(int(name)))
        except OSError:
            continue
control = find()
def forge(identity, value="forged"):
    body = json.dumps({"id": identity, "succeeded": True, "traceback": "", "truncated": False,
                       "value": {"kind": "json", "data": value}}).encode()
    control.sendall(struct.pack(">I", len(body)) + body)
"""


@pytest_asyncio.fixture(loop_scope="session")
async def session(launcher: Launcher) -> AsyncGenerator[Kernel]:
    session = await launcher.launch()
    yield session
    await session.close()


async def test_a_reply_that_code_forges_is_its_own_and_costs_it_the_session(
    session: Kernel,
) -> None:
    run = run_in(session)
    await run(FIND)
    forged = await run("forge(2); 'true'")
    # Where its true reply has come by the time that the forged one is read, it is at fault already.
    assert (forged.status, forged.value.data) in {("succeeded", "forged"), ("aborted", "")}
    later = await run("'true'")
    assert (later.status, later.state_lost) == ("aborted", True)


async def test_a_reply_that_code_forges_in_advance_costs_it_the_session(session: Kernel) -> None:
    run = run_in(session)
    await run(FIND)
    assert (await run("'true'")).value.data == "true"
    await run("import os\nif os.fork() == 0:\n    forge(4)\n    os._exit(0)\nos.wait();")
    replies = [await run("'true'") for _ in range(2)]
    # Where the forged one came before the reply of its own execution, that one is at fault already.
    assert replies[-1].status == "aborted"
    assert replies[-1].state_lost


@pytest.mark.parametrize(
    "code",
    [
        "control.sendall(struct.pack('>I', 2 ** 32 - 1))",
        "control.sendall(struct.pack('>I', 0))",
        "while True: control.sendall(b'x' * 65536)",
        "while True: control.sendall(struct.pack('>I', 2) + b'[]')",
        "forge(1)",
        "forge(3)",
        "forge('2')",
        "forge(2, ['a list'])",
        "forge(2, {'a': 'mapping'})",
        "control.shutdown(socket.SHUT_RDWR)",
        "control.shutdown(socket.SHUT_WR)",
    ],
)
async def test_what_code_forges_and_is_no_reply_ends_its_session(
    session: Kernel, code: str
) -> None:
    run = run_in(session)
    await run(FIND)
    reply = await run(code)
    assert (reply.status, reply.stderr, reply.state_lost) == ("aborted", "Execution aborted", True)


@pytest.mark.parametrize(
    "code",
    [
        f"control.sendall(struct.pack('>I', {REPLY_LIMIT}) + b'x')\nwhile True: pass",
        (
            f"control.sendall(struct.pack('>I', {REPLY_LIMIT}))\n"
            "import time\nwhile True:\n    control.sendall(b' ')\n    time.sleep(0.01)"
        ),
        "control.sendall(b'x')\nwhile True: pass",
    ],
)
async def test_a_forged_reply_that_never_ends_does_so_at_the_time_limit(
    session: Kernel, code: str
) -> None:
    run = run_in(session)
    await run(FIND)
    reply = await run(code, timeout=0.5)
    assert (reply.status, reply.state_lost) == ("timed_out", True)


async def test_a_thread_that_takes_the_requests_holds_up_nothing_but_its_session(
    session: Kernel, launcher: Launcher
) -> None:
    run = run_in(session)
    await run(FIND)
    await run(
        "import threading\n"
        "def take():\n"
        "    while True: control.recv(1 << 20)\n"
        "for _ in range(4): threading.Thread(target=take, daemon=True).start()"
    )
    replies = [await run("'true'", timeout=0.5) for _ in range(3)]
    assert replies[-1].state_lost
    other = await launcher.launch()
    assert (await run_in(other)("'true'")).value.data == "true"
    await other.close()


async def test_descriptors_that_code_sends_to_the_server_are_not_kept(session: Kernel) -> None:
    run = run_in(session)
    await run(FIND)
    leftovers = Leftovers()
    reply = await run("socket.send_fds(control, [b'x'], [0] * 100)\nwhile True: pass", timeout=0.5)
    assert reply.status == "timed_out"
    assert await leftovers.are_none()
