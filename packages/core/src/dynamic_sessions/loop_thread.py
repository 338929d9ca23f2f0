"""An event loop in a thread of its own, for synchronous callers."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from threading import Lock, Thread
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """Runs coroutines from any thread, in one background thread that starts when needed.

    The thread is a daemon that nothing waits for: a program that ends without closing its pool
    ends at once. (anyio's blocking portal waits for its loop when it is collected at exit, where
    that loop no longer runs.)
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._process_id = os.getpid()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: Thread | None = None

    def run(self, function: Callable[..., Coroutine[Any, Any, T]], *args: Any, **kwargs: Any) -> T:
        """Return what a coroutine function comes to, or raise what it raises."""
        future = asyncio.run_coroutine_threadsafe(function(*args, **kwargs), self._started())
        try:
            return future.result()
        except BaseException:
            # Ctrl-C in the waiting thread must stop the code in the session, too.
            future.cancel()
            raise

    def close(self) -> None:
        """End the thread, if it was ever started."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        # In its own thread: a thread in which another loop runs, as a notebook's, may run none.
        for shut_down in (loop.shutdown_asyncgens, loop.shutdown_default_executor):
            asyncio.run_coroutine_threadsafe(shut_down(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def _started(self) -> asyncio.AbstractEventLoop:
        if os.getpid() != self._process_id:
            raise RuntimeError(
                "This session pool was made before the process forked, and its thread is the "
                "parent's: make another pool in this process."
            )
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = Thread(
                    target=self._loop.run_forever, name="dynamic-sessions-client", daemon=True
                )
                self._thread.start()
            return self._loop
