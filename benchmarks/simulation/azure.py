"""A model of session pools in Azure: what they cost in time and when they refuse, without sessions.

What Microsoft publishes or a recorded answer shows is named as its source; the rest is assumed.
"""

import asyncio
import itertools
import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

import httpx

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class PoolTraits:
    """How a session pool behaves; times in seconds."""

    max_sessions: int = 600
    """At most so many at a time (documented)."""
    cooldown: float = 300.0
    """A session ends after so long without a call: the shortest (documented)."""
    ready: int = 60
    """Sessions that are kept ready (assumed: that there are some is documented)."""
    start: float = 10.0
    """Until one that was taken from those is replaced (assumed)."""
    allocation: float = 0.088
    """Finding a ready session (recorded)."""
    overhead: float = 0.4
    """Of an execution, beside the code's own time (recorded)."""
    round_trip: float = 0.04
    """Between client and service (assumed)."""
    retry_after: float | None = None
    """What the header of a refusal says; None for no header (not known)."""


@dataclass(frozen=True, kw_only=True)
class Outage:
    """A time in which a pool answers nobody; its sessions live on.

    Attributes:
        begins: Seconds after the simulation's begin.
        ends: The same.
        kind: Whether connections are refused, or attempts to make one get no answer.
    """

    begins: float
    ends: float
    kind: Literal["refused", "silent"]


@dataclass(frozen=True, kw_only=True)
class Lifetime:
    """What became of a session: seconds after the simulation's begin."""

    begun: float
    ended: float
    was_deleted: bool


