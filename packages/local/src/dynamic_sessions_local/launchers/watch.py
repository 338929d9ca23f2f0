"""What a session may use in all and no limit of the kernel's counts: watched from outside.

Memory: the kernel limits the address space of each process, not what all of a session's processes hold
together. Sockets: their buffers are memory of the kernel's own. Entries of file systems: each costs memory that no size of the file system counts, and bubblewrap has no
way to mount one with a limit on them.
"""

import asyncio
import contextlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from dynamic_sessions_local.limits import MIB

# Nothing fills memory faster than this, so a session needs no second look before.
BYTES_PER_SECOND = 4 << 30
SHORTEST_SECONDS, LONGEST_SECONDS = 0.1, 1.0
ENTRIES_SECONDS = 0.5

_PID = re.compile(r"^Pid:\s+(\d+)", re.MULTILINE)
_SOCKETS = re.compile(r"^sockets: used (\d+)", re.MULTILINE)
_RESIDENT = re.compile(rb"^(?:VmRSS|VmSwap):\s+(\d+) kB", re.MULTILINE)
_PROPORTIONAL = re.compile(rb"^(?:Pss|SwapPss):\s+(\d+) kB", re.MULTILINE)


class Watch:
    """Looks at one session again and again, until it is stopped or has found an excess.

    Args:
        pidfds: Of processes whose descendants, with them, are all of the session's. The last one is
            in its network namespace.
        memory: Bytes that these may hold together, each in proportion to how many share it.
        sockets: How many there may be in their network namespace.
        folders: A descriptor on each file system whose entries are counted, owned by this object.
        entries: Files and folders that each of them may have.
    """

    def __init__(
        self,
        pidfds: Sequence[int],
        *,
        memory: int,
        sockets: int,
        folders: Sequence[int] = (),
        entries: int = 0,
    ) -> None:
        self._roots = [pid for pidfd in pidfds if (pid := _process(pidfd)) is not None]
        self._memory = memory
        self._sockets = sockets
        self._folders = tuple(folders)
        self._entries = entries
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._on_excess: Callable[[str], object] = lambda _: None

    def start(self, on_excess: Callable[[str], object]) -> None:
        """Begin; `on_excess` is called once, with what there was too much of in words."""
        self._on_excess = on_excess
        self._check_again(SHORTEST_SECONDS)

    def stop(self) -> None:
        """Look no more, and close the descriptors."""
        if self._timer is not None:
            self._timer.cancel()
        for folder in self._folders:
            os.close(folder)

    def memory(self) -> int:
        """Bytes that the processes hold now, what they share with others in proportion."""
        return memory_of(self._roots, enough=0)

    def _check_again(self, seconds: float) -> None:
        self._timer = self._loop.call_later(seconds, self._check)

    def _check(self) -> None:
        if any(_entries(folder) > self._entries for folder in self._folders):
            self._on_excess(f"more than {self._entries} files in one file system")
            return
        if any(_sockets(process) > self._sockets for process in self._roots[-1:]):
            self._on_excess(f"more than {self._sockets} sockets")
            return
        held = memory_of(self._roots, enough=self._memory)
        if held > self._memory:
            self._on_excess(f"more than {self._memory // MIB} MiB of memory in all its processes")
            return
        soonest = (self._memory - held) / BYTES_PER_SECOND
        longest = ENTRIES_SECONDS if self._folders else LONGEST_SECONDS
        self._check_again(min(max(soonest, SHORTEST_SECONDS), longest))


def memory_of(roots: Iterable[int], *, enough: int) -> int:
    """Return what processes and all their descendants hold, in bytes.

    What is resident counts for each process that shares it, unless that comes to more than
    `enough`: then it is worth the kernel's time to count it in proportion.
    """
    processes = list(_descendants(roots))
    resident = sum(_kibibytes(process, "status", _RESIDENT) for process in processes) << 10
    if resident <= enough:
        return resident
    return sum(_kibibytes(process, "smaps_rollup", _PROPORTIONAL) for process in processes) << 10


def _descendants(roots: Iterable[int]) -> Iterator[int]:
    left = list(roots)
    while left:
        process = left.pop()
        yield process
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{process}/task").iterdir():
                with contextlib.suppress(OSError):
                    left += map(int, (thread / "children").read_text().split())


def _kibibytes(process: int, file: str, pattern: "re.Pattern[bytes]") -> int:
    try:
        content = Path(f"/proc/{process}/{file}").read_bytes()
    except OSError:
        return 0  # it has ended meanwhile
    return sum(map(int, pattern.findall(content)))


def _sockets(process: int) -> int:
    """Return how many sockets there are in a process's network namespace."""
    try:
        found = _SOCKETS.search(Path(f"/proc/{process}/net/sockstat").read_text())
    except OSError:
        return 0  # it has ended meanwhile
    return int(found[1]) if found else 0


def _process(pidfd: int) -> int | None:
    """Return the number of a pidfd's process, None for one that has ended."""
    found = _PID.search(Path(f"/proc/self/fdinfo/{pidfd}").read_text())
    return int(found[1]) if found and int(found[1]) > 0 else None


def _entries(folder: int) -> int:
    state = os.fstatvfs(folder)
    return state.f_files - state.f_ffree
