"""Kernels that are ready before anybody asks, as many as are being asked for."""

import asyncio
import contextlib
import logging
import os
from collections import deque

from dynamic_sessions_local.clock import Clock
from dynamic_sessions_local.errors import PoolClosedError
from dynamic_sessions_local.kernel import Kernel
from dynamic_sessions_local.launchers import Launcher

DEMAND_SECONDS = 10.0

_logger = logging.getLogger(__name__)


class WarmKernels:
    """A stock of unused kernels that follows demand.

    In the background it is kept at as many kernels as were taken within the last
    `DEMAND_SECONDS`, but at `least` at least and at `most` at most; what is over that, once
    demand has fallen, is closed. Who finds it empty gets the next kernel that comes up, whoever
    it was started for, and while anybody waits nothing is started for the stock.

    Args:
        launcher: Starts kernels.
        least: How many to keep ready when nobody asks; 0 starts the first ones on demand.
        most: How many to keep ready at most.
        clock: What demand is measured by.
    """

    def __init__(self, launcher: Launcher, *, least: int, most: int, clock: Clock) -> None:
        self._launcher = launcher
        self._least = least
        self._clock = clock
        # When kernels were taken. More than may be kept ready need not be remembered.
        self._taken: deque[float] = deque(maxlen=most)
        self._ready: deque[Kernel] = deque()
        self._waiting: deque[asyncio.Future[Kernel]] = deque()
        self._starting = 0
        # A start is all processor time: more at once than there are processors would only
        # make the first one come later.
        self._at_once = os.cpu_count() or 1
        self._failed = False
        self._stopped = False
        self._changed = asyncio.Event()
        self._changed.set()
        self._unwanted: deque[Kernel] = deque()
        self._has_unwanted = asyncio.Event()

    async def take(self) -> Kernel:
        """A kernel in which nothing has run, from the stock or else the next one to come up.

        Raises:
            LocalPoolError: No kernel could be started, or the pool is going down.
        """
        self._taken.append(self._clock.now())
        self._failed = False
        self._changed.set()
        self._sort_out_dead()
        if self._ready:
            return self._ready.popleft()
        if self._stopped:
            raise _going_down()
        waiting: asyncio.Future[Kernel] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            return await waiting
        except asyncio.CancelledError:
            if not waiting.cancelled() and waiting.exception() is None:
                # It came at the very moment at which the caller was told to go.
                await waiting.result().close()
            raise
        finally:
            with contextlib.suppress(ValueError):
                self._waiting.remove(waiting)

    async def refill(self) -> None:
        """Start and close kernels as demand has it; runs until it is cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._watch_demand())
                tasks.create_task(self._close_unwanted())
                while True:
                    await self._changed.wait()
                    self._changed.clear()
                    self._sort_out_dead()
                    self._sort_out_surplus()
                    for _ in range(self._missing()):
                        self._starting += 1
                        tasks.create_task(self._start())
        finally:
            self._stopped = True
            while (waiting := self._longest_waiting()) is not None:
                waiting.set_exception(_going_down())

    async def close(self) -> None:
        """End every kernel of the stock, after `refill` was cancelled."""
        kernels = [*self._ready, *self._unwanted]
        self._ready.clear()
        self._unwanted.clear()
        await asyncio.gather(*(kernel.close() for kernel in kernels))

    async def _watch_demand(self) -> None:
        while True:
            # One that died in the stock is found on this occasion, too.
            await self._clock.sleep(self._until_demand_falls())
            self._changed.set()

    async def _close_unwanted(self) -> None:
        while True:
            await self._has_unwanted.wait()
            self._has_unwanted.clear()
            while self._unwanted:
                # Still listed meanwhile, for `close` to find if this is cancelled.
                await self._unwanted[0].close()
                self._unwanted.popleft()

    async def _start(self) -> None:
        try:
            kernel = await self._launcher.launch()
        except Exception as error:  # noqa: BLE001 - whatever it is, the one who waits is told
            self._report(error)
        else:
            self._hand_out(kernel)
        finally:
            self._starting -= 1
            self._changed.set()

    def _hand_out(self, kernel: Kernel) -> None:
        waiting = self._longest_waiting()
        if waiting is None:
            self._ready.append(kernel)
        else:
            waiting.set_result(kernel)

    def _report(self, error: Exception) -> None:
        # Nothing is started for the stock again before somebody takes from it.
        self._failed = True
        waiting = self._longest_waiting()
        if waiting is None:
            _logger.warning("no kernel could be started in advance: %s", error)
        else:
            waiting.set_exception(error)

    def _longest_waiting(self) -> "asyncio.Future[Kernel] | None":
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                return waiting
        return None

    def _missing(self) -> int:
        """How many more kernels to start now."""
        if self._waiting:
            return min(len(self._waiting), self._at_once) - self._starting
        if self._failed or self._starting:
            # One at a time: whoever comes meanwhile finds a processor free.
            return 0
        return min(1, self._wanted() - len(self._ready))

    def _sort_out_dead(self) -> None:
        for _ in range(len(self._ready)):
            kernel = self._ready.popleft()
            if kernel.alive:
                self._ready.append(kernel)
            else:
                self._discard(kernel)

    def _sort_out_surplus(self) -> None:
        while len(self._ready) > self._wanted():
            self._discard(self._ready.popleft())

    def _discard(self, kernel: Kernel) -> None:
        self._unwanted.append(kernel)
        self._has_unwanted.set()

    def _wanted(self) -> int:
        self._forget_old_demand()
        return max(self._least, len(self._taken))

    def _until_demand_falls(self) -> float:
        self._forget_old_demand()
        if not self._taken:
            return DEMAND_SECONDS
        return self._taken[0] + DEMAND_SECONDS - self._clock.now()

    def _forget_old_demand(self) -> None:
        while self._taken and self._taken[0] + DEMAND_SECONDS <= self._clock.now():
            self._taken.popleft()


def _going_down() -> PoolClosedError:
    return PoolClosedError("the session pool is going down")
