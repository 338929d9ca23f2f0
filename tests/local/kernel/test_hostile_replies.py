"""A worker that has been taken over: its replies are not trusted, and never hurt the server."""

import asyncio
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from dynamic_sessions_local.errors import KernelStartError
from dynamic_sessions_local.kernel import REPLY_LIMIT, Channel, Kernel
from dynamic_sessions_local.launchers import start
from dynamic_sessions_local.launchers.start import Command, reap, start_process

from .leftovers import Leftovers

GOOD: dict[str, Any] = {
    "id": 1,
    "succeeded": True,
    "value": {"kind": "json", "data": 5},
    "traceback": "",
    "truncated": False,
}


class FakeWorker:
    """A process that does nothing, and the far ends of its channel, for a test to write to."""

    excess = ""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        near, self.control = socket.socketpair()
        near.setblocking(False)
        stdout, self.stdout = os.pipe()
        stderr, self.stderr = os.pipe()
        os.set_blocking(stdout, False)
        os.set_blocking(stderr, False)
        self.kills = 0
        self.channel = Channel(
            control=near,
            stdout=stdout,
            stderr=stderr,
            worker=os.pidfd_open(self.process.pid),
            data_directory=os.open(folder, os.O_RDONLY | os.O_DIRECTORY),
        )

    def answer(self, body: bytes, *, size: int | None = None) -> None:
        self.control.sendall(struct.pack(">I", len(body) if size is None else size) + body)

    async def kill(self) -> None:
        self.kills += 1
        self.process.kill()
        await reap(self.process)

    def memory(self) -> int:
        return 0

    def release(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.control.close()
        os.close(self.stdout)
        os.close(self.stderr)


@pytest_asyncio.fixture(loop_scope="session")
async def worker(tmp_path: Path) -> FakeWorker:
    return FakeWorker(tmp_path)


@pytest_asyncio.fixture(loop_scope="session")
async def kernel(worker: FakeWorker) -> AsyncGenerator[Kernel]:
    kernel = Kernel(worker.channel, worker, interrupt_grace=0.2)
    yield kernel
    await kernel.close()


def changed(**changes: object) -> bytes:
    return json.dumps({**GOOD, **changes}).encode()


async def test_a_good_reply_is_taken(kernel: Kernel, worker: FakeWorker) -> None:
    worker.answer(changed())
    reply = await kernel.execute("5", timeout=5, output_limit=100)
    assert (reply.status, reply.value.data, reply.state_lost) == ("succeeded", 5, False)
    assert worker.kills == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b"[" * 100_000,
        b'["' + b'\\"' * 4_000_000,
        b"[" + b"{}," * 5_000_000 + b"{}]",
        b'{"id": 1' + b"0" * 4000 + b"}",
        changed(id=2),
        changed(id=None),
        changed(succeeded=1),
        changed(succeeded="yes"),
        changed(traceback=["a"]),
        changed(truncated=None),
        changed(value=None),
        changed(value={"kind": "json"}),
        changed(value={"kind": "json", "data": None}),
        changed(value={"kind": "json", "data": [1]}),
        changed(value={"kind": "json", "data": float("nan")}),
        changed(value={"kind": "json", "data": float("inf")}),
        changed(value={"kind": "text", "data": 5}),
        changed(value={"kind": "html", "data": "<script>"}),
        changed(value={"kind": ["json"], "data": "x"}),
        changed(value={"kind": "image", "data": "not base64!"}),
        changed(value={"kind": "image", "data": "aGk="}),
        changed(value={"kind": "image", "data": "aGk=", "image_format": "../x"}),
        changed(value={"kind": "image", "data": "é", "image_format": "png"}),
    ],
    ids=lambda body: repr(body[:50]),
)
async def test_a_reply_of_another_shape_ends_the_session(
    kernel: Kernel, worker: FakeWorker, body: bytes
) -> None:
    worker.control.setblocking(False)
    sending = asyncio.ensure_future(
        asyncio.get_running_loop().sock_sendall(worker.control, struct.pack(">I", len(body)) + body)
    )
    started = time.monotonic()
    reply = await kernel.execute("5", timeout=30, output_limit=100)
    assert (reply.status, reply.stderr) == ("aborted", "Execution aborted")
    assert reply.state_lost
    assert not kernel.alive
    assert worker.process.returncode == -signal.SIGKILL
    assert time.monotonic() - started < 10
    await sending


