"""What an execution writes to stdout or stderr, up to a limit.

A pipe, not a memory file: a flood then costs neither memory nor the session's quota, since what is over
the limit is read and dropped, and what was written before a kill is still there. It is read only while
an execution runs; what a background thread writes between two executions waits in the pipe (or blocks
the thread) and belongs to the next one.
"""

import asyncio
import codecs
import os
from types import TracebackType
from typing import Self

CHUNK = 1 << 18
# Most executions end before this and fit into the pipe: they are read at their end. The others, which may be
# blocked meanwhile, are listened to from then on.
QUIET_SECONDS = 0.003
# As much as a pipe can hold by default on any Linux, several times over.
REST = 8
# At most, in UTF-8: so many bytes hold the limit's characters, whatever they are.
BYTES_PER_CHARACTER = 4


class Output:
    """Reads one stream for the length of a with-block, inside a running event loop.

    Args:
        descriptor: Where to read.
        limit: Characters to keep.
    """

    def __init__(self, descriptor: int, limit: int) -> None:
        self._descriptor = descriptor
        self._limit = limit
        self._kept = bytearray()
        self._dropped = False
        self._loop = asyncio.get_running_loop()

    def __enter__(self) -> Self:
        self._quiet = self._loop.call_later(
            QUIET_SECONDS, self._loop.add_reader, self._descriptor, self._read
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._quiet.cancel()
        self._loop.remove_reader(self._descriptor)

    @property
    def text(self) -> str:
        """What was kept."""
        return self._decoded()[: self._limit]

    @property
    def truncated(self) -> bool:
        """Whether there was more than the limit."""
        return self._dropped or len(self._decoded()) > self._limit

    def _decoded(self) -> str:
        # A character may be cut in two where bytes were dropped.
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        return decoder.decode(bytes(self._kept), final=not self._dropped)

    def read_rest(self) -> None:
        """Read what was written before now. Bounded: a background process may never stop writing."""
        for _ in range(REST):
            if not self._read():
                return

    def _read(self) -> bool:
        """Return whether there may be more."""
        try:
            part = os.read(self._descriptor, CHUNK)
        except BlockingIOError:
            return False
        if not part:
            self._loop.remove_reader(self._descriptor)
            return False
        room = self._limit * BYTES_PER_CHARACTER - len(self._kept)
        self._kept += part[:room]
        self._dropped = self._dropped or len(part) > room
        return True
