"""Calls side by side, each over a connection that no other call uses at the time."""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import anyio
import httpx


class Lanes:
    """Sends each request by an HTTP client that has no other one under way.

    One client for all would look at each of its connections, and for each at all the others,
    whenever a request begins or ends: with fifty under way that takes longer than all the rest.
    The client that was used last is taken first, so that calls one after the other need no second
    connection.

    Args:
        make: Makes a client.
        keep_alive: Seconds without a request after which a client is closed.

    Attributes:
        pattern: A client to build requests with: all are like it.
    """

    def __init__(self, make: Callable[[], httpx.AsyncClient], *, keep_alive: float) -> None:
        self._make = make
        self._keep_alive = keep_alive
        self.pattern = make()
        self._clients = {self.pattern}
        self._free = deque([(self.pattern, anyio.current_time())])

    async def send(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return its answer, whose body is still to be read.

        Raises:
            httpx.HTTPError: As any client does.
        """
        client = self._take()
        try:
            response = await client.send(request, stream=True)
        except BaseException:
            self._give_back(client)
            raise
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - for type checkers
        response.stream = _Body(response.stream, partial(self._end, client))
        return response

    async def aclose(self) -> None:
        """Close all connections."""
        for client in tuple(self._clients):
            await client.aclose()

    def _take(self) -> httpx.AsyncClient:
        if self._free:
            client, _ = self._free.pop()
        else:
            client = self._make()
            self._clients.add(client)
        return client

    def _give_back(self, client: httpx.AsyncClient) -> None:
        self._free.append((client, anyio.current_time()))

    async def _end(self, client: httpx.AsyncClient) -> None:
        self._give_back(client)
        oldest = anyio.current_time() - self._keep_alive
        while self._free and self._free[0][1] < oldest:
            unused, _ = self._free.popleft()
            await unused.aclose()
            # Only now: if this was cancelled, it is closed with all the others.
            self._clients.discard(unused)


class _Body(httpx.AsyncByteStream):
    """The body of an answer, whose end frees what brought it."""

    def __init__(self, stream: httpx.AsyncByteStream, end: Callable[[], Awaitable[None]]) -> None:
        self._stream = stream
        self._end = end

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            yield part

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            await self._end()