@pytest.mark.parametrize("size", [REPLY_LIMIT + 1, 2**32 - 1])
async def test_a_reply_over_the_limit_is_not_read(
    kernel: Kernel, worker: FakeWorker, size: int
) -> None:
    worker.answer(b"x", size=size)
    reply = await kernel.execute("5", timeout=30, output_limit=100)
    assert (reply.status, reply.state_lost) == ("aborted", True)


async def test_a_reply_that_stops_half_way_ends_at_the_time_limit(
    kernel: Kernel, worker: FakeWorker
) -> None:
    worker.answer(changed()[:10], size=len(changed()))
    reply = await kernel.execute("5", timeout=0.2, output_limit=100)
    assert (reply.status, reply.state_lost) == ("timed_out", True)


async def test_a_socket_that_was_closed_ends_the_session(
    kernel: Kernel, worker: FakeWorker
) -> None:
    worker.control.shutdown(socket.SHUT_RDWR)
    reply = await kernel.execute("5", timeout=30, output_limit=100)
    assert (reply.status, reply.state_lost) == ("aborted", True)


async def test_a_worker_that_does_not_read_cannot_hold_up_a_large_request(
    kernel: Kernel, worker: FakeWorker
) -> None:
    reply = await kernel.execute("#" * (8 << 20), timeout=0.2, output_limit=100)
    assert (reply.status, reply.state_lost) == ("timed_out", True)


async def test_a_reply_kept_from_before_is_not_an_answer_to_the_next_execution(
    kernel: Kernel, worker: FakeWorker
) -> None:
    worker.answer(changed())
    worker.answer(changed())
    await kernel.execute("5", timeout=5, output_limit=100)
    reply = await kernel.execute("6", timeout=5, output_limit=100)
    assert (reply.status, reply.state_lost) == ("aborted", True)


async def test_a_reply_that_was_sent_before_the_worker_died_counts(
    kernel: Kernel, worker: FakeWorker
) -> None:
    execution = asyncio.ensure_future(kernel.execute("5", timeout=60, output_limit=100))
    await asyncio.sleep(0)
    worker.answer(changed())
    worker.process.kill()
    worker.process.wait()
    reply = await execution
    assert (reply.status, reply.value.data, reply.state_lost) == ("succeeded", 5, True)


async def test_a_worker_that_dies_in_the_middle_of_its_reply_is_noticed(
    kernel: Kernel, worker: FakeWorker
) -> None:
    execution = asyncio.ensure_future(kernel.execute("5", timeout=60, output_limit=100))
    await asyncio.sleep(0)
    worker.answer(changed()[:10], size=len(changed()))
    worker.process.kill()
    # Somebody else in the session has the other end of the socket still open.
    reply = await execution
    assert (reply.status, reply.stderr, reply.state_lost) == ("aborted", "Execution aborted", True)


async def test_a_worker_that_dies_after_its_reply_is_noticed_at_the_next_execution(
    kernel: Kernel, worker: FakeWorker
) -> None:
    worker.answer(changed())
    reply = await kernel.execute("5", timeout=60, output_limit=100)
    assert (reply.status, reply.state_lost) == ("succeeded", False)
    worker.process.kill()
    await reap(worker.process)
    assert not kernel.alive
    reply = await kernel.execute("6", timeout=60, output_limit=100)
    assert (reply.status, reply.stderr, reply.state_lost) == ("aborted", "Execution aborted", True)


