"""What the clients of one soak have in common."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from random import Random

from .held import HeldSession
from .service import PATIENCE, Address, Service, Tally

# Between two looks at something that tells nobody when it changes.
INTERVAL = 0.02


class Gate:
    """Lets many through at a time, or one alone."""

    def __init__(self) -> None:
        self._inside = 0
        self._closed = False
        self._changed = asyncio.Condition()

    @contextlib.asynccontextmanager
    async def among_others(self) -> AsyncGenerator[None]:
        """Be inside, with others."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._closed)
            self._inside += 1
        try:
            yield
        finally:
            async with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextlib.asynccontextmanager
    async def alone(self) -> AsyncGenerator[None]:
        """Be inside when all others have left, and keep them out."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._closed)
            self._closed = True
            await self._changed.wait_for(lambda: not self._inside)
        try:
            yield
        finally:
            async with self._changed:
                self._closed = False
                self._changed.notify_all()


@dataclass
class Client:
    """One of those who use the server.

    Attributes:
        number: Tells it from the others.
        random: Decides what it does.
        service: Its connections.
        server: The server's process.
        supervisor: The one that adopts what loses its parent below that.
        held: The sessions that it uses.
        abandoned: Those that it uses no more and has not deleted.
    """

    number: int
    random: Random
    service: Service
    server: int
    supervisor: int
    held: list[HeldSession] = field(default_factory=list[HeldSession])
    abandoned: list[HeldSession] = field(default_factory=list[HeldSession])

    @property
    def address(self) -> Address:
        """Where the server is."""
        return self.service.address

    @property
    def tally(self) -> Tally:
        """The common one."""
        return self.service.tally

    def new_identifier(self) -> str:
        """One that nobody used before."""
        return f"client-{self.number}-{self.random.getrandbits(40):010x}"


async def until(condition: Callable[[], bool], what: str, *, patience: float = PATIENCE) -> None:
    """Wait for something that nobody tells of."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {patience} seconds"
        await asyncio.sleep(INTERVAL)


async def until_answered(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait for something that must be asked for again and again."""
    deadline = time.monotonic() + PATIENCE
    while not await condition():
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE} seconds"
        await asyncio.sleep(INTERVAL)
