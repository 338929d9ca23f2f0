"""How many connections calls take, on a real socket."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import anyio
import httpx
import pytest

from dynamic_sessions.lanes import Lanes

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
CUT_SHORT = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok"


class Server:
    """Answers once as many requests as it waits for are there."""

    def __init__(self) -> None:
        self.url = ""
        self.opened = 0
        self.open = 0
        self.is_left = asyncio.Event()
        self.answer = ANSWER
        self.waits_for = 1
        self._waiting: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        self.open += 1
        self.is_left.clear()
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                self._waiting.append(writer)
                if len(self._waiting) >= self.waits_for:
                    for each in self._waiting:
                        each.write(self.answer)
                        if self.answer is CUT_SHORT:
                            each.close()
                    self._waiting.clear()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            self.open -= 1
            if not self.open:
                self.is_left.set()


@asynccontextmanager
async def lanes_to(server: Server, *, keep_alive: float = 60) -> AsyncGenerator[Lanes]:
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
        host, port = listening.sockets[0].getsockname()
        server.url = f"http://{host}:{port}/"
        lanes = Lanes(lambda: httpx.AsyncClient(trust_env=False), keep_alive=keep_alive)
        yield lanes
        await lanes.aclose()
        with anyio.fail_after(10):
            await server.is_left.wait()


async def get(lanes: Lanes, server: Server) -> str:
    response = await lanes.send(lanes.pattern.build_request("GET", server.url))
    try:
        await response.aread()
    finally:
        await response.aclose()
    return response.text


async def get_at_once(lanes: Lanes, server: Server, count: int) -> None:
    server.waits_for = count
    answers = await asyncio.gather(*(get(lanes, server) for _ in range(count)))
    assert answers == ["ok"] * count
    server.waits_for = 1


async def test_calls_one_after_the_other_share_one_connection() -> None:
    server = Server()
    async with lanes_to(server) as lanes:
        for _ in range(5):
            assert await get(lanes, server) == "ok"
        assert server.opened == 1


async def test_calls_at_once_have_a_connection_each_and_leave_it_to_the_next() -> None:
    server = Server()
    async with lanes_to(server) as lanes:
        for count in (3, 5, 4, 1):
            await get_at_once(lanes, server, count)
        assert server.opened == 5


async def test_connections_that_nobody_needs_any_more_are_closed() -> None:
    server = Server()
    async with lanes_to(server, keep_alive=0.2) as lanes:
        await get_at_once(lanes, server, 4)
        with anyio.fail_after(10):
            while server.open > 1:
                await get(lanes, server)
                await asyncio.sleep(0.05)
        await get(lanes, server)
        assert server.opened == 4


async def test_a_call_that_fails_or_is_cancelled_leaves_the_others_a_way() -> None:
    server = Server()
    async with lanes_to(server) as lanes:
        server.answer = CUT_SHORT
        with pytest.raises(httpx.RemoteProtocolError):
            await get(lanes, server)
        server.answer = ANSWER

        server.waits_for = 2
        with anyio.move_on_after(0.2) as scope:
            await get(lanes, server)
        assert scope.cancelled_caught
        server.waits_for = 1

        assert await get(lanes, server) == "ok"