async def test_a_worker_that_hangs_after_its_reply_ends_at_the_next_time_limit(
    kernel: Kernel, worker: FakeWorker
) -> None:
    worker.answer(changed())
    await kernel.execute("5", timeout=60, output_limit=100)
    worker.process.send_signal(signal.SIGSTOP)
    reply = await kernel.execute("6", timeout=0.2, output_limit=100)
    assert (reply.status, reply.state_lost) == ("timed_out", True)
    assert worker.kills > 0


async def test_descriptors_that_come_with_a_reply_are_not_kept(
    kernel: Kernel, worker: FakeWorker
) -> None:
    leftovers = Leftovers()
    body = changed()
    socket.send_fds(worker.control, [struct.pack(">I", len(body)) + body], [0] * 250)
    reply = await kernel.execute("5", timeout=5, output_limit=100)
    assert reply.status == "succeeded"
    assert await leftovers.are_none()


async def test_a_dead_worker_is_noticed_at_once(kernel: Kernel, worker: FakeWorker) -> None:
    execution = asyncio.ensure_future(kernel.execute("5", timeout=60, output_limit=100))
    await asyncio.sleep(0)
    os.write(worker.stdout, b"partial")
    worker.process.kill()
    reply = await execution
    assert (reply.status, reply.stdout, reply.stderr) == ("aborted", "partial", "Execution aborted")
    assert reply.duration < 5


async def test_lone_surrogates_in_a_reply_are_spelled_out(
    kernel: Kernel, worker: FakeWorker
) -> None:
    worker.answer(
        changed(value={"kind": "text", "data": "\ud800"}, traceback="\udfff", succeeded=False)
    )
    reply = await kernel.execute("5", timeout=5, output_limit=100)
    assert (reply.value.data, reply.stderr) == ("\\ud800", "\\udfff")


@pytest.fixture
def flood(worker: FakeWorker) -> Generator[None]:
    """A process that writes to the session's stdout and never stops."""
    endless = "import sys\nwhile True: sys.stdout.write('y' * 65536)"
    command = [sys.executable, "-c", endless]
    with subprocess.Popen(command, stdout=worker.stdout) as process:  # noqa: S603
        yield
        process.kill()


@pytest.mark.usefixtures("flood")
async def test_output_without_end_does_not_keep_a_reply_from_being_given(
    kernel: Kernel, worker: FakeWorker
) -> None:
    worker.answer(changed())
    reply = await kernel.execute("5", timeout=30, output_limit=100)
    assert reply.status == "succeeded"
    assert len(reply.stdout) <= 100


GREETING = """
import array, json, os, socket, struct, sys, time
control = socket.socket(fileno=json.loads(sys.argv[1])["control"])
def greet(body, descriptors=3, size=None):
    head = struct.pack(">I", len(body) if size is None else size)
    control.sendmsg([head + body], [(1, 1, array.array("i", [0] * descriptors))])
"""


@pytest.mark.parametrize(
    "code",
    [
        "raise SystemExit('it fell')",
        "control.close(); time.sleep(60)",
        "control.shutdown(socket.SHUT_WR); time.sleep(60)",
        "greet(b'{}', 2)",
        "greet(b'{}', 0)",
        "greet(b'{}', size=60); time.sleep(60)",
        "greet(b'nonsense')",
        "greet(b'[]')",
        "greet(b'{' + b' ' * 70000 + b'}'); time.sleep(60)",
        "control.sendall(b'x'); time.sleep(60)",
        "time.sleep(60)",
    ],
)
async def test_a_worker_that_never_becomes_ready_is_given_up_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr(start, "START_SECONDS", 2)
    leftovers = Leftovers()
    command = Command(
        arguments=[sys.executable, "-c", f"{GREETING}\n{code}"], configuration={}, environment={}
    )
    with pytest.raises(KernelStartError):
        await start_process(command, watched=0)
    assert await leftovers.are_none()
