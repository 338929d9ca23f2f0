"""An event loop that does not wait: where it would, its clock jumps to the next timer."""

import asyncio
import selectors
from collections.abc import Callable, Generator
from contextlib import contextmanager


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Runs hours of timers in seconds, in the same order as if it had waited.

    Its clock stands still until it is told to jump, so that what happens in threads, which take
    their real time, is over by then.
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._waits = _Waits()
        super().__init__(self._waits)

    def time(self) -> float:
        """Seconds that have passed for everything in this loop."""
        return self._now

    @contextmanager
    def jumping(self) -> Generator[None]:
        """Jump over all waits for the length of a with-block, in which no thread is waited for."""
        self._waits.jump = self._jump
        try:
            yield
        finally:
            self._waits.jump = None

    def _jump(self, seconds: float) -> None:
        self._now += seconds


class _Waits(selectors.PollSelector):
    """Where an event loop waits."""

    def __init__(self) -> None:
        super().__init__()
        self.jump: Callable[[float], None] | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.jump is None:
            return super().select(timeout)
        if timeout is None:
            raise RuntimeError("The simulation waits for something that no timer brings about.")
        ready = super().select(0)
        if not ready:
            self.jump(timeout)
        return ready
