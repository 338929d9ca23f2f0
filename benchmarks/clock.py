"""Taking times, of several contenders in turn."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from benchmarks.report import Figure, Kind

PAUSE_SECONDS = 0.1

Measure = Callable[[int], Sequence[float]]
"""Does something so many times and returns a value for each: seconds, unless it says otherwise."""


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One of several that do the same thing, each in its own way.

    Attributes:
        name: What the report calls it.
        kind: Whether it is ours, a peer's or a limit of this machine.
        measure: Does the thing.
        batch: How often it does so before the next one's turn.
        note: What a reader of its figure must know.
    """

    name: str
    kind: Kind
    measure: Measure
    batch: int = 1
    note: str = ""


def interleave(contenders: Sequence[Contender], *, rounds: int) -> list[Figure]:
    """Let each take its turn, round after round, so that whatever else the machine does hits all.

    One turn of each comes first and does not count.
    """
    values: list[list[float]] = [[] for _ in contenders]
    for contender in contenders:
        contender.measure(1)
    for _ in range(rounds):
        for contender, measured in zip(contenders, values, strict=True):
            measured.extend(contender.measure(contender.batch))
    return [
        Figure(name=each.name, kind=each.kind, values=tuple(measured), note=each.note)
        for each, measured in zip(contenders, values, strict=True)
    ]


def our(name: str, measure: Measure, *, batch: int = 1, note: str = "") -> Contender:
    """A contender that is ours."""
    return Contender(name=name, kind="ours", measure=measure, batch=batch, note=note)


def peer(name: str, measure: Measure, *, batch: int = 1, note: str = "") -> Contender:
    """A contender that ours are compared with."""
    return Contender(name=name, kind="peer", measure=measure, batch=batch, note=note)


def limit(name: str, measure: Measure, *, batch: int = 1, note: str = "") -> Contender:
    """A contender that is a limit of this machine."""
    return Contender(name=name, kind="limit", measure=measure, batch=batch, note=note)


def repeated(call: Callable[[], object]) -> Measure:
    """Measure a call."""

    def measure(count: int) -> list[float]:
        return [timed(call) for _ in range(count)]

    return measure


def after_pause(measure: Measure) -> Measure:
    """Measure each time after a pause in which caches go cold and processors go to sleep."""

    def measured(count: int) -> list[float]:
        values: list[float] = []
        for _ in range(count):
            time.sleep(PAUSE_SECONDS)
            values.extend(measure(1))
        return values

    return measured


def timed(call: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


async def timed_async(call: Callable[[], Awaitable[object]]) -> float:
    """Return the seconds that an asynchronous call takes, apart from those of its event loop."""
    begun = time.perf_counter()
    await call()
    return time.perf_counter() - begun


def wait_until(condition: Callable[[], bool], *, seconds: float, interval: float = 0.005) -> None:
    """Look again and again until something holds.

    Raises:
        TimeoutError: It did not in so many seconds.
    """
    ends_at = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends_at:
            raise TimeoutError(f"not within {seconds:g} seconds")
        time.sleep(interval)
