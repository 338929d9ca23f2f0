"""The real server under everything at once: it keeps its promises, and leaves nothing behind."""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from dynamic_sessions_local.thread import STOP_SECONDS
from dynamic_sessions_local.warm import DEMAND_SECONDS

from .conftest import Soak
from .ending import end_in_flight
from .held import COOLDOWN
from .mixture import Mixture
from .processes import Figures
from .report import Report
from .service import Service, Tally
from .serving import Server

MIB = 1 << 20
LAUNCHERS = {
    "fork": ["--launcher", "fork"],
    # Otherwise each session would import for most of its life.
    "spawn": ["--launcher", "spawn", "--preload", ""],
}
# Allocators keep what a burst took: 4 to 14 MiB in the first minute, and no more in 35,000 executions.
MEMORY_SLACK = 24 * MIB
# Nothing can be told from a shorter silence: kernels are kept ready for so long.
SILENCE_SECONDS = DEMAND_SECONDS + 2
QUIET_WITHIN_SECONDS = 90
SAMPLES = 20
# One that waits, the pool's, and those of asyncio that do what blocks.
MOST_THREADS = 2 + min(32, (os.cpu_count() or 1) + 4)
# An upload or a download cannot be answered any more, but its connection can be closed.
MAY_BE_BROKEN_OFF = {"uploading", "downloading", "idle"}


@pytest.mark.slow
@pytest.mark.parametrize("launcher", list(LAUNCHERS))
async def test_a_server_keeps_its_promises_and_leaves_nothing_behind(
    launcher: str, soak: Soak, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = Report(f"soak with {launcher}, --soak-seed {soak.seed}", Tally())
    arguments = ["--port", "0", "--max-warm", "4", *LAUNCHERS[launcher]]
    limits = ["--cooldown", str(COOLDOWN), "--max-sessions", "300"]
    try:
        async with Server(tmp_path, *arguments, *limits) as server:
            before = await warm_up(server, soak, report)
            await go_on(server, soak, report)
            await see_that_nothing_is_left(server, before, report)
            await end(server, report)
    finally:
        with capsys.disabled():
            sys.stdout.write(f"\n{report}\n")


async def warm_up(server: Server, soak: Soak, report: Report) -> Figures:
    """Do everything once, so that what is made only once has been made; what is held then."""
    seed = f"{soak.seed} at first"
    async with Mixture(server.address, server.process, server.supervisor, seed, Tally()) as mixture:
        await mixture.do_everything_once()
        await mixture.delete_everything()
    figures = server.figures()
    since = time.monotonic()
    deadline = since + QUIET_WITHIN_SECONDS
    while time.monotonic() - since < SILENCE_SECONDS:
        assert time.monotonic() < deadline, figures
        await asyncio.sleep(0.2)
        last, figures = figures, server.figures()
        if figures.countable != last.countable:
            since = time.monotonic()
    report.figures["before"] = figures
    return figures


async def go_on(server: Server, soak: Soak, report: Report) -> None:
    """What it is all about."""
    began = time.monotonic()
    mixture = Mixture(
        server.address, server.process, server.supervisor, f"{soak.seed}", report.tally
    )
    async with mixture, sampled(server, soak, report):
        await mixture.go_on(soak.seconds)
        await mixture.delete_everything()
    report.seconds = time.monotonic() - began


@contextlib.asynccontextmanager
async def sampled(server: Server, soak: Soak, report: Report) -> AsyncGenerator[None]:
    """Look at the server's memory meanwhile."""

    async def sample() -> None:
        while True:
            report.memory.append(server.figures().memory)
            await asyncio.sleep(soak.seconds / SAMPLES)

    sampling = asyncio.create_task(sample())
    try:
        yield
    finally:
        sampling.cancel()


async def see_that_nothing_is_left(server: Server, before: Figures, report: Report) -> None:
    deadline = time.monotonic() + QUIET_WITHIN_SECONDS
    while (after := server.figures()).countable != before.countable:
        if time.monotonic() > deadline:
            break
        await asyncio.sleep(0.2)
    report.figures["after"] = after
    assert after.countable == before.countable
    assert after.threads <= MOST_THREADS
    assert after.memory - before.memory <= MEMORY_SLACK
    assert after.memory_below - before.memory_below <= MEMORY_SLACK
    assert list(server.temporary.iterdir()) == []


async def end(server: Server, report: Report) -> None:
    async def terminate() -> None:
        began = time.monotonic()
        server.terminate()
        # The program's threads end after its pool, and a busy machine takes its time over both.
        await server.ended(3 * STOP_SECONDS)
        report.ending_seconds = time.monotonic() - began

    service = Service(server.address, Tally())
    try:
        report.endings = await end_in_flight(service, terminate)
    finally:
        await service.aclose()
    assert await server.exit_code() == 0
    for ending in report.endings:
        kind, _, outcome = ending.partition(": ")
        expected = ("answered", "refused")
        if kind in MAY_BE_BROKEN_OFF:
            expected += ("cut off", "closed")
        assert outcome.startswith(expected), ending
    assert list(server.temporary.iterdir()) == []
    assert "Traceback" not in server.log, server.log
    assert "Warning" not in server.log, server.log
