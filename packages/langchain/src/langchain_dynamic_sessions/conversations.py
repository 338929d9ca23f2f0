"""The sessions behind tools: one for all their calls, or one for each conversation."""

import logging
import secrets
import uuid
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import TypeAlias, TypedDict

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config

from dynamic_sessions import (
    AsyncSession,
    AsyncSessionPool,
    Credential,
    DualSessionPool,
    FunctionModule,
    InjectableFunction,
    ServiceError,
    Session,
    SessionPool,
    identifier_for,
)
from dynamic_sessions.identifiers import check_identifier
from dynamic_sessions.pool import DEFAULT_API_VERSION, DEFAULT_TIMEOUT_SECONDS
from dynamic_sessions.session import OnCancel
from dynamic_sessions.time_limits import check_timeout
from langchain_dynamic_sessions.closing import Closing

logger = logging.getLogger("langchain_dynamic_sessions")

SessionKey: TypeAlias = str | Callable[[RunnableConfig], str]
"""What tells conversations apart: an entry of a call's configurable values, such as "thread_id", or
a function of its configuration."""

_SECRET_BYTES = 32


class SessionSettings(TypedDict, total=False):
    """Which sessions tools use, and what is in them; see ConversationSessions."""

    session_id: str | None
    session_key: SessionKey | None
    session_secret: str | bytes | None
    functions: Sequence[InjectableFunction] | FunctionModule
    functions_module: str
    install_missing: bool
    timeout: float
    api_version: str
    on_cancel: OnCancel
    session_pool: AsyncSessionPool | SessionPool | None
    delete_session_after_invocation: bool


