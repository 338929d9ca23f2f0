"""One session for programs that call it with await in one place and without it in another."""

import asyncio
import logging
import threading
import uuid
from collections.abc import Sequence

import anyio.to_thread

from dynamic_sessions.credentials import Credential
from dynamic_sessions.errors import ServiceError
from dynamic_sessions.functions import FunctionModule, InjectableFunction
from dynamic_sessions.pool import (
    DEFAULT_API_VERSION,
    DEFAULT_TIMEOUT_SECONDS,
    AsyncSessionPool,
)
from dynamic_sessions.session import AsyncSession
from dynamic_sessions.sync import Session, SessionPool

logger = logging.getLogger("dynamic_sessions")


class DualSession:
    """One session, reached natively by synchronous callers and by those of any event loop.

    Agent frameworks call the same tool both ways. Connections belong to an event loop, so each
    loop has its own, as synchronous callers have; what they share is the session itself. Calls of
    one kind in one loop run one after the other, others as the service takes them.

    Args:
        endpoint: See AsyncSessionPool.
        credential: See AsyncSessionPool.
        identifier: The caller's name for the session, which then is the caller's to end. By
            default a random one.
        functions: Functions of the caller's to have in the session before any code runs.
        functions_module: Name under which the code can import them.
        api_version: See AsyncSessionPool.
        timeout: Seconds that an execution may take where the call does not say; at most 220.
        session_pool: A pool to use in place of endpoint and credential. It stays the caller's to
            close, and serves callers of its own kind alone.

    Raises:
        ValueError: No pool was named, an argument is out of range, or the identifier is not valid.
        FunctionSourceError: A function cannot travel.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        credential: Credential | None = None,
        *,
        identifier: str | None = None,
        functions: Sequence[InjectableFunction] | FunctionModule = (),
        functions_module: str = "functions",
        api_version: str = DEFAULT_API_VERSION,
        timeout: float = DEFAULT_TIMEOUT_SECONDS,
        session_pool: AsyncSessionPool | SessionPool | None = None,
    ) -> None:
        if session_pool is not None and (endpoint is not None or credential is not None):
            raise ValueError("A session pool has its own endpoint and credential.")
        if not isinstance(functions, FunctionModule):
            functions = FunctionModule.from_functions(functions, name=functions_module)
        self.functions = functions
        self.identifier = identifier or str(uuid.uuid4())
        self._is_named = bool(identifier)
        self._endpoint = endpoint
        self._credential = credential
        self._api_version = api_version
        self._timeout = timeout
        self._shared_pool = session_pool
        self._lock = threading.Lock()
        self._was_used = False
        self._pool: SessionPool | None = None
        self._session: Session | None = None
        self._async_pools: dict[asyncio.AbstractEventLoop, AsyncSessionPool] = {}
        self._async_sessions: dict[asyncio.AbstractEventLoop, AsyncSession] = {}
        # Nothing is sent for this: what is wrong with the arguments is told here.
        (session_pool or self._open_async_pool()).session(self.identifier)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(identifier={self.identifier!r})"

    def session(self) -> Session:
        """Return the session for synchronous callers, in any thread.

        Raises:
            TypeError: The session pool that was given is an asynchronous one.
        """
        if isinstance(self._shared_pool, AsyncSessionPool):
            raise TypeError(
                "This session was given an AsyncSessionPool, which only asynchronous calls can "
                "use. Await the asynchronous one of the two, or give an endpoint."
            )
        with self._lock:
            self._was_used = True
            if self._session is None:
                pool = self._shared_pool or self._pool or self._open_pool()
                self._pool = pool
                self._session = pool.session(self.identifier, functions=self.functions)
            return self._session

    def async_session(self) -> AsyncSession:
        """Return the session for callers in the running event loop, one of asyncio.

        Raises:
            TypeError: The session pool that was given is a synchronous one.
            RuntimeError: No event loop is running.
        """
        if isinstance(self._shared_pool, SessionPool):
            raise TypeError(
                "This session was given a SessionPool, which only synchronous calls can use. Call "
                "the synchronous one of the two, or give an endpoint."
            )
        loop = asyncio.get_running_loop()
        with self._lock:
            self._was_used = True
            self._forget_closed_loops()
            if loop not in self._async_sessions:
                pool = self._shared_pool or self._async_pools.get(loop) or self._open_async_pool()
                self._async_pools[loop] = pool
                self._async_sessions[loop] = pool.session(self.identifier, functions=self.functions)
            return self._async_sessions[loop]

    def close(self) -> None:
        """Delete the session, unless the caller named it, and close synchronous connections.

        Connections of an event loop can be closed only there: see aclose().

        Raises:
            TypeError: The session pool that was given is an asynchronous one, and there is a
                session to delete.
        """
        if self._is_to_be_deleted():
            _delete_quietly(self.session())
        pool = self._forget_session()
        if pool is not None and self._shared_pool is None:
            pool.close()

    async def aclose(self) -> None:
        """Delete the session, unless the caller named it, and close this event loop's connections.

        Synchronous ones are closed too.
        """
        if isinstance(self._shared_pool, SessionPool):
            await anyio.to_thread.run_sync(self.close)
            return
        if self._is_to_be_deleted():
            await _delete_quietly_async(self.async_session())
        pool = self._forget_session()
        with self._lock:
            async_pool = self._async_pools.pop(asyncio.get_running_loop(), None)
        if async_pool is not None and self._shared_pool is None:
            await async_pool.close()
        if pool is not None:
            await anyio.to_thread.run_sync(pool.close)

    def _is_to_be_deleted(self) -> bool:
        with self._lock:
            return self._was_used and not self._is_named

    def _forget_session(self) -> SessionPool | None:
        """Forget all that is known of the live session, in every event loop."""
        with self._lock:
            pool, self._pool = self._pool, None
            self._session = None
            self._async_sessions.clear()
            self._forget_closed_loops()
            self._was_used = False
            return pool

    def _forget_closed_loops(self) -> None:
        for loop in [loop for loop in self._async_pools if loop.is_closed()]:
            del self._async_pools[loop]
            self._async_sessions.pop(loop, None)

    def _open_pool(self) -> SessionPool:
        return SessionPool(
            self._endpoint,
            self._credential,
            api_version=self._api_version,
            timeout=self._timeout,
        )

    def _open_async_pool(self) -> AsyncSessionPool:
        return AsyncSessionPool(
            self._endpoint,
            self._credential,
            api_version=self._api_version,
            timeout=self._timeout,
        )


_NOT_DELETED = "The session could not be deleted when it was closed: %s"


def _delete_quietly(session: Session) -> None:
    try:
        session.delete()
    except ServiceError as error:
        logger.warning(_NOT_DELETED, error)


async def _delete_quietly_async(session: AsyncSession) -> None:
    try:
        await session.delete()
    except ServiceError as error:
        logger.warning(_NOT_DELETED, error)
