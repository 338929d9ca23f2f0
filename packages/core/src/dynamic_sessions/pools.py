"""Several session pools behind one object."""

from collections.abc import Callable, Sequence

import httpx

from dynamic_sessions.credentials import Credential
from dynamic_sessions.deadlines import Deadlines
from dynamic_sessions.endpoints import choose_endpoint
from dynamic_sessions.functions import FunctionModule, InjectableFunction
from dynamic_sessions.history import DEFAULT_HISTORY_LIMIT, SessionHistory
from dynamic_sessions.placement import Placement
from dynamic_sessions.pool import (
    DEFAULT_API_VERSION,
    DEFAULT_COOLDOWN_SECONDS,
    DEFAULT_LONG_RUN_SECONDS,
    DEFAULT_OUTPUT_LIMIT,
    DEFAULT_TIMEOUT_SECONDS,
    DEFAULT_UPLOAD_LIMIT,
    AsyncSessionPool,
)
from dynamic_sessions.retries import RetryPolicy
from dynamic_sessions.session import AsyncSession, OnCancel
from dynamic_sessions.transport import Sender, Transport


class AsyncSessionPools(AsyncSessionPool):
    """Several session pools, in one region or in many, that act as one.

    For more sessions than one pool grants, and for a pool or a region that fails. Goes wherever an
    AsyncSessionPool goes.

    Each session is in one pool: the one that its identifier points to. Where that is full or out
    of reach, a new session begins in the next one, without waiting; a session that has begun never
    moves, and its calls fail for as long as its pool cannot be reached. Every program that is given
    the same endpoints, in any order, finds the same session: one that it has not used within the
    cooldown it looks for in all pools, which takes as long as one more call.

    If a pool that may have a session cannot be asked for it, a new one begins in another pool after
    the cooldown, or at once in a program that never used it, and the next result has
    `session_recycled`.

    Args:
        endpoints: The pool management endpoint of each session pool.
        credential: For all of them; see AsyncSessionPool.
        api_version: See AsyncSessionPool.
        timeout: See AsyncSessionPool.
        long_run: See AsyncSessionPool.
        output_limit: See AsyncSessionPool.
        upload_limit: See AsyncSessionPool.
        cooldown: See AsyncSessionPool; the shortest of the pools'.
        on_cancel: See AsyncSessionPool.
        max_sessions: How many sessions to have at a time, in all pools together; see
            AsyncSessionPool.
        history_limit: See AsyncSessionPool.
        deadlines: See AsyncSessionPool.
        retry_policy: See AsyncSessionPool; also how often all pools are tried again with a new
            session when all of them were full.
        transport: See AsyncSessionPool.

    Raises:
        ValueError: There is no endpoint, one comes twice, or an argument is out of range.

    Attributes:
        endpoints: Those in use.
        endpoint: The same in one line.
    """

    def __init__(
        self,
        endpoints: Sequence[str],
        credential: Credential | None = None,
        *,
        api_version: str = DEFAULT_API_VERSION,
        timeout: float = DEFAULT_TIMEOUT_SECONDS,
        long_run: float = DEFAULT_LONG_RUN_SECONDS,
        output_limit: int = DEFAULT_OUTPUT_LIMIT,
        upload_limit: int = DEFAULT_UPLOAD_LIMIT,
        cooldown: float = DEFAULT_COOLDOWN_SECONDS,
        on_cancel: OnCancel = "delete",
        max_sessions: int | None = None,
        history_limit: int = DEFAULT_HISTORY_LIMIT,
        deadlines: Deadlines | None = None,
        retry_policy: RetryPolicy | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.endpoints = _check_endpoints(endpoints)
        self._cooldown = cooldown
        self._retry_policy = retry_policy or RetryPolicy()
        super().__init__(
            self.endpoints[0],
            credential,
            api_version=api_version,
            timeout=timeout,
            long_run=long_run,
            output_limit=output_limit,
            upload_limit=upload_limit,
            cooldown=cooldown,
            on_cancel=on_cancel,
            max_sessions=max_sessions,
            history_limit=history_limit,
            deadlines=deadlines,
            retry_policy=retry_policy,
            transport=transport,
        )
        self.endpoint = ", ".join(self.endpoints)

    def session(
        self,
        identifier: str | None = None,
        *,
        functions: Sequence[InjectableFunction] | FunctionModule = (),
        functions_module: str = "functions",
        install_missing: bool = False,
        history: SessionHistory | None = None,
    ) -> AsyncSession:
        """Return a session by its name, without a network call; see AsyncSessionPool.session()."""
        session = super().session(
            identifier,
            functions=functions,
            functions_module=functions_module,
            install_missing=install_missing,
            history=history,
        )
        if identifier is None:
            self._placement.note_new(session.identifier, session)
        return session

    def _open(self, open_transport: Callable[[str], Transport]) -> Sender:
        self._placement = Placement(
            {endpoint: open_transport(endpoint) for endpoint in self.endpoints},
            cooldown=self._cooldown,
            retry_policy=self._retry_policy,
        )
        return self._placement


def _check_endpoints(endpoints: Sequence[str]) -> tuple[str, ...]:
    if isinstance(endpoints, str):
        raise TypeError("endpoints is a list of them; for a single one there is AsyncSessionPool.")
    # Which pool an identifier points to must not depend on how its endpoint is written.
    chosen = tuple(choose_endpoint(endpoint).rstrip("/") for endpoint in endpoints)
    if not chosen or len(set(chosen)) < len(chosen):
        raise ValueError("endpoints names at least one session pool, and none twice.")
    return chosen
