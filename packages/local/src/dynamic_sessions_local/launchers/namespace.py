"""Everything that runs in one session, held by the first process of its namespace."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable

from dynamic_sessions_local.launchers.start import exited
from dynamic_sessions_local.launchers.watch import Watch


class Namespace:
    """A session's process namespace: with its first process, everything dies.

    Args:
        first: A pidfd of that process, owned by this object.
        watch: What the session uses; an excess ends it.
        reap: Called after the death of everything, before `kill` returns.
        on_release: Called when the session's resources can be had by another.
    """

    def __init__(
        self,
        first: int,
        *,
        watch: Watch,
        reap: Callable[[], Awaitable[None]] | None = None,
        on_release: Callable[[], object],
    ) -> None:
        self._first = first
        self._watch = watch
        self._reap = reap
        self._on_release = on_release
        self._death: asyncio.Task[None] | None = None
        self.excess = ""
        watch.start(self._on_excess)

    async def kill(self) -> None:
        """Return when every process is dead."""
        await asyncio.shield(self._begin_to_kill())

    def memory(self) -> int:
        """Bytes that all processes hold."""
        return self._watch.memory()

    def release(self) -> None:
        """Give up what holds the dead processes."""
        self._watch.stop()
        os.close(self._first)
        self._on_release()

    def _on_excess(self, what: str) -> None:
        self.excess = what
        self._begin_to_kill()

    def _begin_to_kill(self) -> "asyncio.Task[None]":
        if self._death is None:
            self._death = asyncio.create_task(self._kill())
        return self._death

    async def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._first, signal.SIGKILL)
        # The kernel reports the end of a namespace's first process after that of all the others.
        await exited(self._first)
        if self._reap is not None:
            await self._reap()
