"""Several session pools that act as one: each session is in one of them, and stays there."""

import hashlib
import math
from collections import OrderedDict
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import NoReturn
from weakref import WeakValueDictionary

import anyio

from dynamic_sessions.errors import (
    NotFoundError,
    PoolExhaustedError,
    ServerError,
    ServiceConnectionError,
    ServiceError,
    ServiceTimeoutError,
    SessionNotFoundError,
)
from dynamic_sessions.executions import protocol_errors
from dynamic_sessions.gathering import gather
from dynamic_sessions.models import SessionStatus
from dynamic_sessions.parting import Access
from dynamic_sessions.retries import Retries, RetryPolicy
from dynamic_sessions.transport import Call, Download, Sender
from dynamic_sessions.wire import Reply, get_session, read_session

REST_SECONDS = 30.0
"""A pool that could not be reached is for so long the last one to be tried with a new session."""

LOOK_SECONDS = 5.0
"""A pool has so long to say whether it has a session."""

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Placement:
    """Sends each call to the pool that has its session; see Sender.

    A session that this program has not used within the cooldown is looked for in all pools. One
    that none has is begun in the pool that its identifier points to, or, where that is full or
    out of reach, in the next one; so that all programs with the same pools find the same session.

    Args:
        pools: What sends to each pool, by its endpoint.
        cooldown: Seconds without a call after which a session may have ended.
        retry_policy: How often and how soon all pools are tried again when all were full.
    """

    def __init__(
        self, pools: Mapping[str, Sender], *, cooldown: float, retry_policy: RetryPolicy
    ) -> None:
        self._pools = [_Pool(endpoint=name, sender=sender) for name, sender in pools.items()]
        self._cooldown = cooldown
        self._retries = Retries(retry_policy)
        # In the order of their last use.
        self._places: OrderedDict[str, _Place] = OrderedDict()
        self._new: WeakValueDictionary[str, object] = WeakValueDictionary()
        self._turns: WeakValueDictionary[str, anyio.Lock] = WeakValueDictionary()

    @property
    def pools(self) -> Sequence[Sender]:
        """See Sender."""
        return tuple(pool.sender for pool in self._pools)

    @property
    def is_connected(self) -> bool:
        """See Sender."""
        return any(sender.is_connected for sender in self.pools)

    def access(self) -> Sequence[Access]:
        """See Sender."""
        return tuple(access for sender in self.pools for access in sender.access())

    def note_new(self, identifier: str, session: object) -> None:
        """Note that no pool can have a session yet, which saves looking for it.

        Args:
            identifier: Of the session.
            session: For as long as somebody holds it, this is remembered.
        """
        self._new[identifier] = session

    async def send(self, call: Call) -> Reply:
        """See Sender."""
        identifier = call.request.query.get("identifier")
        if identifier is None:
            return await self._send_to_any(call)
        if _deletes_session(call):
            return await self._delete(call, identifier)
        if (pool := self._known_pool(identifier)) is not None:
            try:
                return await self._send_to(pool, call, identifier)
            except PoolExhaustedError:
                # It had no session to send this to, unless that turns up in the look around.
                self._places.pop(identifier, None)
        async with self._turn(identifier):
            return await self._send_unplaced(call, identifier)

    @asynccontextmanager
    async def download(self, call: Call) -> AsyncGenerator[Download]:
        """See Sender."""
        identifier = call.request.query["identifier"]
        pool = self._known_pool(identifier) or (await self._look_around(identifier)).pool
        pool = pool or self._order(identifier)[0]
        self._remember(identifier, pool)
        async with pool.sender.download(call) as download:
            yield download

    async def close(self) -> None:
        """See Sender."""
        for sender in self.pools:
            await sender.close()

    async def _send_to_any(self, call: Call) -> Reply:
        failure: ServiceError | None = None
        for pool in self._order(""):
            try:
                return await self._send_to(pool, call)
            except (ServiceConnectionError, ServerError) as error:
                failure = failure or error
        assert failure is not None  # noqa: S101 - for the type checker: there is a pool
        raise failure

    async def _send_to(self, pool: "_Pool", call: Call, identifier: str | None = None) -> Reply:
        try:
            reply = await pool.sender.send(call)
        except (ServiceConnectionError, ServerError):
            pool.let_rest()
            raise
        except SessionNotFoundError:
            self._places.pop(identifier or "", None)
            raise
        pool.rests_until = -math.inf
        if identifier is not None:
            self._remember(identifier, pool)
        return reply

    async def _send_unplaced(self, call: Call, identifier: str) -> Reply:
        # Another call of the session may have found its place meanwhile.
        found = _Found(pool=self._known_pool(identifier))
        if found.pool is None:
            found = await self._look_around(identifier)
        if found.pool is not None:
            return await self._send_to(found.pool, call, identifier)
        if _only_looks(call) and found.errors:
            found.raise_error()
        call.sending.may_have_moved = found.is_in_doubt
        return await self._begin(call, identifier)

    async def _look_around(self, identifier: str) -> "_Found":
        """Ask all pools for a session; the newest one counts, if there are several."""
        found = _Found()
        if self._new.pop(identifier, None) is not None:
            return found
        created: dict[_Pool, datetime] = {}

        async def look(pool: _Pool) -> None:
            try:
                status = await self._ask(pool, identifier)
            except ServiceError as error:
                found.errors.append(error)
            else:
                created[pool] = status.created_at or _LONG_AGO

        await gather([partial(look, pool) for pool in self._pools], len(self._pools))
        if created:
            found.pool = max(created, key=created.__getitem__)
        return found

    async def _ask(self, pool: "_Pool", identifier: str) -> SessionStatus:
        if pool.rests:
            raise ServiceConnectionError(
                f"get session: {pool.endpoint} was out of reach just now, and may have the "
                "session.",
                operation="get session",
            )
        call = Call(
            operation="get session",
            request=get_session(identifier),
            deadline=LOOK_SECONDS,
            repeatable=True,
            once=True,
        )
        try:
            reply = await self._send_to(pool, call)
        except ServiceTimeoutError:
            pool.let_rest()
            raise
        with protocol_errors(call):
            return read_session(reply, identifier)

    async def _begin(self, call: Call, identifier: str) -> Reply:
        """Send the first call of a session, to the first pool that takes it."""
        ends_at = anyio.current_time() + call.deadline
        retry = 0
        while True:
            try:
                return await self._begin_somewhere(call, identifier, ends_at)
            except ServiceError as error:
                delay = self._retries.take(error, repeatable=call.repeatable, retry=retry)
                if delay is None or anyio.current_time() + delay >= ends_at:
                    raise
            retry += 1
            await anyio.sleep(delay)

    async def _begin_somewhere(self, call: Call, identifier: str, ends_at: float) -> Reply:
        failure: ServiceError | None = None
        for pool in self._order(identifier):
            left = ends_at - anyio.current_time()
            if failure is not None and left <= 0:
                break
            # Before it is sent, so that whoever has to stop it knows where it is.
            self._remember(identifier, pool)
            try:
                return await self._send_to(
                    pool, replace(call, once=True, deadline=left), identifier
                )
            except ServiceError as error:
                if not _may_go_elsewhere(error, call):
                    raise
                self._places.pop(identifier, None)
                # Where one was full, a place may come free.
                is_first = failure is None or isinstance(error, PoolExhaustedError)
                failure = error if is_first else failure
        assert failure is not None  # noqa: S101 - for the type checker: there is a pool
        raise failure

    async def _delete(self, call: Call, identifier: str) -> Reply:
        known = self._known_pool(identifier)
        if known is not None:
            reply = await self._send_to(known, call, identifier)
            self._places.pop(identifier, None)
            return reply
        replies: list[Reply] = []
        found = _Found()
        for pool in self._pools:
            try:
                replies.append(await self._send_to(pool, call))
            except ServiceError as error:
                found.errors.append(error)
        if found.is_in_doubt or not replies:
            found.raise_error()
        return replies[0]

    def _known_pool(self, identifier: str) -> "_Pool | None":
        place = self._places.get(identifier)
        if place is None or place.ends_at < anyio.current_time():
            return None
        return place.pool

    def _remember(self, identifier: str, pool: "_Pool") -> None:
        now = anyio.current_time()
        self._places[identifier] = _Place(pool=pool, ends_at=now + self._cooldown)
        self._places.move_to_end(identifier)
        while next(iter(self._places.values())).ends_at < now:
            self._places.popitem(last=False)

    def _turn(self, identifier: str) -> anyio.Lock:
        lock = self._turns.get(identifier)
        if lock is None:
            lock = self._turns[identifier] = anyio.Lock()
        return lock

    def _order(self, identifier: str) -> "list[_Pool]":
        """The pools to try: the same order in every program, but for those that rest."""

        def rank(pool: _Pool) -> tuple[bool, bytes]:
            return pool.rests, hashlib.sha256(f"{pool.endpoint} {identifier}".encode()).digest()

        return sorted(self._pools, key=rank)


