"""A clock, kernels and a launcher whose every move is a test's."""

import asyncio
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from dynamic_sessions_local.kernel import Kernel, KernelReply, Value
from dynamic_sessions_local.programs import Program, request_of

PATIENCE = 5


class SteeredClock:
    def __init__(self) -> None:
        self._now = 0.0
        self._moved = asyncio.Condition()

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        until = self._now + seconds
        async with self._moved:
            await self._moved.wait_for(lambda: self._now >= until)

    async def advance(self, seconds: float) -> None:
        async with self._moved:
            self._now += seconds
            self._moved.notify_all()


class SteeredKernel(Kernel):
    """Runs nothing; `begun` tells what it was given, and code ends when the test says so."""

    def __init__(self) -> None:  # pyright: ignore[reportMissingSuperCall] - there is no process
        self._folder = tempfile.TemporaryDirectory()
        self.path = Path(self._folder.name)
        self.data_directory = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        self.begun: asyncio.Queue[str] = asyncio.Queue()
        self.ended: list[str] = []
        self.closed = False
        self._alive = True
        self._end = asyncio.Event()

    @property
    def alive(self) -> bool:
        return self._alive

    def die(self) -> None:
        self._alive = False
        self._end.set()

    def finish(self) -> None:
        self._end.set()

    async def execute(
        self, program: Program | str, *, timeout: float, output_limit: int, html: bool = False
    ) -> KernelReply:
        code = program if isinstance(program, str) else str(request_of(program)["code"])
        self.begun.put_nowait(code)
        if code.startswith("wait"):
            self._end.clear()
            await self._end.wait()
        self.ended.append(code)
        return _reply("succeeded" if self._alive else "aborted", state_lost=not self._alive)

    async def kill(self) -> None:
        self.die()

    async def close(self) -> None:
        await self.kill()
        if not self.closed:
            self.closed = True
            os.close(self.data_directory)
            self._folder.cleanup()


class SteeredLauncher:
    """Starts come up while `open` is set and there is no `failure`."""

    name = "steered"
    isolation = "steered"

    def __init__(self) -> None:
        self.kernels: list[SteeredKernel] = []
        self.failure: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()
        self.attempts = 0
        self.starting = 0
        self.most_starting = 0

    def prepare(self, preload: Sequence[str]) -> None:
        pass

    async def launch(self) -> Kernel:
        self.attempts += 1
        self.starting += 1
        self.most_starting = max(self.starting, self.most_starting)
        try:
            await self.open.wait()
        finally:
            self.starting -= 1
        if self.failure is not None:
            raise self.failure
        kernel = SteeredKernel()
        self.kernels.append(kernel)
        return kernel

    async def close(self) -> None: ...


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - only lets others go on; no time passes
            await asyncio.sleep(0)


async def settle() -> None:
    """Let all that is under way go on as far as it can without this test."""
    for _ in range(100):
        await asyncio.sleep(0)


def _reply(status: str, *, state_lost: bool = False) -> KernelReply:
    return KernelReply(
        status="succeeded" if status == "succeeded" else "aborted",
        stdout="",
        stderr="",
        value=Value(kind="none", data=""),
        duration=0,
        state_lost=state_lost,
        truncated=False,
    )
