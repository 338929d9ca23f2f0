"""The session behind an executor, from one event loop to the next."""

import asyncio
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from dynamic_sessions import AsyncSession, AsyncSessionPool, FunctionModule, ServiceError

logger = logging.getLogger("autogen_ext_dynamic_sessions")


class LiveSession:
    """One session at a time, opened where it is used and closed as a whole.

    Connections belong to an event loop. A program that calls asyncio.run() again and again
    reaches the same session over new ones.

    Args:
        open_pool: Makes the session pool to reach the session through.
        functions: Functions to have in the session.
        given_identifier: The caller's name for the session, which then is the caller's to end.
        closes_pool: Whether pools are closed with the session.

    Raises:
        ValueError: The pool or the identifier cannot be used. Nothing is sent to find out.
    """

    def __init__(
        self,
        open_pool: Callable[[], AsyncSessionPool],
        *,
        functions: FunctionModule,
        given_identifier: str | None,
        closes_pool: bool,
    ) -> None:
        self.given_identifier = given_identifier
        self.identifier = given_identifier or _random_identifier()
        self._open_pool = open_pool
        self._functions = functions
        self._closes_pool = closes_pool
        self._was_used = False
        self._connection: _Connection | None = None
        open_pool().session(self.identifier)

    @property
    def turn(self) -> asyncio.Lock:
        """Held by the call whose blocks are running."""
        return self._connected().turn

    def use(self) -> AsyncSession:
        """Return the session, for calls that bring it into being."""
        self._was_used = True
        return self._connected().session

    async def begin(self) -> None:
        """Bring the session into being with its functions, before there is code to run.

        Raises:
            FunctionError: The functions cannot be had in the session.
            ServiceError: The service, or the way to it, failed. A session that began is ended.
        """
        is_new = not self._was_used
        try:
            await self.use().set_up()
        except BaseException as error:
            if is_new:
                # Whoever uses `async with` has nothing to close after this.
                self._was_used = not isinstance(error, ServiceError) or error.outcome_unknown
                await self.close()
            raise

    async def restart(self) -> None:
        """Delete the session and go on with a new one, under another identifier.

        Raises:
            ServiceError: The session could not be deleted. The new one is in place all the same.
        """
        connection = self._connected()
        may_exist = self._was_used or self.given_identifier is not None
        self._forget()
        session = connection.pool.session(self.identifier, functions=self._functions)
        self._connection = replace(connection, session=session)
        if may_exist:
            await connection.session.delete()

    async def close(self) -> None:
        """Delete the session, unless the caller named it, and close the connections to it."""
        if self._was_used and self.given_identifier is None:
            await _delete_quietly(self._connected().session)
            self._forget()
        connection, self._connection = self._connection, None
        if connection is not None and connection.is_usable() and self._closes_pool:
            await connection.pool.close()

    def _forget(self) -> None:
        self.given_identifier, self.identifier = None, _random_identifier()
        self._was_used = False

    def _connected(self) -> "_Connection":
        if self._connection is None or not self._connection.is_usable():
            pool = self._open_pool()
            session = pool.session(self.identifier, functions=self._functions)
            self._connection = _Connection(pool=pool, session=session)
        return self._connection


@dataclass(frozen=True, kw_only=True)
class _Connection:
    pool: AsyncSessionPool
    session: AsyncSession
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    def is_usable(self) -> bool:
        return self.loop is asyncio.get_running_loop()


async def _delete_quietly(session: AsyncSession) -> None:
    try:
        await session.delete()
    except ServiceError as error:
        logger.warning("The session could not be deleted when its executor stopped: %s", error)


def _random_identifier() -> str:
    return str(uuid.uuid4())
