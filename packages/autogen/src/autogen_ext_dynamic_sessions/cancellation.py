"""AutoGen's cancellation tokens and asyncio's tasks.

A token offers no way to take a callback back, and its callbacks run in whichever thread cancels
it. So each token gets one callback in the life of an executor, which holds the executor's tasks
weakly and asks their own event loop to cancel them.
"""

import asyncio
import threading
import weakref
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from autogen_core import CancellationToken

T = TypeVar("T")


class CancellableCalls:
    """Runs calls so that the token that came with each of them cancels it."""

    def __init__(self) -> None:
        self._running: WeakKeyDictionary[CancellationToken, _RunningTasks] = WeakKeyDictionary()

    async def run(self, call: Callable[[], Coroutine[Any, Any, T]], token: CancellationToken) -> T:
        """Await a call; when the token is cancelled, cancel it and wait until it has ended.

        Raises:
            asyncio.CancelledError: The token was cancelled, before or during the call.
        """
        if token.is_cancelled():
            raise asyncio.CancelledError("The cancellation token was cancelled before the call.")
        running = self._linked_to(token)
        task = asyncio.create_task(call())
        running.add(task)
        try:
            return await task
        finally:
            running.discard(task)

    def _linked_to(self, token: CancellationToken) -> "_RunningTasks":
        running = self._running.get(token)
        if running is None:
            running = self._running[token] = _RunningTasks()
            token.add_callback(_weak_cancel(running))
        return running


class _RunningTasks:
    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_cancelled = False
        self._lock = threading.Lock()

    def add(self, task: "asyncio.Task[Any]") -> None:
        with self._lock:
            self._tasks.add(task)
            is_cancelled = self._is_cancelled
        if is_cancelled:
            task.cancel()

    def discard(self, task: "asyncio.Task[Any]") -> None:
        with self._lock:
            self._tasks.discard(task)

    def cancel(self) -> None:
        with self._lock:
            self._is_cancelled = True
            tasks = list(self._tasks)
        for task in tasks:
            with suppress(RuntimeError):  # Its loop is closed, and the task ended with it.
                task.get_loop().call_soon_threadsafe(task.cancel)


def _weak_cancel(running: _RunningTasks) -> Callable[[], None]:
    reference = weakref.ref(running)

    def cancel() -> None:
        if (alive := reference()) is not None:
            alive.cancel()

    return cancel
