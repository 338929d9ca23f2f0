"""Identifier → session: allocation, capacity, idle expiry."""

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime

from dynamic_sessions_local.clock import Clock, MonotonicClock
from dynamic_sessions_local.errors import LocalPoolError, PoolClosedError
from dynamic_sessions_local.history import Changes, History
from dynamic_sessions_local.launchers import Launcher
from dynamic_sessions_local.limits import Limits
from dynamic_sessions_local.session import Session, SessionNotFoundError
from dynamic_sessions_local.warm import WarmKernels

MAX_RETRY_AFTER = 30
CLOSE_SECONDS = 10
ENDED_REMEMBERED = 10


class PoolFullError(LocalPoolError):
    """All sessions that the pool may have are in use.

    Attributes:
        retry_after: Whole seconds after which it may be worth asking again.
    """

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Sessions:
    """All sessions of a pool. Used as an async context manager.

    Args:
        launcher: Starts kernels; stays the caller's to close.
        warm: How many unused kernels to keep ready at least.
        max_warm: How many to keep ready at most, when demand is high.
        max_sessions: How many identifiers may have a session at a time.
        cooldown: Seconds without a call after which a session ends.
        limits: The bounds of one session.
        watched: Whether to remember what is run, also of some sessions that have ended.
        clock: What idle time and demand are measured by.

    Attributes:
        cooldown: The seconds.
        changes: What happens to the sessions, where they are watched.
    """

    def __init__(
        self,
        launcher: Launcher,
        *,
        warm: int,
        max_warm: int,
        max_sessions: int,
        cooldown: float,
        limits: Limits | None = None,
        watched: bool = False,
        clock: Clock | None = None,
    ) -> None:
        self.cooldown = cooldown
        self.changes = Changes()
        self._watched = watched
        self._ended: deque[Session] = deque(maxlen=ENDED_REMEMBERED)
        self._limits = limits or Limits()
        self._clock = clock or MonotonicClock()
        self._kernels = WarmKernels(launcher, least=warm, most=max_warm, clock=self._clock)
        self._max_sessions = max_sessions
        self._table: dict[str, _Place] = {}
        self._background: list[asyncio.Task[None]] = []
        self._closed = False

    async def __aenter__(self) -> "Sessions":
        self._background = [
            asyncio.create_task(self._kernels.refill()),
            asyncio.create_task(self._expire()),
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @contextlib.contextmanager
    def use(self, identifier: str) -> Generator[Session]:
        """The identifier's session, allocated if need be; it does not expire meanwhile.

        Raises:
            PoolFullError: It would be one session too many.
            PoolClosedError: The pool is going down.
        """
        place = self._table.get(identifier) or self._allocate(identifier)
        try:
            with self._occupied(place):
                yield place.session
        finally:
            if not place.users and not place.session.allocated:
                # Nothing stands behind it, so it must not count against the pool's maximum.
                self._forget(place)

    @contextlib.contextmanager
    def look(self, identifier: str) -> Generator[Session]:
        """The identifier's session; none is allocated.

        Raises:
            SessionNotFoundError: There is none.
        """
        place = self._table.get(identifier)
        if place is None:
            raise SessionNotFoundError(f"there is no session {identifier!r}")
        with self._occupied(place):
            yield place.session

    def all(self) -> list[Session]:
        """Every session there is, the oldest first; looking at them is no use of them."""
        return [place.session for place in self._table.values()]

    def ended(self) -> list[Session]:
        """The latest sessions that have ended, the oldest first; none where nobody may watch."""
        return list(self._ended)

    def has(self, identifier: str) -> bool:
        """Whether there is such a session; asking is no use of it."""
        return identifier in self._table

    async def delete(self, identifier: str) -> None:
        """End a session, whatever it is doing; the identifier is fresh at once.

        Raises:
            SessionNotFoundError: There is none.
        """
        place = self._table.pop(identifier, None)
        if place is None:
            raise SessionNotFoundError(f"there is no session {identifier!r}")
        await self._end(place.session)

    async def close(self) -> None:
        """End everything, within `CLOSE_SECONDS`. Calls after it fail with PoolClosedError."""
        self._closed = True
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        self._background = []
        sessions = [place.session for place in self._table.values()]
        self._table.clear()
        self.changes.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await asyncio.gather(
                    self._kernels.close(),
                    *(session.end() for session in sessions),
                    return_exceptions=True,
                )

    def _allocate(self, identifier: str) -> "_Place":
        if self._closed:
            raise PoolClosedError("the session pool is going down")
        if len(self._table) >= self._max_sessions:
            raise PoolFullError(
                f"all {self._max_sessions} sessions of the pool are in use",
                retry_after=max(1, min(MAX_RETRY_AFTER, math.ceil(self._until_next_expiry()))),
            )
        history = History(self._limits, self.changes) if self._watched else None
        session = Session(identifier, self._kernels, self._limits, history)
        self.changes.note()
        place = self._table[identifier] = _Place(session=session, last_used=self._clock.now())
        return place

    @contextlib.contextmanager
    def _occupied(self, place: "_Place") -> Generator[None]:
        place.users += 1
        place.session.last_accessed_at = datetime.now(UTC)
        try:
            yield
        finally:
            place.users -= 1
            place.last_used = self._clock.now()
            place.session.last_accessed_at = datetime.now(UTC)

    def _forget(self, place: "_Place") -> None:
        if self._table.get(place.session.identifier) is place:
            del self._table[place.session.identifier]

    async def _expire(self) -> None:
        while True:
            await self._clock.sleep(self._until_next_expiry())
            idle = [place for place in self._table.values() if self._remaining(place) <= 0]
            for place in idle:
                self._forget(place)
            for place in idle:
                await self._end(place.session)

    async def _end(self, session: Session) -> None:
        if self._watched:
            self._ended.append(session)
        try:
            await session.end()
        finally:
            self.changes.note()

    def _until_next_expiry(self) -> float:
        # Whatever becomes idle from now on has the whole cooldown before it.
        return min(map(self._remaining, self._table.values()), default=self.cooldown)

    def _remaining(self, place: "_Place") -> float:
        if place.users:
            return self.cooldown
        return place.last_used + self.cooldown - self._clock.now()


@dataclass(kw_only=True)
class _Place:
    session: Session
    last_used: float
    users: int = 0
