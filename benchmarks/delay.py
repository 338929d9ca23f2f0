"""Servers on this machine that are made to seem far away."""

import asyncio
import selectors
from collections import deque
from collections.abc import Callable
from contextlib import suppress

_CHUNK = 1 << 16
# What every HTTP/1.1 request has once, behind its target.
_REQUEST = b" HTTP/1.1\r\n"


class FarServer:
    """Listens on loopback and passes bytes on to a server and back, each way half a round trip late.

    A new connection costs one round trip, as TCP's handshake does: what a client sends before that
    is over counts as sent then. TLS passes through, so that its handshake takes the round trips
    that it takes. However much is under way, nothing waits for anything else: there is no bandwidth
    to share, no loss and no slow start.

    Args:
        address: Where the server is.
        round_trip: Seconds.
    """

    def __init__(self, address: tuple[str, int], round_trip: float) -> None:
        self._address = address
        self._round_trip = round_trip
        self._connections = 0
        self._requests = 0
        self._serving: set[asyncio.Task[None]] = set()

    async def listen(self) -> int:
        """Take connections from now on, on the port that is returned."""
        self._server = await asyncio.start_server(self._begin, "127.0.0.1", 0, backlog=1024)
        return self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Take no more connections, and end those that there are."""
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving)

    def take_counts(self) -> tuple[int, int]:
        """Connections and requests since the last call; requests in TLS cannot be seen."""
        counts = self._connections, self._requests
        self._connections = self._requests = 0
        return counts

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_at = asyncio.get_running_loop().time() + self._round_trip
        far_reader, far_writer = await asyncio.open_connection(*self._address)
        there = _Way(far_writer, self._round_trip / 2, _RequestCounter(self._count).see)
        back = _Way(writer, self._round_trip / 2)
        with suppress(asyncio.CancelledError):
            await asyncio.gather(there.carry(reader, not_before=open_at), back.carry(far_reader))
        for each in (far_writer, writer):
            each.close()
            with suppress(ConnectionError):
                await each.wait_closed()

    def _count(self, requests: int) -> None:
        self._requests += requests


def precise_event_loop() -> asyncio.AbstractEventLoop:
    """Return a loop that does not round waits up to whole milliseconds, as the usual one does."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


class _Way:
    """One direction of a connection."""

    def __init__(
        self,
        writer: asyncio.StreamWriter,
        delay: float,
        see: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        self._writer = writer
        self._delay = delay
        self._see = see
        self._under_way: deque[bytes] = deque()
        self._ended = asyncio.Event()

    async def carry(self, reader: asyncio.StreamReader, *, not_before: float = 0) -> None:
        """Pass on what comes, up to its end."""
        loop = asyncio.get_running_loop()
        while not self._ended.is_set():
            data = await _read(reader)
            self._see(data)
            self._under_way.append(data)
            loop.call_at(max(loop.time(), not_before) + self._delay, self._arrive)
            if not data:
                await self._ended.wait()

    def _arrive(self) -> None:
        # Not what the timer was set for: of two timers for one moment, either may come first.
        data = self._under_way.popleft()
        if not data:
            self._ended.set()
        if self._writer.is_closing():
            return
        if data:
            self._writer.write(data)
        else:
            with suppress(OSError):  # The other side has hung up in the meantime.
                self._writer.write_eof()


class _RequestCounter:
    """Finds the heads of requests, in whatever pieces they come."""

    def __init__(self, count: Callable[[int], None]) -> None:
        self._count = count
        self._before = b""

    def see(self, data: bytes) -> None:
        """Look at the next piece."""
        text = self._before + data
        self._count(text.count(_REQUEST))
        self._before = text[-(len(_REQUEST) - 1) :]


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(_CHUNK)
    except ConnectionError:
        return b""
