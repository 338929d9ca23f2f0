"""The dynamic session of each agent session, from one event loop to the next."""

import asyncio
import logging
import uuid
from collections.abc import AsyncGenerator, Callable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from agent_framework import AgentSession

from dynamic_sessions import AsyncSession, AsyncSessionPool, FunctionModule, ServiceError

logger = logging.getLogger("maf_dynamic_sessions")

IDENTIFIER_KEY = "identifier"
"""Where an agent session's state names its dynamic session."""


@dataclass(frozen=True, kw_only=True)
class AgentTurns:
    """The dynamic session of an agent session, as one event loop reaches it."""

    session: AsyncSession
    pool: AsyncSessionPool
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held around calls that belong together, such as a run and the look at what it made."""


class AgentSessions:
    """Gives every agent session a dynamic session of its own.

    Which one is written in the agent session's state: by a random identifier, so that a restored
    agent session comes back to its variables and files, and nobody finds them by guessing.
    Connections belong to an event loop; each loop has its own.

    Args:
        open_pool: Makes the session pool to reach sessions through.
        closes_pools: Whether pools are closed with this object.
        session_id: Identifier of one session for all agent sessions.

    Raises:
        ValueError: The pool or the identifier cannot be used. Nothing is sent to find out.
    """

    def __init__(
        self,
        open_pool: Callable[[], AsyncSessionPool],
        *,
        closes_pools: bool,
        session_id: str | None,
    ) -> None:
        self._open_pool = open_pool
        self._closes_pools = closes_pools
        self._session_id = session_id
        self._pools: dict[asyncio.AbstractEventLoop, AsyncSessionPool] = {}
        self._turns: WeakKeyDictionary[AgentSession, AgentTurns] = WeakKeyDictionary()
        # Stand for the caller where a tool is called by no agent.
        self._nobody = AgentSession()
        self._own_identifier = session_id or str(uuid.uuid4())
        open_pool().session(session_id)

    def identifier(self, state: MutableMapping[str, Any]) -> str:
        """Return the identifier that an agent session's state names; choose one if none is there."""
        if self._session_id is not None:
            return self._session_id
        identifier = state.setdefault(IDENTIFIER_KEY, str(uuid.uuid4()))
        if not isinstance(identifier, str):
            raise ValueError("The state names a dynamic session, but not by a string.")  # noqa: TRY004 - data
        return identifier

    def turns(
        self, agent_session: AgentSession, source_id: str, functions: FunctionModule
    ) -> AgentTurns:
        """Return an agent session's dynamic session, without a network call.

        Raises:
            ValueError: The state names a session by what cannot be an identifier.
        """
        identifier = self.identifier(agent_session.state.setdefault(source_id, {}))
        return self._turns_of(agent_session, identifier, functions)

    def own_turns(self, functions: FunctionModule) -> AgentTurns:
        """Return the dynamic session of calls by no agent, which ends when this object closes."""
        return self._turns_of(self._nobody, self._own_identifier, functions)

    @asynccontextmanager
    async def passing_turns(self, functions: FunctionModule) -> AsyncGenerator[AgentTurns]:
        """Have a dynamic session for one call, which nobody could come back to."""
        pool = self._pool()
        session = pool.session(self._session_id, functions=functions)
        try:
            yield AgentTurns(session=session, pool=pool)
        finally:
            if self._session_id is None:
                await _delete_quietly(session)

    async def close(self) -> None:
        """Close the connections of this event loop, and end sessions that no agent session has."""
        own = self._turns.get(self._nobody)
        if own is not None and self._session_id is None:
            # Whichever event loop used it last: this one has its own way there.
            await _delete_quietly(self.own_turns(own.session.functions).session)
        self._turns.clear()
        pool = self._pools.pop(asyncio.get_running_loop(), None)
        if pool is not None and self._closes_pools:
            await pool.close()

    def _turns_of(
        self, holder: AgentSession, identifier: str, functions: FunctionModule
    ) -> AgentTurns:
        pool = self._pool()
        held = self._turns.get(holder)
        if held is not None and held.pool is pool:
            session = held.session
            if session.identifier == identifier and session.functions == functions:
                return held
        session = pool.session(identifier, functions=functions)
        turns = self._turns[holder] = AgentTurns(session=session, pool=pool)
        return turns

    def _pool(self) -> AsyncSessionPool:
        loop = asyncio.get_running_loop()
        pool = self._pools.get(loop)
        if pool is None:
            # Those of loops that have ended can be used, and closed, no more.
            self._pools = {
                other: used for other, used in self._pools.items() if not other.is_closed()
            }
            pool = self._pools[loop] = self._open_pool()
        return pool


async def _delete_quietly(session: AsyncSession) -> None:
    # What its code came to must not be lost over this.
    try:
        await session.delete()
    except ServiceError as error:
        logger.warning("A session could not be deleted after its use: %s", error)
