"""Which sessions a pool has in use, how many it may have, and who is next."""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakValueDictionary

import anyio

from dynamic_sessions.errors import PoolExhaustedError

_TOO_MANY_REQUESTS = 429


@dataclass(kw_only=True)
class _Entry:
    is_named: bool
    last_used: float


class SessionLedger:
    """The identifiers that may have a session, up to a limit. Who waits longest is served first.

    Args:
        limit: How many sessions there may be at a time; None leaves that to the service.
        patience: Seconds that a call waits for a place.
        idle: Seconds without a call after which a session that the caller named has ended.
        clock: Seconds that only grow; by default the running event loop's.
    """

    def __init__(
        self,
        *,
        limit: int | None,
        patience: float,
        idle: float,
        clock: Callable[[], float] = anyio.current_time,
    ) -> None:
        self._limit = limit
        self._patience = patience
        self._idle = idle
        self._clock = clock
        # In the order of their last use.
        self._entries: dict[str, _Entry] = {}
        self._waiting: deque[anyio.Event] = deque()
        self._promised = 0
        self._turns: WeakValueDictionary[str, anyio.Lock] = WeakValueDictionary()

    @property
    def unnamed(self) -> tuple[str, ...]:
        """Sessions whose identifier the pool chose, and which therefore are the pool's to end."""
        return tuple(name for name, entry in self._entries.items() if not entry.is_named)

    def turn(self, identifier: str) -> anyio.Lock:
        """Return what the executions of one session take turns with, whoever asks for it."""
        lock = self._turns.get(identifier)
        if lock is None:
            lock = self._turns[identifier] = anyio.Lock(fast_acquire=True)
        return lock

    async def enter(self, identifier: str, *, is_named: bool) -> None:
        """Note that a session is used, when there is a place for it.

        Raises:
            PoolExhaustedError: There was none in time; nothing was sent.
        """
        if identifier not in self._entries:
            await self._wait_for_place()
        known = self._entries.pop(identifier, None)
        self._entries[identifier] = _Entry(
            # A caller who was told an identifier of ours does not take over the session with it.
            is_named=is_named and (known is None or known.is_named),
            last_used=self._clock(),
        )
        # If another call of the same session came first, the place is still free.
        self._serve_waiting()

    def note_use(self, identifier: str) -> None:
        """Note that a call of a session has ended, from when on it is idle."""
        entry = self._entries.pop(identifier, None)
        if entry is not None:
            entry.last_used = self._clock()
            self._entries[identifier] = entry

    def leave(self, identifier: str) -> None:
        """Note that a session is gone, and let the next one have its place."""
        if self._entries.pop(identifier, None) is not None:
            self._serve_waiting()

    async def _wait_for_place(self) -> None:
        self._forget_expired()
        if not self._waiting and self._has_place():
            return
        turn = anyio.Event()
        self._waiting.append(turn)
        try:
            with anyio.move_on_after(self._patience):
                await self._wait_for(turn)
        except BaseException:
            self._end_waiting(turn)
            self._serve_waiting()
            raise
        self._end_waiting(turn)
        if not turn.is_set():
            raise PoolExhaustedError(
                f"All {self._limit} sessions that max_sessions allows are in use: delete those "
                "that are done. Nothing was sent.",
                operation="wait for a session",
                status_code=_TOO_MANY_REQUESTS,
            )

    async def _wait_for(self, turn: anyio.Event) -> None:
        # Nobody tells when a session that the caller named ends by itself.
        while not turn.is_set():
            with anyio.move_on_after(self._seconds_until_next_end()):
                await turn.wait()
            self._forget_expired()

    def _end_waiting(self, turn: anyio.Event) -> None:
        if turn.is_set():
            self._promised -= 1
        else:
            self._waiting.remove(turn)

    def _has_place(self) -> bool:
        return self._limit is None or len(self._entries) + self._promised < self._limit

    def _serve_waiting(self) -> None:
        while self._waiting and self._has_place():
            self._promised += 1
            self._waiting.popleft().set()

    def _forget_expired(self) -> None:
        now = self._clock()
        while (oldest := self._oldest_named()) is not None:
            identifier, entry = oldest
            if entry.last_used + self._idle > now:
                return
            self.leave(identifier)

    def _seconds_until_next_end(self) -> float:
        oldest = self._oldest_named()
        return math.inf if oldest is None else oldest[1].last_used + self._idle - self._clock()

    def _oldest_named(self) -> tuple[str, _Entry] | None:
        return next((item for item in self._entries.items() if item[1].is_named), None)
