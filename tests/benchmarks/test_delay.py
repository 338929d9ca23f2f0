"""What stands for a distance passes everything on, late by what was asked for."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from benchmarks.delay import FarServer

ROUND_TRIP = 0.1


@asynccontextmanager
async def far_echo() -> AsyncGenerator[tuple[FarServer, int]]:
    """A server that sends back what it gets up to the end of it, from afar."""

    async def send_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            writer.write(data)
        writer.write(b"end")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(send_back, "127.0.0.1", 0) as echo:
        far = FarServer(echo.sockets[0].getsockname(), ROUND_TRIP)
        yield far, await far.listen()
        await far.close()


async def test_a_connection_costs_one_round_trip_and_so_does_an_answer() -> None:
    async with far_echo() as (_, port):
        begun = time.monotonic()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"a")
        assert await reader.readexactly(1) == b"a"
        connected = time.monotonic()
        writer.write(b"b")
        assert await reader.readexactly(1) == b"b"
        answered = time.monotonic()
        assert connected - begun >= 2 * ROUND_TRIP
        assert answered - connected >= ROUND_TRIP
        writer.close()
        await writer.wait_closed()


async def test_what_is_under_way_waits_for_nothing_and_keeps_its_order() -> None:
    sent = b"".join(number.to_bytes(4) for number in range(500_000))
    async with far_echo() as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        writer.write_eof()
        async with asyncio.timeout(30):
            assert await reader.read(-1) == sent + b"end"
        writer.close()
        await writer.wait_closed()


async def test_connections_and_requests_are_counted_in_whatever_pieces_they_come() -> None:
    request = b"GET / HTTP/1.1\r\nhost: far\r\n\r\n"
    async with far_echo() as (far, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for piece in (request + request[:8], request[8:12], request[12:], request):
            writer.write(piece)
            await reader.readexactly(len(piece))
        assert far.take_counts() == (1, 3)
        assert far.take_counts() == (0, 0)
        writer.close()
        await writer.wait_closed()
