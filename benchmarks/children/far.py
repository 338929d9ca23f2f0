"""A server made to seem far away, and one beside it that sends back what it gets.

The command line has the server's port and the seconds of a round trip. The first answer is the two
ports to connect to; every question after it is answered with the connections and requests so far.
"""

import asyncio
import json
import sys

from benchmarks.delay import FarServer, precise_event_loop


def main() -> None:
    """Serve until standard input ends."""
    port, round_trip = json.loads(sys.argv[1])
    with asyncio.Runner(loop_factory=precise_event_loop) as runner:
        runner.run(_serve(port, round_trip))


async def _serve(port: int, round_trip: float) -> None:
    echo = await asyncio.get_running_loop().create_server(_Echo, "127.0.0.1", 0)
    server = FarServer(("127.0.0.1", port), round_trip)
    far_echo = FarServer(echo.sockets[0].getsockname(), round_trip)
    _say([await server.listen(), await far_echo.listen()])
    while await asyncio.to_thread(sys.stdin.readline):
        _say(server.take_counts())
    for each in (server, far_echo):
        await each.close()


class _Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(data)


def _say(answer: object) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


main()
