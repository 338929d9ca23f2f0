"""A service that answers at once, with the replies to executions that it is given as JSON.

The command line has each reply, head and body, by what its request's path begins with.
"""

import asyncio
import json
import re
import sys

_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
_DONE = b"HTTP/1.1 204 No Content\r\n\r\n"


class RecordedService(asyncio.Protocol):
    """One connection.

    Args:
        replies: Replies by the beginning of a path; what has none is answered with 204.
    """

    def __init__(self, replies: dict[bytes, bytes]) -> None:
        self._replies = replies
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self._received += data
        while (size := _request_size(self._received)) is not None:
            request, self._received = self._received[:size], self._received[size:]
            path = request.split(b" ", 2)[1]
            found = [reply for start, reply in self._replies.items() if path.startswith(start)]
            assert self._transport is not None  # noqa: S101 - for the type checker
            self._transport.write(found[0] if found else _DONE)


def main() -> None:
    """Say where the service is, and serve until standard input ends."""
    replies = {
        start.encode(): reply.encode("latin-1") for start, reply in json.loads(sys.argv[1]).items()
    }
    asyncio.run(_serve(replies))


async def _serve(replies: dict[bytes, bytes]) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: RecordedService(replies), "127.0.0.1", 0)
    sys.stdout.write(json.dumps(server.sockets[0].getsockname()[1]) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)


def _request_size(received: bytes) -> int | None:
    """Return the length of the first request, None while it is not all there."""
    end = received.find(_END)
    if end < 0:
        return None
    length = _LENGTH.search(received, 0, end + 2)
    size = end + len(_END) + (int(length[1]) if length else 0)
    return size if len(received) >= size else None


main()
