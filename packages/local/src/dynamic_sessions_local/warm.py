"""Kernels that are ready before anybody asks."""

import asyncio
import contextlib
import os
from collections import deque

from dynamic_sessions_local.errors import LocalPoolError
from dynamic_sessions_local.kernel import Kernel
from dynamic_sessions_local.launchers import Launcher


class WarmKernels:
    """A stock of unused kernels, filled up again in the background.

    Args:
        launcher: Starts kernels.
        size: How many to keep ready; 0 starts each one on demand.
    """

    def __init__(self, launcher: Launcher, size: int) -> None:
        self._launcher = launcher
        self._size = size
        self._ready: deque[Kernel] = deque()
        self._wanted = asyncio.Event()
        self._wanted.set()
        # A start is all processor time: more at once than there are processors would only
        # make the first one come later.
        self._starting = asyncio.Semaphore(os.cpu_count() or 1)

    async def take(self) -> Kernel:
        """A kernel in which nothing has run, from the stock or else started now.

        Raises:
            LocalPoolError: No kernel could be started.
        """
        self._wanted.set()
        while self._ready:
            kernel = self._ready.popleft()
            if kernel.alive:
                return kernel
            await kernel.close()
        return await self._launch()

    async def refill(self) -> None:
        """Keep the stock full; runs until it is cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            # A failure is reported by the next `take`, which also makes this try again.
            with contextlib.suppress(LocalPoolError, OSError):
                while len(self._ready) < self._size:
                    self._ready.append(await self._launch())

    async def close(self) -> None:
        """End every kernel of the stock."""
        while self._ready:
            await self._ready.popleft().close()

    async def _launch(self) -> Kernel:
        async with self._starting:
            return await self._launcher.launch()
