"""A proxy on a real socket that lets requests to a session pool fail as it is told."""

import asyncio
import socket
import struct
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Self, TypeAlias
from urllib.parse import urlsplit

from .exchange import Head, forward, read_head, split_reply
from .faults import Fault

_DRIP_BYTES = 64

Choice: TypeAlias = Callable[[str], Fault | None]
"""What goes wrong with the next request of an operation."""

_Act: TypeAlias = Callable[[], Coroutine[object, object, bool]]


@dataclass(kw_only=True)
class Tally:
    """What the proxy saw and did."""

    requests: Counter[str] = field(default_factory=Counter[str])
    forwarded: Counter[str] = field(default_factory=Counter[str])
    injected: Counter[str] = field(default_factory=Counter[str])
    bodies: list[bytes] = field(default_factory=list[bytes])
    """Of executions that reached the pool."""

    def runs(self, marker: str) -> int:
        """How often code with a marker in it reached the pool."""
        return sum(marker.encode() in body for body in self.bodies)


class FaultProxy:
    """Stands between a client and a session pool, both on this machine.

    Args:
        upstream: The pool's endpoint.
        port: The port to listen on; 0 takes a free one.
    """

    def __init__(self, upstream: str, *, port: int = 0) -> None:
        parts = urlsplit(upstream)
        self._upstream = parts.hostname or "", parts.port or 80
        self._port = port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._reached: dict[str, asyncio.Event] = {}
        self._connections: set[asyncio.StreamWriter] = set()
        self._faults: dict[str, deque[Fault]] = {}
        self.choose: Choice = self._next_fault
        self.tally = Tally()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}/"

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.refuse()

    async def listen(self) -> None:
        """Take connections."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Refuse connections, and cut those that there are."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def fail(self, operation: str, *faults: Fault) -> None:
        """Let the next requests of an operation fail, in this order."""
        self._faults.setdefault(operation, deque()).extend(faults)

    async def until_forwarded(self, operation: str) -> None:
        """Wait until a request of an operation, from now on, is being forwarded."""
        reached = self._reached.setdefault(operation, asyncio.Event())
        await reached.wait()

    def hang_up(self) -> None:
        """Close all connections, as a front end does with idle ones."""
        for writer in self._connections:
            writer.close()

    def calm(self) -> None:
        """Forget about faults that have not happened yet."""
        self._faults.clear()

    def _next_fault(self, operation: str) -> Fault | None:
        waiting = self._faults.get(operation)
        return waiting.popleft() if waiting else None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._connections.add(writer)
        try:
            if self._faults.get("connect"):
                await self._have(self._faults["connect"].popleft(), b"", writer)
                return
            while await self._exchange(reader, writer):
                pass
        except (EOFError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            self._connections.discard(writer)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Handle one request; return whether the connection can take another."""
        head = await read_head(reader)
        # A run and a set-up differ in their bodies alone; other requests can fail before these.
        body = await reader.readexactly(head.body_size) if head.is_execution else b""
        operation = head.operation(body)
        self.tally.requests[operation] += 1
        fault = self.choose(operation)
        if fault is not None:
            self.tally.injected[fault.name] += 1
        if fault is not None and fault.moment == "head":
            return await self._have(fault, b"", writer)
        if not head.is_execution:
            body = await reader.readexactly(head.body_size)
        if fault is not None and not fault.is_forwarded:
            return await self._have(fault, b"", writer)
        reply = await self._forward(operation, head, body)
        if fault is not None:
            return await self._have(fault, reply, writer)
        writer.write(reply)
        await writer.drain()
        return True

    async def _forward(self, operation: str, head: Head, body: bytes) -> bytes:
        self.tally.forwarded[operation] += 1
        if (reached := self._reached.pop(operation, None)) is not None:
            reached.set()
        if operation in {"execute", "set up"}:
            self.tally.bodies.append(body)
        return await forward(*self._upstream, head, body)

    async def _have(self, fault: Fault, reply: bytes, writer: asyncio.StreamWriter) -> bool:
        acts: dict[str, _Act] = {
            "reset": lambda: _reset(writer),
            "close": lambda: _close(writer),
            "answer": lambda: _answer(fault.answer, writer),
            "stall": lambda: _stall(writer, b""),
            "part": lambda: _part(reply, writer),
            "part and stall": lambda: _stall(writer, _first_part(reply)),
            "endless": lambda: _drip_for_ever(writer),
            "drip": lambda: _drip(reply, writer),
        }
        return await acts[fault.effect]()


async def _reset(writer: asyncio.StreamWriter) -> bool:
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    return False


async def _close(writer: asyncio.StreamWriter) -> bool:
    writer.close()
    return False


async def _answer(answer: bytes, writer: asyncio.StreamWriter) -> bool:
    writer.write(answer)
    await writer.drain()
    # What is no HTTP leaves the connection in no state to go on.
    return answer.startswith(b"HTTP/1.1 ")


async def _stall(writer: asyncio.StreamWriter, first: bytes) -> bool:
    writer.write(first)
    await writer.drain()
    await asyncio.Event().wait()
    return False


async def _part(reply: bytes, writer: asyncio.StreamWriter) -> bool:
    writer.write(_first_part(reply))
    await writer.drain()
    return False


async def _drip(reply: bytes, writer: asyncio.StreamWriter) -> bool:
    for start in range(0, len(reply), _DRIP_BYTES):
        writer.write(reply[start : start + _DRIP_BYTES])
        await writer.drain()
        await asyncio.sleep(0)
    return True


async def _drip_for_ever(writer: asyncio.StreamWriter) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)
    return False


def _first_part(reply: bytes) -> bytes:
    """Return the head, if there is a body to cut, and half of the body."""
    head, body = split_reply(reply)
    return head + body[: len(body) // 2] if len(body) > 1 else head[: len(head) // 2]
