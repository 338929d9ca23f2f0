"""Work that outlives the call which began it, under asyncio and trio alike."""

import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from asyncio import Task


class BackgroundTask:
    """Runs one function, beside all calls, until it ends or is cancelled.

    Args:
        function: What to run. It must not raise.
    """

    def __init__(self, function: Callable[[], Coroutine[object, object, None]]) -> None:
        self._function = function
        self._scope = anyio.CancelScope()
        self._done = anyio.Event()
        self._task: Task[None] | None = None
        trio = sys.modules.get("trio")
        if trio is not None and trio.lowlevel.in_trio_task():
            trio.lowlevel.spawn_system_task(self._run)
        else:
            from asyncio import get_running_loop  # noqa: PLC0415 - under trio nobody needs it

            # The loop itself holds its tasks weakly.
            self._task = get_running_loop().create_task(self._run())

    async def wait(self) -> None:
        """Wait for the end; a waiter that is cancelled leaves the work alone."""
        await self._done.wait()

    async def cancel(self) -> None:
        """End the work and wait for that."""
        self._scope.cancel()
        with anyio.CancelScope(shield=True):
            await self._done.wait()

    async def _run(self) -> None:
        try:
            with self._scope:
                await self._function()
        finally:
            self._done.set()