@dataclass(kw_only=True, eq=False)
class _Pool:
    endpoint: str
    sender: Sender
    rests_until: float = -math.inf

    @property
    def rests(self) -> bool:
        return anyio.current_time() < self.rests_until

    def let_rest(self) -> None:
        self.rests_until = anyio.current_time() + REST_SECONDS


@dataclass(frozen=True, kw_only=True)
class _Place:
    pool: _Pool
    ends_at: float
    """When the session may have ended if it is not used again."""


@dataclass(kw_only=True)
class _Found:
    """What came of looking for a session."""

    pool: _Pool | None = None
    errors: list[ServiceError] = field(default_factory=list[ServiceError])

    @property
    def is_in_doubt(self) -> bool:
        """Whether a pool that may have it could not be asked."""
        return not all(isinstance(error, _ABSENT) for error in self.errors)

    def raise_error(self) -> NoReturn:
        raise next((each for each in self.errors if not isinstance(each, _ABSENT)), self.errors[0])


_ABSENT = (SessionNotFoundError, NotFoundError)


def _deletes_session(call: Call) -> bool:
    return call.request.method == "DELETE" and call.request.segments == ("session",)


def _only_looks(call: Call) -> bool:
    """Whether it brings no session into being."""
    return call.request.method == "GET" and call.request.segments[0] in {"session", "executions"}


def _may_go_elsewhere(error: ServiceError, call: Call) -> bool:
    if isinstance(error, PoolExhaustedError):
        return True
    if isinstance(error, ServiceConnectionError):
        return call.repeatable or not error.outcome_unknown
    return call.repeatable and isinstance(error, ServerError)
