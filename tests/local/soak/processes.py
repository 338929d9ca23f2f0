"""What /proc says about a server and about the processes below it."""

import contextlib
import os
import select
import signal
from collections import defaultdict
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
# Not what is mapped from files: other programs on the machine have their share in that, or not.
_OWN_MEMORY = ("Pss_Anon:", "Pss_Shmem:")

# Ended, or in a sandbox that this user may not look into.
_UNSEEN = (FileNotFoundError, ProcessLookupError, PermissionError)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What a server and the processes below it hold; memory in bytes, shared pages in shares."""

    descriptors: int
    descriptors_below: int
    threads: int
    processes: int
    mounts: int
    mounts_below: int
    memory: int
    memory_below: int

    @property
    def countable(self) -> tuple[int, ...]:
        """What must be exactly as before once nothing goes on any more."""
        return (
            self.descriptors,
            self.descriptors_below,
            self.processes,
            self.mounts,
            self.mounts_below,
        )


def look_at(server: int, supervisor: int) -> Figures:
    """Take the figures; what ended meanwhile counts as far as it was seen."""
    below = [process for process in descendants(supervisor) if process != server]
    return Figures(
        descriptors=_descriptors(server),
        descriptors_below=sum(map(_descriptors, below)),
        threads=_entries(PROC / f"{server}/task"),
        processes=len(below),
        mounts=_mounts(server),
        mounts_below=sum(map(_mounts, below)),
        memory=_memory(server),
        memory_below=sum(map(_memory, below)),
    )


def descendants(process: int) -> list[int]:
    """All processes below one, dead ones that nobody has waited for included."""
    families: defaultdict[int, list[int]] = defaultdict(list)
    for number, parent in _parents():
        families[parent].append(number)
    found: list[int] = []
    to_visit = [process]
    while to_visit:
        nearest = families[to_visit.pop()]
        found += nearest
        to_visit += nearest
    return found


def name_of(process: int) -> str:
    """The name that a process goes by, up to 15 characters; "" for one that has ended."""
    with contextlib.suppress(*_UNSEEN):
        return (PROC / f"{process}/comm").read_text().strip()
    return ""


def affected_by(victim: int) -> set[int]:
    """What may well die with a process: all below it and, if it is the first one of a process
    namespace, all in there and below that.
    """
    struck = {victim}
    if _is_first_in_namespace(victim):
        mine = _namespace(victim)
        struck |= {number for number, _ in _parents() if _namespace(number) == mine}
    return struck.union(*map(descendants, struck))


def is_alive(process: int) -> bool:
    """Whether there is such a process, were it one that nobody has buried yet."""
    return bool(_fields(process))


@contextlib.contextmanager
def held(process: int, *, below: int) -> Generator[int | None]:
    """A pidfd of a process, if it descends from another one; otherwise None."""
    try:
        pidfd = os.pidfd_open(process)
    except ProcessLookupError:
        yield None
        return
    try:
        # Only now can the number not be given to another process any more.
        yield pidfd if process in descendants(below) else None
    finally:
        os.close(pidfd)


def kill(pidfd: int) -> None:
    """Kill a process, which may have ended already."""
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)


def has_ended(pidfd: int) -> bool:
    """Whether every thread of a process is dead."""
    death = select.poll()
    death.register(pidfd, select.POLLIN)
    return bool(death.poll(0))


def _parents() -> Iterator[tuple[int, int]]:
    for name in os.listdir(PROC):  # noqa: PTH208 - thousands of times an hour
        if name.isdecimal():
            fields = _fields(int(name))
            if fields:
                yield int(name), int(fields[1])


def _fields(process: int) -> list[str]:
    """State, parent and so on: what follows the name, which may itself contain anything."""
    with contextlib.suppress(*_UNSEEN):
        return (PROC / f"{process}/stat").read_text().rpartition(")")[2].split()
    return []


def _namespace(process: int) -> str:
    with contextlib.suppress(*_UNSEEN):
        return str((PROC / f"{process}/ns/pid").readlink())
    return ""


def _is_first_in_namespace(process: int) -> bool:
    with contextlib.suppress(*_UNSEEN):
        for line in (PROC / f"{process}/status").read_text().splitlines():
            if line.startswith("NSpid:"):
                return line.split()[-1] == "1"
    return False


def _descriptors(process: int) -> int:
    return _entries(PROC / f"{process}/fd")


def _entries(folder: Path) -> int:
    with contextlib.suppress(*_UNSEEN):
        return len(os.listdir(folder))  # noqa: PTH208 - see above
    return 0


def _mounts(process: int) -> int:
    with contextlib.suppress(OSError):  # the dead and unburied have none
        return (PROC / f"{process}/mountinfo").read_text().count("\n")
    return 0


def _memory(process: int) -> int:
    with contextlib.suppress(*_UNSEEN):
        lines = (PROC / f"{process}/smaps_rollup").read_text().splitlines()
        return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith(_OWN_MEMORY))
    return 0
