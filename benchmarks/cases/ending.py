"""How long it takes until a session is dead, whatever its code is doing."""

import asyncio
import os
from collections.abc import Coroutine
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import processes
from benchmarks.clock import Measure, interleave, our, peer, timed, wait_until
from benchmarks.peers import BareKernel, JupyterExecutor, PeerClass, start_and_execute
from benchmarks.pool import PoolUnderTest, new_identifier
from benchmarks.programs import ADD, Program
from benchmarks.report import MILLISECONDS, Section
from benchmarks.setting import Setting

PATIENCE_SECONDS = 30.0
MARKER = "started"


def ending(setting: Setting) -> list[Section]:
    """From asking for the end of a session that runs for ever to the end of its last process."""
    runner = setting.runner
    # nbclient has tasks of its own that fail when their kernel goes.
    runner.get_loop().set_exception_handler(lambda _loop, _context: None)
    with setting.pool_without_stock() as pool:
        figures = interleave(
            [
                our("pool, DELETE /session", _endings(pool), batch=2),
                peer(JupyterExecutor.name, _endings_of_peer(JupyterExecutor, runner)),
                peer(BareKernel.name, _endings_of_peer(BareKernel, runner), note="killed"),
            ],
            rounds=setting.many(5, 1),
        )
    runner.get_loop().set_exception_handler(None)
    title = "end of a session that runs `while True: pass`"
    return [Section(title=title, unit=MILLISECONDS, figures=figures)]


def _endings(pool: PoolUnderTest) -> Measure:
    def once() -> float:
        identifier = new_identifier()
        others = processes.below(pool.process)
        with pool.connect() as busy, pool.connect() as free:
            busy.send(pool.requests.execute(identifier, ADD.code), part=ADD.ours)
            session = processes.below(pool.process) - others
            busy.begin(pool.requests.execute(identifier, _endless(MARKER)))
            listing = pool.requests.list_files(identifier)
            wait_until(lambda: MARKER.encode() in free.send(listing), seconds=PATIENCE_SECONDS)

            def end() -> None:
                free.send(pool.requests.delete_session(identifier))
                processes.wait_until_gone(session)

            return timed(end)

    return lambda count: [once() for _ in range(count)]


def _endings_of_peer(peer_class: PeerClass, runner: asyncio.Runner) -> Measure:
    def once() -> float:
        others = processes.below(os.getpid())
        with TemporaryDirectory() as folder:
            marker = Path(folder) / MARKER
            running = peer_class(Path(folder))
            runner.run(start_and_execute(running))
            session = processes.below(os.getpid()) - others
            endless = Program(code=_endless(str(marker)), ours=b"", theirs="")
            work = runner.run(_begun(running.execute(endless), marker))

            def end() -> None:
                runner.run(running.stop())
                processes.wait_until_gone(session)

            seconds = timed(end)
            runner.run(_forget(work))
        return seconds

    return lambda count: [once() for _ in range(count)]


def _endless(marker: str) -> str:
    """Code that leaves a file where it can be seen that it runs, and then never ends."""
    return f"open({marker!r}, 'w').close()\nwhile True: pass"


async def _begun(work: Coroutine[None, None, None], marker: Path) -> "asyncio.Task[None]":
    task = asyncio.create_task(work)
    await asyncio.to_thread(wait_until, marker.exists, seconds=PATIENCE_SECONDS)
    return task


async def _forget(task: "asyncio.Task[None]") -> None:
    """Let go of what waits for an answer that never comes, or was told so already."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()
