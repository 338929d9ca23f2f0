"""Which session belongs to whom: one to each client connection."""

import logging
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

import anyio
from mcp.shared.exceptions import MCPError
from mcp.types import UNSUPPORTED_PROTOCOL_VERSION, UnsupportedProtocolVersionErrorData
from mcp.types.version import HANDSHAKE_PROTOCOL_VERSIONS

from dynamic_sessions import (
    AsyncSession,
    AsyncSessionPool,
    Credential,
    FunctionModule,
    ServiceError,
)

if TYPE_CHECKING:
    from mcp.server.context import ServerRequestContext

logger = logging.getLogger("dynamic_sessions_mcp")

IDLE_SECONDS = 1800.0
"""Time without a call after which an HTTP client's connection counts as ended."""

IDENTIFIER_HEADER = "dynamic-sessions-identifier"
"""By which an HTTP client names its session, to find it again over another connection."""

CONNECTION_HEADER = "mcp-session-id"
"""The protocol's own name of an HTTP client's connection."""

_Kind: TypeAlias = Literal["connection", "name"]
_Key: TypeAlias = tuple[_Kind, str]

_ONLY_CONNECTION = ""
"""Over standard input and output, and in memory, there is one to each run of a server."""

RequestContext: TypeAlias = "ServerRequestContext[ClientSessions]"


@dataclass(kw_only=True)
class ClientSession:
    """A client's session, and whether it exists.

    Attributes:
        session: The session, or what will be one.
        is_named: Whether somebody named it, who then is the one to end it.
        was_used: Whether a call may have brought it into being. Listings are not worth that.
        last_call: When the client last sent anything.
    """

    session: AsyncSession
    is_named: bool
    was_used: bool = False
    last_call: float = 0.0

    def use(self) -> AsyncSession:
        """Return the session, for calls that bring it into being."""
        self.was_used = True
        return self.session


class ClientSessions:
    """The sessions of all clients that a server has at the time.

    Args:
        pool: Where sessions live.
        functions: What each of them has.
        identifier: The operator's name for the one session that all clients then share.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        pool: AsyncSessionPool,
        *,
        functions: FunctionModule,
        identifier: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._functions = functions
        self._identifier = identifier
        self._clock = clock
        self._held: dict[_Key, ClientSession] = {}

    async def of(self, context: RequestContext) -> ClientSession:
        """Return the session of the client that sent a request.

        Raises:
            MCPError: The client speaks a version of the protocol that has no connections over
                HTTP, and has not named its session.
            ValueError: It has, but by what is no identifier.
        """
        headers = _headers(context)
        identifier = headers.get(IDENTIFIER_HEADER, self._identifier)
        if identifier is not None:
            return self._hold(("name", identifier), identifier)
        check_has_connections(context)
        return await self.of_connection(headers.get(CONNECTION_HEADER, _ONLY_CONNECTION))

    async def of_connection(self, connection: str) -> ClientSession:
        """Return the session that belongs to a connection; those of silent ones end."""
        before = self._clock() - IDLE_SECONDS
        for kind, name in [key for key, held in self._held.items() if held.last_call < before]:
            await self._let_go(kind, name)
        return self._hold(("connection", connection), None)

    async def end(self, connection: str) -> None:
        """Delete the session of a connection that has ended."""
        await self._let_go("connection", connection)

    async def end_all(self) -> None:
        """Delete all sessions but those with names."""
        for kind, name in list(self._held):
            await self._let_go(kind, name)

    def _hold(self, key: _Key, identifier: str | None) -> ClientSession:
        held = self._held.get(key)
        if held is None:
            session = self._pool.session(identifier, functions=self._functions)
            held = self._held[key] = ClientSession(session=session, is_named=identifier is not None)
        held.last_call = self._clock()
        return held

    async def _let_go(self, kind: _Kind, name: str) -> None:
        held = self._held.pop((kind, name), None)
        if held is None or held.is_named or not held.was_used:
            return
        try:
            await held.session.delete()
        except ServiceError as error:
            logger.warning("A session could not be deleted when its client left: %s", error)


@dataclass(frozen=True, kw_only=True)
class SessionSource:
    """Where the sessions of clients come from.

    Attributes:
        endpoint: See AsyncSessionPool.
        credential: Likewise.
        session_pool: A pool of the caller's, who closes it, in place of an endpoint.
        identifier: Name of one session for all clients, which outlives them.
        functions: What each session has.

    Raises:
        ValueError: No session pool was named, or two were, or the identifier is not valid.
    """

    endpoint: str | None = None
    credential: Credential | None = field(default=None, repr=False)
    session_pool: AsyncSessionPool | None = None
    identifier: str | None = None
    functions: FunctionModule

    def __post_init__(self) -> None:
        """Refuse, before anything runs, what would fail with the first call."""
        if self.session_pool is not None and (self.endpoint or self.credential) is not None:
            raise ValueError("Give either a session pool, or an endpoint and its credential.")
        self._pool().session(self.identifier)

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[ClientSessions]:
        """Hold the sessions of clients, and delete them at the end, but for those with names."""
        pool = self._pool()
        sessions = ClientSessions(pool, functions=self.functions, identifier=self.identifier)
        try:
            yield sessions
        finally:
            with anyio.CancelScope(shield=True):
                await sessions.end_all()
                if self.session_pool is None:
                    await pool.close()

    def _pool(self) -> AsyncSessionPool:
        return self.session_pool or AsyncSessionPool(self.endpoint, self.credential)


def check_has_connections(context: RequestContext) -> None:
    """Refuse requests of a client that has no connection to hold a session by.

    From 2026-07-28 on, a request over HTTP stands for itself. Clients that are told of older
    versions take one of these and connect.

    Raises:
        MCPError: The request is one of them.
    """
    headers = _headers(context)
    if context.request is None or CONNECTION_HEADER in headers or IDENTIFIER_HEADER in headers:
        return
    supported = UnsupportedProtocolVersionErrorData(
        supported=list(HANDSHAKE_PROTOCOL_VERSIONS), requested=context.protocol_version
    )
    raise MCPError(
        UNSUPPORTED_PROTOCOL_VERSION,
        "A session belongs to a connection, which this protocol version does not have over HTTP. "
        f"Connect with an older version, or name a session in the header {IDENTIFIER_HEADER}.",
        supported.model_dump(mode="json"),
    )


def _headers(context: RequestContext) -> Mapping[str, str]:
    return {} if context.request is None else context.request.headers
