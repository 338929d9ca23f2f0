"""One session for programs that call it with await in one place and without it in another."""

import uuid
from collections.abc import Sequence

from dynamic_sessions.credentials import Credential
from dynamic_sessions.dual_pool import DualSessionPool
from dynamic_sessions.functions import FunctionModule, InjectableFunction
from dynamic_sessions.history import DEFAULT_HISTORY_LIMIT, SessionHistory
from dynamic_sessions.identifiers import check_identifier
from dynamic_sessions.pool import (
    DEFAULT_API_VERSION,
    DEFAULT_TIMEOUT_SECONDS,
    AsyncSessionPool,
)
from dynamic_sessions.session import AsyncSession
from dynamic_sessions.sync import Session, SessionPool


class DualSession:
    """One session, reached natively by synchronous callers and by those of any event loop.

    It is the one session of a DualSessionPool, which see for what the two kinds of caller share.

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

    Attributes:
        identifier: The name of the session.
        functions: The functions that are set up before any other code.
        history: What was run in the session for callers of either kind.
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
        if not isinstance(functions, FunctionModule):
            functions = FunctionModule.from_functions(functions, name=functions_module)
        self.functions = functions
        self.identifier = check_identifier(identifier or str(uuid.uuid4()))
        self.history = SessionHistory(
            DEFAULT_HISTORY_LIMIT if session_pool is None else session_pool.history_limit
        )
        self._is_named = bool(identifier)
        self._pool = DualSessionPool(
            endpoint,
            credential,
            api_version=api_version,
            timeout=timeout,
            functions=functions,
            session_pool=session_pool,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}(identifier={self.identifier!r})"

    def session(self) -> Session:
        """Return the session for synchronous callers, in any thread.

        Raises:
            TypeError: The session pool that was given is an asynchronous one.
        """
        return self._pool.session(self.identifier, is_named=self._is_named, history=self.history)

    def async_session(self) -> AsyncSession:
        """Return the session for callers in the running event loop, one of asyncio.

        Raises:
            TypeError: The session pool that was given is a synchronous one.
            RuntimeError: No event loop is running.
        """
        return self._pool.async_session(
            self.identifier, is_named=self._is_named, history=self.history
        )

    def close(self) -> None:
        """Delete the session, unless the caller named it, and close synchronous connections.

        Connections of an event loop can be closed only there: see aclose().

        Raises:
            TypeError: The session pool that was given is an asynchronous one, and there is a
                session to delete.
        """
        self._pool.close()

    async def aclose(self) -> None:
        """Delete the session, unless the caller named it, and close this event loop's connections.

        Synchronous ones are closed too.
        """
        await self._pool.aclose()