class ConversationSessions(Closing):
    """Sessions for the tools of an agent, which may share one object of this kind.

    By default all calls share one session. With session_key every conversation has its own, so
    that conversations never share state. Sessions are created by the first call that needs them,
    and deleted by close() or aclose(), at the latest when the program ends, unless the caller
    named them.

    Args:
        endpoint: The pool management endpoint of a session pool in Azure, or "local" for a pool on
            this machine (needs the extra "local"). By default the environment variable
            DYNAMIC_SESSIONS_ENDPOINT.
        credential: A credential of azure-identity, synchronous or not, a function that returns
            tokens, or a static token. By default DefaultAzureCredential; a local pool needs none.
        session_id: Name of the one session, to reach the same again. By default a random one.
        session_key: What tells conversations apart: the name of a value in the configurable part
            of a call's configuration, such as "thread_id", or a function of the configuration.
        session_secret: With session_key, a secret of at least 16 bytes: programs that have the
            same one reach the same sessions, which are then left to end by their idle time.
        functions: Functions that the code can call.
        functions_module: Name of the module from which the code can import them as well.
        install_missing: Whether packages that functions require and a session lacks are installed
            there, where the session pool has a network.
        timeout: Seconds that a run may take, at most 220.
        api_version: Version of the service's API.
        on_cancel: What becomes of code whose call was cancelled or got no answer in time. "delete"
            stops it by deleting its session; "leave" lets it end by itself, at its time limit.
        session_pool: A session pool in place of endpoint and credential. The caller closes it, and
            it serves calls of its own kind: an AsyncSessionPool those with await, a SessionPool
            those without.
        delete_session_after_invocation: Whether every tool call has a session of its own, which
            is deleted after it.

    Raises:
        ValueError: An argument is out of range or excludes another, or no pool was named.
        FunctionSourceError: A function cannot travel.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        credential: Credential | None = None,
        *,
        session_id: str | None = None,
        session_key: SessionKey | None = None,
        session_secret: str | bytes | None = None,
        functions: Sequence[InjectableFunction] | FunctionModule = (),
        functions_module: str = "functions",
        install_missing: bool = False,
        timeout: float = DEFAULT_TIMEOUT_SECONDS,
        api_version: str = DEFAULT_API_VERSION,
        on_cancel: OnCancel = "delete",
        session_pool: AsyncSessionPool | SessionPool | None = None,
        delete_session_after_invocation: bool = False,
    ) -> None:
        if session_id and session_key:
            raise ValueError("session_id names one session, session_key makes many: give one.")
        if session_secret is not None and session_key is None:
            raise ValueError("session_secret is for the sessions that session_key makes.")
        if delete_session_after_invocation and (session_id or session_key):
            raise ValueError(
                "A session for every call has no name and no conversation: leave out session_id "
                "and session_key, or delete_session_after_invocation."
            )
        if not isinstance(functions, FunctionModule):
            functions = FunctionModule.from_functions(
                functions, name=functions_module, install_missing=install_missing
            )
        self.functions = functions
        self.timeout = check_timeout(timeout)
        self._given_identifier = session_id or None
        self._identifier = check_identifier(session_id or str(uuid.uuid4()))
        self._key = session_key
        self._secret = session_secret or secrets.token_bytes(_SECRET_BYTES)
        self._is_named = bool(session_id) or session_secret is not None
        self._one_each = delete_session_after_invocation
        self._pool = DualSessionPool(
            endpoint,
            credential,
            api_version=api_version,
            timeout=timeout,
            functions=functions,
            on_cancel=on_cancel,
            session_pool=session_pool,
        )
        self.endpoint = self._pool.endpoint
        if session_key is not None:
            # A secret that is too short is refused here rather than by the first call.
            identifier_for("", "", key=self._secret)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(endpoint={self.endpoint!r})"

    def identifier(self, config: RunnableConfig | None = None) -> str:
        """Return the name of a conversation's session.

        Args:
            config: Of the call that belongs to the conversation; by default the one that is being
                served.

        Raises:
            ValueError: The configuration does not say which conversation it is.
        """
        if self._key is None:
            return self._identifier
        return identifier_for("", self._conversation(ensure_config(config)), key=self._secret)

    def session(self, config: RunnableConfig | None = None) -> Session:
        """Return a conversation's session for synchronous calls, without a network call.

        Raises:
            ValueError: See identifier().
            TypeError: The session pool that was given is an asynchronous one.
        """
        return self._pool.session(self.identifier(config), is_named=self._is_named)

    def async_session(self, config: RunnableConfig | None = None) -> AsyncSession:
        """Return a conversation's session for calls in the running event loop; see session()."""
        return self._pool.async_session(self.identifier(config), is_named=self._is_named)

    @contextmanager
    def for_call(self, config: RunnableConfig | None) -> Generator[Session]:
        """Yield the session for one tool call."""
        if not self._one_each:
            yield self.session(config)
            return
        identifier = str(uuid.uuid4())
        try:
            yield self._pool.session(identifier, is_named=False)
        finally:
            try:
                self._pool.delete(identifier)
            except ServiceError as error:
                logger.warning(_NOT_DELETED, error)

    @asynccontextmanager
    async def for_async_call(self, config: RunnableConfig | None) -> AsyncGenerator[AsyncSession]:
        """Yield the session for one tool call in the running event loop."""
        if not self._one_each:
            yield self.async_session(config)
            return
        identifier = str(uuid.uuid4())
        try:
            yield self._pool.async_session(identifier, is_named=False)
        finally:
            try:
                await self._pool.adelete(identifier)
            except ServiceError as error:
                logger.warning(_NOT_DELETED, error)

    def delete(self, config: RunnableConfig | None = None) -> None:
        """End a conversation's session, whoever named it. The next call begins a new one.

        Raises:
            ValueError: See identifier().
            ServiceError: The service, or the way to it, failed.
        """
        self._pool.delete(self.identifier(config))
        self._begin_anew()

    async def adelete(self, config: RunnableConfig | None = None) -> None:
        """End a conversation's session; see delete()."""
        await self._pool.adelete(self.identifier(config))
        self._begin_anew()

    def close(self) -> None:
        """Delete the sessions that the caller did not name, and close synchronous connections.

        Connections of an event loop can be closed only there: see aclose().
        """
        self._pool.close()
        self._begin_anew()

    async def aclose(self) -> None:
        """Delete the sessions that the caller did not name, and close this loop's connections."""
        await self._pool.aclose()
        self._begin_anew()

    def _begin_anew(self) -> None:
        # A name that was deleted a moment ago may still lead to what is being taken down.
        if self._given_identifier is None:
            self._identifier = str(uuid.uuid4())

    def _conversation(self, config: RunnableConfig) -> str:
        if callable(self._key):
            return self._key(config)
        value = config.get("configurable", {}).get(str(self._key))
        if value is None:
            raise ValueError(
                f"Sessions are told apart by {self._key!r}, which this call does not have: pass "
                f'config={{"configurable": {{"{self._key}": "..."}}}}.'
            )
        return str(value)


class OnSessions(Closing):
    """What works in sessions: it shows them, and closes them."""

    _sessions: ConversationSessions

    @property
    def sessions(self) -> ConversationSessions:
        """The sessions, to share them with others and for calls of the program's own."""
        return self._sessions

    def close(self) -> None:
        """Delete the sessions that the caller did not name; see ConversationSessions.close()."""
        self._sessions.close()

    async def aclose(self) -> None:
        """Delete the sessions that the caller did not name, and close this loop's connections."""
        await self._sessions.aclose()


_NOT_DELETED = "A call's session could not be deleted after it: %s"


def conversation_sessions(
    sessions: ConversationSessions | None,
    endpoint: str | None,
    credential: Credential | None,
    settings: SessionSettings,
) -> ConversationSessions:
    """Return the sessions that were given, or those that the settings describe.

    Raises:
        ValueError: Both were given, or a setting is not valid.
    """
    if sessions is None:
        return ConversationSessions(endpoint, credential, **settings)
    if endpoint is not None or credential is not None or settings:
        raise ValueError("Sessions that exist already have their endpoint and settings.")
    return sessions
