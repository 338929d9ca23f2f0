"""One session: its functions are set up before its code, and what happens to it is noticed."""

import logging
from contextlib import suppress
from dataclasses import replace

import anyio

from dynamic_sessions.errors import (
    InvalidRequestError,
    NotFoundError,
    ServiceError,
    ServiceTimeoutError,
)
from dynamic_sessions.files import DATA_DIRECTORY, AsyncSessionFiles
from dynamic_sessions.functions import FunctionModule
from dynamic_sessions.models import CodeBlock, Execution, ExecutionStatus
from dynamic_sessions.packages import LIST_PACKAGES_CODE, parse_packages
from dynamic_sessions.service import PoolService

logger = logging.getLogger("dynamic_sessions")

MAX_EXECUTION_SECONDS = 220.0
"""The service ends every run after this time (Azure documentation, and a field report)."""

_LANGUAGES = frozenset({"python", "python3", "py"})
_STOP_SECONDS = 10.0
_STATE_IN_DOUBT = frozenset({ExecutionStatus.TIMED_OUT, ExecutionStatus.ABORTED})


class AsyncSession:
    """One stateful Python session. Made by AsyncSessionPool.session().

    Executions of one object run one after the other, in the order of the calls. Another object
    with the same identifier shares the session, not the order.

    Attributes:
        identifier: The caller's name for the session.
        files: The session's files.
        functions: The functions that are set up before any other code.
    """

    def __init__(
        self,
        identifier: str,
        service: PoolService,
        *,
        functions: FunctionModule,
        timeout: float,
        in_use: set[str],
    ) -> None:
        self.identifier = identifier
        self.functions = functions
        self.files = AsyncSessionFiles(identifier, service, in_use=in_use)
        self._service = service
        self._timeout = timeout
        self._in_use = in_use
        self._lock = anyio.Lock()
        self._is_set_up = False
        self._guid: str | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(identifier={self.identifier!r})"

    async def set_up(self) -> None:
        """Change to the data directory and load the functions, in one request.

        Executions do this by themselves when it has not been done for the live session.

        Raises:
            MissingPackagesError: The session lacks what a function requires.
            FunctionLoadError: The functions' text failed there.
            ServiceError: The service, or the way to it, failed.
        """
        async with self._lock:
            await self._set_up_once()

    async def execute(self, code: str | CodeBlock, *, timeout: float | None = None) -> Execution:
        """Run code and return what came of it. Code that fails is a result, not an exception.

        If the call is cancelled, or its answer does not come in time, the session is deleted so
        that the code stops: the service has no gentler way.

        Args:
            code: Python code, IPython's magics included.
            timeout: Seconds that the code may run, at most 220; by default the pool's.

        Raises:
            ValueError: The language is not Python, or the time limit is out of range.
            FunctionError: The functions cannot be had in this session.
            ServiceError: The service, or the way to it, failed; outcome_unknown tells whether the
                code may have run.
        """
        block = CodeBlock(code=code) if isinstance(code, str) else code
        if block.language.lower() not in _LANGUAGES:
            raise ValueError(f"A session runs Python, not {block.language!r}.")
        seconds = check_timeout(self._timeout if timeout is None else timeout)
        async with self._lock:
            recycled_before = await self._set_up_once()
            execution = await self._run(block.code, seconds)
        return replace(execution, session_recycled=recycled_before or execution.session_recycled)

    async def list_packages(self, *, in_session: bool = False) -> dict[str, str]:
        """Return the installed distributions, name to version.

        The service is asked what its sessions begin with; one that cannot tell has it found out
        in the session.

        Args:
            in_session: Whether the session is asked in any case, which also knows what was
                installed there since.

        Raises:
            ExecutionFailed: The listing failed in the session.
            ServiceError: The service, or the way to it, failed.
        """
        if not in_session:
            with suppress(InvalidRequestError, NotFoundError):
                return await self._service.list_packages()
        async with self._lock:
            execution = await self._run(LIST_PACKAGES_CODE, self._timeout)
        return parse_packages(execution)

    async def delete(self) -> None:
        """End the session: its code stops, its variables and files are gone.

        Raises:
            ServiceError: The service, or the way to it, failed. A session that is gone already is
                no error.
        """
        self._is_set_up = False
        self._guid = None
        await self._service.delete_session(self.identifier)
        self._in_use.discard(self.identifier)

    async def _set_up_once(self) -> bool:
        if self._is_set_up:
            return False
        execution = await self._run(
            self.functions.set_up_code(working_directory=DATA_DIRECTORY), self._timeout
        )
        self.functions.check_set_up(execution)
        self._is_set_up = True
        return execution.session_recycled

    async def _run(self, code: str, timeout: float) -> Execution:
        self._in_use.add(self.identifier)
        try:
            reply = await self._service.execute(self.identifier, code, timeout=timeout)
        except (anyio.get_cancelled_exc_class(), ServiceTimeoutError):
            await self._stop()
            raise
        execution = reply.execution
        recycled = self._is_another(reply.session_guid)
        if recycled or execution.status in _STATE_IN_DOUBT:
            self._is_set_up = False
        # The service does not say what an aborted kernel kept; it cannot have kept variables.
        recycled = recycled or execution.status is ExecutionStatus.ABORTED
        return replace(execution, session_recycled=recycled)

    def _is_another(self, guid: str | None) -> bool:
        if guid is None:
            return False
        known, self._guid = self._guid, guid
        return known is not None and known != guid

    async def _stop(self) -> None:
        with anyio.move_on_after(_STOP_SECONDS, shield=True):
            try:
                await self.delete()
            except ServiceError as error:
                logger.warning("The session could not be deleted to stop its code: %s", error)


def check_timeout(seconds: float) -> float:
    """Return a time limit that the service accepts.

    Raises:
        ValueError: It is not above 0 and at most 220 seconds.
    """
    if not 0 < seconds <= MAX_EXECUTION_SECONDS:
        raise ValueError(
            f"A time limit is above 0 and at most {MAX_EXECUTION_SECONDS:g} seconds, where the "
            f"service ends every run; {seconds:g} is not."
        )
    return seconds
