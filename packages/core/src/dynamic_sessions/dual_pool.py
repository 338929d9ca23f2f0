"""One session pool for programs that call it with await in one place and without it in another."""

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

import anyio
import anyio.to_thread

from dynamic_sessions.credentials import Credential
from dynamic_sessions.errors import ServiceError
from dynamic_sessions.functions import FunctionModule
from dynamic_sessions.history import SessionHistory
from dynamic_sessions.parting import Access, delete_at_parting
from dynamic_sessions.pool import (
    DEFAULT_API_VERSION,
    DEFAULT_TIMEOUT_SECONDS,
    AsyncSessionPool,
)
from dynamic_sessions.session import AsyncSession, OnCancel
from dynamic_sessions.sync import Session, SessionPool

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

logger = logging.getLogger("dynamic_sessions")

MOST_SESSIONS_REMEMBERED = 10_000
"""Beyond these the ones that were used longest ago are forgotten; they end by their idle time."""

_DELETIONS_AT_ONCE = 8

# Each holds on to connections, and the newest may not have been used yet.
_ACCESSES_KEPT = 4

PoolT = TypeVar("PoolT", SessionPool, AsyncSessionPool)
SessionT = TypeVar("SessionT", Session, AsyncSession)


class DualSessionPool:
    """A session pool, reached natively by synchronous callers and by those of any event loop.

    Agent frameworks call the same tool both ways. Connections belong to an event loop, so each
    loop has its own, as synchronous callers have; what they share is the sessions themselves.
    Calls of one kind in one loop and session run one after the other, others as the service takes
    them.

    Sessions whose identifier the caller did not name are deleted by close() or aclose(), at the
    latest when the program ends.

    Args:
        endpoint: See AsyncSessionPool.
        credential: See AsyncSessionPool.
        api_version: See AsyncSessionPool.
        timeout: Seconds that an execution may take where the call does not say; at most 220.
        functions: Functions of the caller's to have in every session before any code runs.
        on_cancel: See AsyncSessionPool.
        session_pool: A pool to use in place of endpoint and credential. It stays the caller's to
            close, and serves callers of its own kind alone.

    Raises:
        ValueError: No pool was named, or an argument is out of range.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        credential: Credential | None = None,
        *,
        api_version: str = DEFAULT_API_VERSION,
        timeout: float = DEFAULT_TIMEOUT_SECONDS,
        functions: FunctionModule | None = None,
        on_cancel: OnCancel = "delete",
        session_pool: AsyncSessionPool | SessionPool | None = None,
    ) -> None:
        if session_pool is not None and (endpoint is not None or credential is not None):
            raise ValueError("A session pool has its own endpoint and credential.")
        self.functions = functions or FunctionModule.from_functions(())
        self._endpoint = endpoint
        self._credential = credential
        self._api_version = api_version
        self._timeout = timeout
        self._on_cancel: OnCancel = on_cancel
        self._shared_pool = session_pool
        self._lock = threading.Lock()
        self._own = _OwnSessions()
        self._connections: dict[AbstractEventLoop, _Connection[AsyncSessionPool, AsyncSession]] = {}
        self._connection: _Connection[SessionPool, Session] | None = None
        # Nothing is sent for this: what is wrong with the arguments is told here.
        self.endpoint = (session_pool or self._open_async_pool()).endpoint
        delete_at_parting(self, self._own, self._own.access)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(endpoint={self.endpoint!r})"

    def session(
        self, identifier: str, *, is_named: bool, history: SessionHistory | None = None
    ) -> Session:
        """Return a session for synchronous callers, in any thread, without a network call.

        Args:
            identifier: See AsyncSessionPool.session().
            is_named: Whether the caller named it, and so ends it; otherwise this pool does.
            history: See AsyncSessionPool.session(); counts where the session is new here.

        Raises:
            TypeError: The session pool that was given is an asynchronous one.
            ValueError: The identifier is not valid.
        """
        if isinstance(self._shared_pool, AsyncSessionPool):
            raise TypeError(
                "An AsyncSessionPool was given, which only asynchronous calls can use. Await the "
                "asynchronous one of the two, or give an endpoint."
            )
        with self._lock:
            if self._connection is None:
                pool = self._shared_pool or self._open_pool()
                self._connection = _Connection(pool=pool)
                self._own.accesses.append(pool.access)
            pool = self._connection.pool
            session = self._connection.session(
                identifier,
                lambda: pool.session(identifier, functions=self.functions, history=history),
            )
            if not is_named:
                self._own.identifiers[identifier] = None
            return session

    def async_session(
        self, identifier: str, *, is_named: bool, history: SessionHistory | None = None
    ) -> AsyncSession:
        """Return a session for callers in the running event loop, one of asyncio; see session().

        Raises:
            TypeError: The session pool that was given is a synchronous one.
            ValueError: The identifier is not valid.
            RuntimeError: No event loop is running.
        """
        if isinstance(self._shared_pool, SessionPool):
            raise TypeError(
                "A SessionPool was given, which only synchronous calls can use. Call the "
                "synchronous one of the two, or give an endpoint."
            )
        loop = _running_loop()
        with self._lock:
            self._forget_closed_loops()
            if loop not in self._connections:
                pool = self._shared_pool or self._open_async_pool()
                self._connections[loop] = _Connection(pool=pool)
                self._own.accesses.append(pool.access)
            connection = self._connections[loop]
            session = connection.session(
                identifier,
                lambda: connection.pool.session(
                    identifier, functions=self.functions, history=history
                ),
            )
            if not is_named:
                self._own.identifiers[identifier] = None
            return session

    def delete(self, identifier: str) -> None:
        """End a session, whoever named it; one that is gone already is no error.

        Raises:
            TypeError: See session().
            ServiceError: The service, or the way to it, failed.
        """
        self.session(identifier, is_named=True).delete()
        self._forget(identifier)

    async def adelete(self, identifier: str) -> None:
        """End a session, whoever named it; see delete()."""
        await self.async_session(identifier, is_named=True).delete()
        self._forget(identifier)

    def close(self) -> None:
        """Delete the sessions that the caller did not name, and close synchronous connections.

        Connections of an event loop can be closed only there: see aclose().

        Raises:
            TypeError: The session pool that was given is an asynchronous one, and there are
                sessions to delete.
        """
        for identifier in self._own.unnamed:
            session = self.session(identifier, is_named=True)
            try:
                session.delete()
            except ServiceError as error:
                logger.warning(_NOT_DELETED, error)
        connection = self._forget_all()
        if connection is not None and self._shared_pool is None:
            connection.pool.close()

    async def aclose(self) -> None:
        """Delete the sessions that the caller did not name, and close this loop's connections.

        Synchronous ones are closed too.
        """
        if isinstance(self._shared_pool, SessionPool):
            await anyio.to_thread.run_sync(self.close)
            return
        limiter = anyio.Semaphore(_DELETIONS_AT_ONCE)
        async with anyio.create_task_group() as tasks:
            for identifier in self._own.unnamed:
                session = self.async_session(identifier, is_named=True)
                tasks.start_soon(_delete_quietly, session, limiter)
        with self._lock:
            own = self._connections.pop(_running_loop(), None)
        connection = self._forget_all()
        if own is not None and self._shared_pool is None:
            await own.pool.close()
        if connection is not None:
            await anyio.to_thread.run_sync(connection.pool.close)

    def _forget(self, identifier: str) -> None:
        with self._lock:
            self._own.identifiers.pop(identifier, None)
            connections = [self._connection, *self._connections.values()]
            for connection in connections:
                if connection is not None:
                    connection.sessions.pop(identifier, None)

    def _forget_all(self) -> "_Connection[SessionPool, Session] | None":
        """Forget what is known of all sessions; return the connections that can be closed here.

        Those of other event loops are theirs to close, and may go on being used.
        """
        with self._lock:
            connection, self._connection = self._connection, None
            self._forget_closed_loops()
            self._own.identifiers.clear()
            self._own.accesses.clear()
            for other in self._connections.values():
                other.sessions.clear()
                self._own.accesses.append(other.pool.access)
            return connection

    def _forget_closed_loops(self) -> None:
        for loop in [loop for loop in self._connections if loop.is_closed()]:
            del self._connections[loop]

    def _open_pool(self) -> SessionPool:
        return SessionPool(
            self._endpoint,
            self._credential,
            api_version=self._api_version,
            timeout=self._timeout,
            on_cancel=self._on_cancel,
        )

    def _open_async_pool(self) -> AsyncSessionPool:
        return AsyncSessionPool(
            self._endpoint,
            self._credential,
            api_version=self._api_version,
            timeout=self._timeout,
            on_cancel=self._on_cancel,
        )


_NOT_DELETED = "A session could not be deleted when its pool was closed: %s"


@dataclass(frozen=True, kw_only=True)
class _Connection(Generic[PoolT, SessionT]):
    """A pool of one kind, with its sessions: they know what was set up in them."""

    pool: PoolT
    sessions: OrderedDict[str, SessionT] = field(default_factory=OrderedDict[str, SessionT])

    def session(self, identifier: str, make: Callable[[], SessionT]) -> SessionT:
        session = self.sessions.get(identifier) or make()
        self.sessions[identifier] = session
        self.sessions.move_to_end(identifier)
        if len(self.sessions) > MOST_SESSIONS_REMEMBERED:
            self.sessions.popitem(last=False)
        return session


@dataclass(kw_only=True)
class _OwnSessions:
    """The sessions that end with a dual pool, and ways to end them when nothing else is left."""

    accesses: deque[Callable[[], Sequence[Access]]] = field(
        default_factory=lambda: deque[Callable[[], Sequence[Access]]](maxlen=_ACCESSES_KEPT)
    )
    identifiers: dict[str, None] = field(default_factory=dict[str, None])

    @property
    def unnamed(self) -> tuple[str, ...]:
        return tuple(self.identifiers)

    def access(self) -> Sequence[Access]:
        """Return what the newest connection that has sent anything yields."""
        found = (access() for access in reversed(self.accesses))
        return next((item for item in found if item), ())


def _running_loop() -> "AbstractEventLoop":
    # Imported already wherever one is running.
    from asyncio import get_running_loop  # noqa: PLC0415

    return get_running_loop()


async def _delete_quietly(session: AsyncSession, limiter: anyio.Semaphore) -> None:
    async with limiter:
        try:
            await session.delete()
        except ServiceError as error:
            logger.warning(_NOT_DELETED, error)