class AzurePool:
    """One session pool.

    Attributes:
        refusals: How often a new session was refused because the pool was full.
        most_sessions: The largest number of sessions at a time.
        lifetimes: Of the sessions that have ended.
    """

    def __init__(self, traits: PoolTraits, outages: Sequence[Outage] = ()) -> None:
        self.refusals = 0
        self.most_sessions = 0
        self.lifetimes: list[Lifetime] = []
        self._traits = traits
        self._outages = outages
        self._loop = asyncio.get_running_loop()
        self._reserve = _Reserve(traits)
        self._sessions: dict[str, _Session] = {}
        self._numbers = itertools.count(1)

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer a request as the service would, after as long."""
        name = request.url.path.rpartition("/")[2]
        if name == "listSessions":
            # Clients connect by it before the clock jumps.
            return httpx.Response(200, json={"value": []})
        await self._reach(request)
        identifier = request.url.params.get("identifier", "")
        match request.method, name:
            case "POST", "executions":
                return await self._execute(identifier, json.loads(request.content)["code"])
            case "GET", "session":
                return self._status(identifier)
            case "DELETE", "session":
                return self._delete(identifier)
            case _:
                raise NotImplementedError(f"{request.method} {name}")

    async def _reach(self, request: httpx.Request) -> None:
        now = self._loop.time()
        outage = next((each for each in self._outages if each.begins <= now < each.ends), None)
        if outage is None:
            await asyncio.sleep(self._traits.round_trip)
            return
        if outage.kind == "silent":
            await asyncio.sleep(request.extensions["timeout"]["connect"])
            raise httpx.ConnectTimeout("no answer", request=request)
        await asyncio.sleep(self._traits.round_trip)
        raise httpx.ConnectError("refused", request=request)

    async def _execute(self, identifier: str, code: str) -> httpx.Response:
        session = self._sessions.get(identifier)
        if session is None and len(self._sessions) >= self._traits.max_sessions:
            self.refusals += 1
            seconds = self._traits.retry_after
            headers = {} if seconds is None else {"retry-after": f"{seconds:g}"}
            return _error(429, "MaxConcurrentSessionsReached", headers)
        if session is None:
            session = self._allocate(identifier)
        session.calls += 1
        try:
            await session.is_allocated.wait()
            await asyncio.sleep(self._traits.overhead + seconds_of(code))
        finally:
            session.calls -= 1
            session.last_used = self._loop.time()
        return self._execution(session)

    def _allocate(self, identifier: str) -> "_Session":
        session = _Session(guid=f"session-{next(self._numbers)}", begun=self._loop.time())
        self._sessions[identifier] = session
        self.most_sessions = max(self.most_sessions, len(self._sessions))
        self._reserve.take(
            lambda: self._loop.call_later(self._traits.allocation, session.is_allocated.set)
        )
        self._look_again(identifier, session)
        return session

    def _look_again(self, identifier: str, session: "_Session") -> None:
        """End a session once it was idle for as long as it may be."""
        if self._sessions.get(identifier) is not session:
            return
        now = self._loop.time()
        since = now if session.calls else session.last_used
        ends_at = since + self._traits.cooldown
        if ends_at <= now:
            self._end(identifier, was_deleted=False)
        else:
            self._loop.call_at(ends_at, self._look_again, identifier, session)

    def _end(self, identifier: str, *, was_deleted: bool) -> None:
        session = self._sessions.pop(identifier)
        self.lifetimes.append(
            Lifetime(begun=session.begun, ended=self._loop.time(), was_deleted=was_deleted)
        )

    def _execution(self, session: "_Session") -> httpx.Response:
        body = {"status": "Succeeded", "result": {"stdout": "", "stderr": "", "executionResult": 1}}
        return httpx.Response(200, json=body, headers={"x-ms-session-guid": session.guid})

    def _status(self, identifier: str) -> httpx.Response:
        session = self._sessions.get(identifier)
        if session is None:
            return _error(400, "SessionWithIdentifierNotFound")
        session.last_used = self._loop.time()
        moments = {
            "createdAt": session.begun,
            "lastAccessedAt": session.last_used,
            "expireAt": session.last_used + self._traits.cooldown,
        }
        body = {name: _timestamp(seconds) for name, seconds in moments.items()}
        return httpx.Response(200, json=body | {"identifier": identifier, "etag": session.guid})

    def _delete(self, identifier: str) -> httpx.Response:
        if identifier not in self._sessions:
            return _error(400, "SessionWithIdentifierNotFound")
        self._end(identifier, was_deleted=True)
        return httpx.Response(204)


class AzureRegions(httpx.AsyncBaseTransport):
    """Session pools by host name, in place of the network."""

    def __init__(self, pools: dict[str, AzurePool]) -> None:
        self._pools = pools

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """See httpx.AsyncBaseTransport."""
        return await self._pools[request.url.host].answer(request)


def code_that_takes(seconds: float) -> str:
    """Code for an execution in the model."""
    return f"sleep({seconds:g})"


def seconds_of(code: str) -> float:
    """How long code of the model takes; any other takes no time."""
    is_ours = code.startswith("sleep(")
    return float(code.removeprefix("sleep(").removesuffix(")")) if is_ours else 0.0


@dataclass(kw_only=True)
class _Session:
    guid: str
    begun: float
    last_used: float = 0.0
    calls: int = 0
    is_allocated: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.last_used = self.begun


class _Reserve:
    """The sessions that are kept ready; whoever comes too late waits for the next one."""

    def __init__(self, traits: PoolTraits) -> None:
        self._ready = traits.ready
        self._start = traits.start
        self._waiting: deque[Callable[[], object]] = deque()

    def take(self, then: Callable[[], object]) -> None:
        """Do something as soon as there is a session for it."""
        asyncio.get_running_loop().call_later(self._start, self._refill)
        if self._ready:
            self._ready -= 1
            then()
        else:
            self._waiting.append(then)

    def _refill(self) -> None:
        if self._waiting:
            self._waiting.popleft()()
        else:
            self._ready += 1


def _error(status: int, code: str, headers: dict[str, str] | None = None) -> httpx.Response:
    return httpx.Response(status, json={"error": {"code": code, "message": code}}, headers=headers)


def _timestamp(seconds: float) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
