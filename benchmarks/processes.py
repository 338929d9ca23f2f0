"""Processes below a process, as /proc tells of them: memory, processor time, death."""

import contextlib
import os
import re
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from benchmarks.clock import wait_until

_PROC = Path("/proc")
_QUIET_SECONDS = 0.1
_PATIENCE_SECONDS = 60.0
_REST_BYTES = 1 << 20
_REST_LOOKS = 50


@dataclass(frozen=True)
class _Process:
    parent: int
    ticks: int
    dead: bool


def below(ancestor: int) -> frozenset[int]:
    """Every process that descends from one, itself left out."""
    return frozenset(_tree(ancestor)) - {ancestor}


def proportional_set_size(processes: Collection[int]) -> int:
    """Memory of some processes together in bytes; what they share with others is divided."""
    return sum(map(_proportional_set_size, processes))


def processor_share(ancestor: int, *, seconds: float) -> float:
    """How much of one processor a process and those below it use, looking on for some seconds."""
    begun, before = time.monotonic(), _ticks(_tree(ancestor))
    time.sleep(seconds)
    ticks = _ticks(_tree(ancestor)) - before
    return ticks / os.sysconf("SC_CLK_TCK") / (time.monotonic() - begun)


def available_memory_at_rest() -> int:
    """`available_memory` once what ended has been cleared away."""
    before, now = -_REST_BYTES, available_memory()
    looks = 0
    while abs(now - before) > _REST_BYTES and looks < _REST_LOOKS:
        time.sleep(_QUIET_SECONDS)
        before, now = now, available_memory()
        looks += 1
    return now


def available_memory() -> int:
    """Bytes that this machine could still give."""
    found = re.search(r"^MemAvailable:\s+(\d+) kB$", (_PROC / "meminfo").read_text(), re.MULTILINE)
    if found is None:
        raise RuntimeError("/proc/meminfo has no MemAvailable")
    return int(found[1]) << 10


def watch_peak(process: int) -> int:
    """Forget the most memory that a process ever had, and return what it has now, in bytes."""
    (_PROC / str(process) / "clear_refs").write_text("5")
    return peak(process)


def peak(process: int) -> int:
    """Return the most memory that a process had since `watch_peak`, in bytes."""
    text = (_PROC / str(process) / "status").read_text()
    (size,) = re.findall(r"^VmHWM:\s+(\d+) kB$", text, re.MULTILINE)
    return int(size) << 10


def wait_until_idle(ancestor: int) -> None:
    """Return once no process below one comes, goes or has anything to do.

    Raises:
        TimeoutError: They are busy for a minute already.
    """
    before = _tree(ancestor)

    def idle() -> bool:
        nonlocal before
        now = _tree(ancestor)
        # One tick of the clock may be a server's housekeeping.
        quiet = now.keys() == before.keys() and _ticks(now) - _ticks(before) <= 1
        before = now
        return quiet

    wait_until(idle, seconds=_PATIENCE_SECONDS, interval=_QUIET_SECONDS)


def wait_until_gone(processes: Collection[int]) -> None:
    """Return once none of some processes lives any more.

    Raises:
        TimeoutError: One still does after a minute.
    """
    wait_until(lambda: not any(map(_alive, processes)), seconds=_PATIENCE_SECONDS, interval=0.0005)


def _alive(process: int) -> bool:
    found = _read(process)
    return found is not None and not found.dead


def _tree(ancestor: int) -> dict[int, _Process]:
    everything: dict[int, _Process] = {}
    for folder in _PROC.iterdir():
        if folder.name.isdecimal() and (found := _read(int(folder.name))) is not None:
            everything[int(folder.name)] = found
    tree = {ancestor}
    grown = True
    while grown:
        children = {each for each, found in everything.items() if found.parent in tree}
        grown = not children <= tree
        tree |= children
    return {each: everything[each] for each in tree if each in everything}


def _ticks(tree: dict[int, _Process]) -> int:
    return sum(process.ticks for process in tree.values())


def _read(process: int) -> _Process | None:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        # Behind the program's name, which may have blanks and brackets of its own.
        fields = (_PROC / str(process) / "stat").read_text().rpartition(")")[2].split()
        return _Process(
            parent=int(fields[1]), ticks=int(fields[11]) + int(fields[12]), dead=fields[0] in "ZX"
        )
    return None


def _proportional_set_size(process: int) -> int:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        text = (_PROC / str(process) / "smaps_rollup").read_text()
        return sum(int(size) << 10 for size in re.findall(r"^Pss:\s+(\d+) kB$", text, re.MULTILINE))
    return 0
