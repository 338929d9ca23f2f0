"""A limit on how many files a session makes.

Each costs the host memory that no size of a file system counts, and bubblewrap has no way to mount one
with a limit on entries. So they are counted from outside, and too many end the session.
"""

import asyncio
import os
from collections.abc import Callable, Sequence

INTERVAL_SECONDS = 0.5


class EntryLimit:
    """Watches file systems until it is stopped.

    Args:
        folders: A descriptor on each file system, owned by this object.
        limit: Files and folders that each may have.
        on_excess: Called once, when one has more.
    """

    def __init__(
        self, folders: Sequence[int], *, limit: int, on_excess: Callable[[], object]
    ) -> None:
        self._folders = tuple(folders)
        self._limit = limit
        self._on_excess = on_excess
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(INTERVAL_SECONDS, self._check)

    def stop(self) -> None:
        """Stop watching and close the descriptors."""
        self._timer.cancel()
        for folder in self._folders:
            os.close(folder)

    def _check(self) -> None:
        for folder in self._folders:
            state = os.fstatvfs(folder)
            if state.f_files - state.f_ffree > self._limit:
                self._on_excess()
                return
        self._timer = self._loop.call_later(INTERVAL_SECONDS, self._check)
