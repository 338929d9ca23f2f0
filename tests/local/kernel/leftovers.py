"""What a test leaves behind in this process and below it.

The pools of other tests live in this process too, and their kernels come and go at any time.
Therefore only what was not there before counts, by its identity and not by number, and only what
stays.
"""

import asyncio
import gc
import os
import threading
from pathlib import Path

PATIENCE = 20


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def descendants() -> set[str]:
    """Return the processes below this one that run, by number."""
    found: set[str] = set()
    left = children()
    while left:
        process = left.pop()
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
            left |= set(Path(f"/proc/{process}/task/{process}/children").read_text().split())
        except OSError:
            continue
        if state != "Z":
            found.add(process)
    return found


class Leftovers:
    """Remembers what there is, to tell later what has come since."""

    def __init__(self) -> None:
        self._before = _observe()

    async def are_none(self) -> bool:
        """Wait until nothing is left; fail with what stays."""
        try:
            async with asyncio.timeout(PATIENCE):
                while self._since():  # noqa: ASYNC110 - nobody sends an event
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"This is left: {self._since()}") from None
        return True

    def _since(self) -> list[str]:
        now = _observe()
        return [now[identity] for identity in now.keys() - self._before.keys()]


def _observe() -> dict[tuple[object, ...], str]:
    """Return what there is, by what identifies it."""
    # What other tests left to the collector is no leak.
    gc.collect()
    found: dict[tuple[object, ...], str] = {}
    for number in children() | descendants():
        found["process", number] = f"process {number}"
    for thread in threading.enumerate():
        # An event loop keeps the threads of its executor.
        if not thread.name.startswith("asyncio_"):
            found["thread", thread.ident] = f"thread {thread.name}"
    for entry in Path("/proc/self/fd").iterdir():
        try:
            status, target = entry.stat(), entry.readlink()
        except OSError:
            continue  # the one that lists the folder
        identity = ("descriptor", entry.name, status.st_dev, status.st_ino)
        found[identity] = f"descriptor {entry.name} of {target}"
    return found
