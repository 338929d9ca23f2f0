"""What sessions cost while nobody uses them."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks import peers, processes
from benchmarks.clock import timed
from benchmarks.peers import BareKernel
from benchmarks.pool import PoolUnderTest, new_identifier
from benchmarks.programs import ADD
from benchmarks.report import (
    MEBIBYTES,
    MILLISECONDS,
    PERCENT,
    SECONDS,
    AtMost,
    Figure,
    Kind,
    Section,
)
from benchmarks.setting import Setting

IDLE_SESSIONS = 50
IDLE_TARGET = 10 << 20
LIVE_SESSIONS = 500
LIVE_TARGET = 4 << 30
# For the rest of the machine, which must not fall victim to a benchmark.
MEMORY_LEFT_ALONE = 2 << 30


@dataclass(frozen=True)
class _Usage:
    """Memory in bytes: what processes have in proportion, and what the machine still has."""

    proportional: int
    available: int


def idle_memory(setting: Setting) -> list[Section]:
    """Of a session that has run something and waits."""
    count = setting.many(IDLE_SESSIONS, 3)
    with setting.pool_without_stock() as pool:
        before = _usage_below(pool.process)
        count = len(open_sessions(pool, count))
        figures = _growth(
            f"pool, {count} sessions", "ours", before, _usage_below(pool.process), sessions=count
        )
    for kernels in (1, setting.many(5, 2)):
        figures += _memory_of_kernels(setting, kernels)
    return [
        Section(
            title="memory of an idle session",
            unit=MEBIBYTES,
            figures=figures,
            targets=[AtMost(IDLE_TARGET)],
        )
    ]


def live_sessions(setting: Setting) -> list[Section]:
    """Hundreds of sessions at a time, opened one after the other."""
    few = setting.many(10, 2)
    nothing = _usage_below(os.getpid())
    with setting.pool_without_stock() as pool:
        empty = _usage_below(pool.process)
        seconds = open_sessions(pool, setting.many(LIVE_SESSIONS, 10))
        count = len(seconds)
        each = _growth(
            f"pool, {count} sessions", "ours", empty, _usage_below(pool.process), sessions=count
        )
        together = _growth("pool and sessions", "ours", nothing, _usage_below(os.getpid()))
        share = processes.processor_share(pool.process, seconds=setting.many(6, 1))
    title = f"{count} live sessions"
    return [
        Section(
            title=f"{title}: memory of all",
            unit=MEBIBYTES,
            figures=together,
            targets=[AtMost(LIVE_TARGET)],
        ),
        Section(
            title=f"{title}: memory of one",
            unit=MEBIBYTES,
            figures=each,
            targets=[AtMost(IDLE_TARGET)],
        ),
        Section(
            title=f"{title}: processor time while all are idle",
            unit=PERCENT,
            figures=[_ours("pool and sessions", [share])],
        ),
        Section(
            title=f"{title}: time to open all",
            unit=SECONDS,
            figures=[_ours("pool", [sum(seconds)])],
        ),
        Section(
            title=f"{title}: new identifier to first result",
            unit=MILLISECONDS,
            figures=[
                _ours(f"pool, the last {few}", seconds[-few:]),
                _ours(f"pool, the first {few}", seconds[:few]),
            ],
        ),
    ]


def open_sessions(pool: PoolUnderTest, count: int) -> list[float]:
    """Open as many, or as many as there is memory for.

    Returns:
        The seconds from each new identifier to its first result.
    """
    taken: list[float] = []
    with pool.connect() as connection:
        while not taken or (len(taken) < count and _memory_to_spare()):
            request = pool.requests.execute(new_identifier(), ADD.code)
            taken.append(timed(partial(connection.send, request, part=ADD.ours)))
    pool.wait_until_idle()
    return taken


def _memory_to_spare() -> bool:
    return processes.available_memory() > MEMORY_LEFT_ALONE


def _memory_of_kernels(setting: Setting, count: int) -> list[Figure]:
    before = _usage_below(os.getpid())
    with peers.started(BareKernel, setting.runner, count=count):
        after = _usage_below(os.getpid())
    return _growth(f"ipykernel, {count} of them", "peer", before, after, sessions=count)


def _usage_below(process: int) -> _Usage:
    return _Usage(
        proportional=processes.proportional_set_size(processes.below(process)),
        available=processes.available_memory_at_rest(),
    )


def _growth(
    name: str, kind: Kind, before: _Usage, after: _Usage, *, sessions: int = 1
) -> list[Figure]:
    """What each session took, twice: the second figure has all else in it that the machine did."""
    taken = {
        "PSS": after.proportional - before.proportional,
        "fall of MemAvailable": before.available - after.available,
    }
    return [
        Figure(name=f"{name}, {what}", kind=kind, values=(size / sessions,))
        for what, size in taken.items()
    ]


def _ours(name: str, values: Sequence[float]) -> Figure:
    return Figure(name=name, kind="ours", values=tuple(values))
