"""Where the pool's time comes from, so that a test can bring its own."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """What idle time and demand are measured by."""

    def now(self) -> float:
        """Seconds, from any fixed moment."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return when `now()` has gone on by so much."""
        ...


class MonotonicClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Seconds since some moment before the process began."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Sleep in real time."""
        await asyncio.sleep(seconds)
