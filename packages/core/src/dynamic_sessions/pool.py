"""A session pool, in Azure or on this machine."""

import logging
import math
import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Self

import anyio
import httpx

from dynamic_sessions.credentials import Credential
from dynamic_sessions.deadlines import Deadlines
from dynamic_sessions.endpoints import choose_endpoint, resolve_endpoint
from dynamic_sessions.errors import ServiceError, ServiceTimeoutError
from dynamic_sessions.functions import FunctionModule, InjectableFunction
from dynamic_sessions.history import DEFAULT_HISTORY_LIMIT, SessionHistory
from dynamic_sessions.identifiers import check_identifier
from dynamic_sessions.ledger import SessionLedger
from dynamic_sessions.models import ClosingReport, SessionStatus
from dynamic_sessions.parting import delete_at_parting
from dynamic_sessions.retries import RetryPolicy
from dynamic_sessions.service import PoolService
from dynamic_sessions.session import AsyncSession, OnCancel, SessionSettings
from dynamic_sessions.time_limits import check_timeout
from dynamic_sessions.transport import Sender, Transport

logger = logging.getLogger("dynamic_sessions")

DEFAULT_API_VERSION = "2025-10-02-preview"
DEFAULT_TIMEOUT_SECONDS = 60.0
DEFAULT_LONG_RUN_SECONDS = 100.0
DEFAULT_OUTPUT_LIMIT = 1_000_000
DEFAULT_COOLDOWN_SECONDS = 300.0
"""The shortest that a session pool can have (Azure documentation)."""

DEFAULT_UPLOAD_LIMIT = 128 * 1024 * 1024
"""What the service takes (Azure documentation)."""

_API_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-preview)?")


class AsyncSessionPool:
    """A pool of sessions behind one endpoint, over one pool of connections.

    Args:
        endpoint: The pool management endpoint of a session pool in Azure, or "local" for the
            sandboxed pool of this process, which starts on first use. By default the environment
            variable DYNAMIC_SESSIONS_ENDPOINT.
        credential: An object with azure-core's get_token, synchronous or not, or a static token.
            By default the environment variable DYNAMIC_SESSIONS_TOKEN, else azure-identity's
            DefaultAzureCredential. The local pool needs none.
        api_version: Chooses the dialect: versions before 2024-10-02-preview are the legacy one.
        timeout: Seconds that an execution may take where the call does not say; at most 220.
        long_run: Seconds of time limit above which executions are asynchronous, so that a lost
            connection does not lose their result; math.inf for never. Legacy API versions have
            none.
        output_limit: Characters of stdout and of stderr to ask the service for. Without it the
            service cuts both at 4096.
        upload_limit: Bytes of a file above which an upload is refused before it is sent.
        cooldown: Seconds without a call after which a session may have ended: the session pool's
            cooldownPeriodInSeconds. After that long, a session is looked at before code is sent.
        on_cancel: What becomes of code whose call was cancelled or got no answer in time.
            "delete" stops it by deleting its session; "leave" lets it end by itself.
        max_sessions: How many sessions to have at a time, so that further ones wait their turn
            instead of being refused by the service. One that the caller named counts until it is
            deleted or its cooldown is over. By default as many as the service grants.
        history_limit: How many executions the history of each session keeps; 0 for none.
        deadlines: Bounds of all other waits.
        retry_policy: How often and how soon calls are sent again, where that is safe.
        transport: Takes the place of the network, for tests.

    Raises:
        ValueError: No endpoint was given or set, or an argument is out of range.

    A pool belongs to the event loop that first uses it, under asyncio or trio, and to its process.
    Sessions whose identifier the pool chose are deleted when it closes, at the latest when the
    program ends; sessions that the caller named live on until their idle time ends.

    Attributes:
        endpoint: The endpoint in use.
        history_limit: How many executions the history of each session keeps.
        access: Yields what a last, blocking call needs, for whoever ends sessions in the pool's
            place; nothing where nothing was ever sent.
    """

    def __init__(
        self,
        endpoint: str | None = None,
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
        if not _API_VERSION.fullmatch(api_version):
            raise ValueError(
                f"{api_version!r} is not an API version such as {DEFAULT_API_VERSION}."
            )
        if output_limit < 1 or upload_limit < 1:
            raise ValueError("output_limit is in characters, upload_limit in bytes, at least 1.")
        if max_sessions is not None and max_sessions < 1:
            raise ValueError("max_sessions is at least 1, or None.")
        if history_limit < 0:
            raise ValueError("history_limit is a number of executions, 0 for none.")
        if on_cancel not in {"delete", "leave"}:
            raise ValueError(f'on_cancel is "delete" or "leave", not {on_cancel!r}.')
        if math.isnan(cooldown) or math.isnan(long_run):
            raise ValueError("cooldown and long_run are numbers of seconds.")
        self.endpoint = choose_endpoint(endpoint)
        self.history_limit = history_limit
        self._settings = SessionSettings(
            timeout=check_timeout(timeout),
            long_run=long_run,
            on_cancel=on_cancel,
            cooldown=cooldown,
        )
        deadlines = deadlines or Deadlines()
        self._ledger = SessionLedger(limit=max_sessions, patience=deadlines.place, idle=cooldown)

        def open_transport(endpoint: str) -> Transport:
            return Transport(
                partial(resolve_endpoint, endpoint, credential),
                transport=transport,
                deadlines=deadlines,
                retry_policy=retry_policy,
            )

        sender = self._open(open_transport)
        self._service = PoolService(
            sender,
            deadlines,
            api_version=api_version,
            output_limit=output_limit,
            upload_limit=upload_limit,
        )
        self.access = sender.access
        self._parting = delete_at_parting(self, self._ledger, self.access)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(endpoint={self.endpoint!r})"

    def session(
        self,
        identifier: str | None = None,
        *,
        functions: Sequence[InjectableFunction] | FunctionModule = (),
        functions_module: str = "functions",
        install_missing: bool = False,
        history: SessionHistory | None = None,
    ) -> AsyncSession:
        """Return a session by its name, without a network call.

        Args:
            identifier: 4 to 128 letters, digits and common signs. The same name reaches the same
                session, from any program that may use the pool: where it derives from users'
                names, make it with identifier_for(). By default a random one.
            functions: Functions of the caller's to have in the session before any code runs.
            functions_module: Name under which the code can import them.
            install_missing: Whether packages that functions require and the session lacks are
                installed there; the session needs a network for it.
            history: Where to keep what is run, for sessions that are to share it; by default a
                history of this object's own.

        Raises:
            ValueError: The identifier is not valid.
            FunctionSourceError: A function cannot travel.
        """
        if not isinstance(functions, FunctionModule):
            functions = FunctionModule.from_functions(
                functions, name=functions_module, install_missing=install_missing
            )
        elif install_missing:
            functions = replace(functions, install_missing=True)
        name = str(uuid.uuid4()) if identifier is None else check_identifier(identifier)
        return AsyncSession(
            name,
            self._service,
            functions=functions,
            settings=self._settings,
            ledger=self._ledger,
            history=SessionHistory(self.history_limit) if history is None else history,
            is_named=identifier is not None,
        )

    async def list_sessions(self) -> Sequence[SessionStatus]:
        """List the sessions of the pool that are alive, whoever made them.

        Raises:
            ServiceError: The service, or the way to it, failed.
        """
        return await self._service.list_sessions()

    async def close(self) -> ClosingReport:
        """Delete the sessions whose identifiers the pool chose, and close all connections.

        Returns:
            Which sessions were deleted, and which may be left behind; these are logged, too.
        """
        self._parting.detach()
        failed: dict[str, ServiceError] = {}
        identifiers = self._ledger.unnamed if self._service.is_connected else ()
        with anyio.move_on_after(self._service.deadlines.closing, shield=True):
            async with anyio.create_task_group() as tasks:
                for identifier in identifiers:
                    failed[identifier] = ServiceTimeoutError(
                        "delete session: no answer before the pool was closed.",
                        operation="delete session",
                        outcome_unknown=True,
                    )
                    tasks.start_soon(self._delete_session, identifier, failed)
        with anyio.CancelScope(shield=True):
            await self._service.close()
        for error in failed.values():
            logger.warning("A session could not be deleted when its pool closed: %s", error)
        return ClosingReport(
            deleted=tuple(name for name in identifiers if name not in failed), failed=failed
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def _open(self, open_transport: Callable[[str], Transport]) -> Sender:
        """Return what sends to the endpoint; nothing is sent for it."""
        return open_transport(self.endpoint)

    async def _delete_session(self, identifier: str, failed: dict[str, ServiceError]) -> None:
        try:
            await self._service.delete_session(identifier)
        except ServiceError as error:
            failed[identifier] = error
        else:
            del failed[identifier]
            self._ledger.leave(identifier)
