"""One session: its functions are set up before its code, and what happens to it is noticed."""

import logging
import shlex
import uuid
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, TypeAlias

import anyio

from dynamic_sessions.errors import (
    InvalidRequestError,
    NotFoundError,
    ServiceError,
    ServiceTimeoutError,
)
from dynamic_sessions.executions import ExecutionReply, Run
from dynamic_sessions.files import DATA_DIRECTORY, AsyncSessionFiles
from dynamic_sessions.full_output import (
    begin_code,
    end_code,
    file_names,
    with_whole_output,
)
from dynamic_sessions.functions import FunctionModule
from dynamic_sessions.history import SessionHistory
from dynamic_sessions.ledger import SessionLedger
from dynamic_sessions.liveness import Liveness
from dynamic_sessions.models import (
    CodeBlock,
    Command,
    Execution,
    ExecutionStatus,
    PastExecution,
    SessionStatus,
)
from dynamic_sessions.packages import find_packages
from dynamic_sessions.service import PoolService
from dynamic_sessions.time_limits import check_asynchronous_timeout, check_timeout

logger = logging.getLogger("dynamic_sessions")

OnCancel: TypeAlias = Literal["delete", "leave"]

_LANGUAGES = frozenset({"python", "python3", "py"})
_STATE_IN_DOUBT = frozenset({ExecutionStatus.TIMED_OUT, ExecutionStatus.ABORTED})
_DELETED_NOTE = "The session was deleted to stop its code: its variables and files are gone."


@dataclass(frozen=True, kw_only=True)
class SessionSettings:
    """What a session does where a call does not say otherwise; see AsyncSessionPool."""

    timeout: float
    long_run: float
    on_cancel: OnCancel
    cooldown: float


class AsyncSession:
    """One stateful Python session. Made by AsyncSessionPool.session().

    Executions in one session of one pool run one after the other, in the order of the calls.

    Attributes:
        identifier: The caller's name for the session.
        files: The session's files.
        functions: The functions that are set up before any other code.
        history: What was run here for the caller, and what came of it. What attach() waited for is
            not in it.
    """

    def __init__(
        self,
        identifier: str,
        service: PoolService,
        *,
        functions: FunctionModule,
        settings: SessionSettings,
        ledger: SessionLedger,
        history: SessionHistory,
        is_named: bool,
    ) -> None:
        self.identifier = identifier
        self.functions = functions
        self.history = history
        self.files = AsyncSessionFiles(identifier, service, ledger, is_named=is_named)
        self._service = service
        self._settings = settings
        self._ledger = ledger
        self._is_named = is_named
        self._turn = ledger.turn(identifier)
        self._liveness = Liveness(settings.cooldown)
        self._is_set_up = False
        self._must_stop = False
        self._state_was_lost = False

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
        async with self._turn:
            await self._prepare()

    async def execute(
        self,
        code: str | CodeBlock,
        *,
        timeout: float | None = None,
        asynchronous: bool | None = None,
        execution_id: str | None = None,
        full_output: bool = False,
    ) -> Execution:
        """Run code and return what came of it. Code that fails is a result, not an exception.

        User code is sent once. If the call is cancelled, or its answer does not come in time, the
        session is deleted so that the code stops, unless the session's on_cancel says to leave it.

        Args:
            code: Python code, IPython's magics included.
            timeout: Seconds that the code may run, at most 220; by default the pool's. An
                asynchronous run may be given more, if the session pool grants it.
            asynchronous: Whether the service is asked for the result later, so that a lost
                connection loses nothing. By default for time limits above the pool's long_run.
            execution_id: Our name for the run, for attach(); makes it asynchronous. By default a
                random one.
            full_output: Whether stdout and stderr are also kept in the session and fetched where
                the answer's limit cut them. Costs two more requests, and four where something was
                cut.

        Raises:
            ValueError: The language is not Python, the time limit is out of range, or the API
                version has no asynchronous executions.
            FunctionError: The functions cannot be had in this session.
            ServiceError: The service, or the way to it, failed; outcome_unknown tells whether the
                code may have run, session_deleted whether the session's state is gone.
        """
        block = CodeBlock(code=code) if isinstance(code, str) else code
        if block.language.lower() not in _LANGUAGES:
            raise ValueError(f"A session runs Python, not {block.language!r}.")
        run = self._plan(block.code, timeout, asynchronous, execution_id)
        async with self._turn:
            with _nothing_of_the_callers_ran():
                await self._prepare()
            return await self._noted(run, self._run_keeping_output if full_output else self._run)

    async def run_command(
        self,
        command: str | Sequence[str],
        *,
        stdin: str = "",
        timeout: float | None = None,
        asynchronous: bool | None = None,
        execution_id: str | None = None,
    ) -> Execution:
        """Run a command in a session of a Shell pool, and return what came of it.

        Each command is a process of its own that starts in /mnt/data; files stay, and nothing else.
        A command is sent once, as code is; see execute().

        Args:
            command: A line or a script for Bash; or a program and its arguments, which no shell
                takes apart.
            stdin: What the command reads.
            timeout: See execute().
            asynchronous: See execute().
            execution_id: See execute().

        Raises:
            ValueError: It is no command, or the API version has none of the kind.
            InvalidRequestError: The session pool runs code and not commands.
            ServiceError: See execute().
        """
        line = command if isinstance(command, str) else tuple(command)
        run = self._plan(Command(line=line, stdin=stdin), timeout, asynchronous, execution_id)
        async with self._turn:
            with _nothing_of_the_callers_ran():
                await self._finish_stopping()
            return await self._noted(run, self._run)

    async def attach(self, execution_id: str, *, timeout: float | None = None) -> Execution:
        """Wait for a run that was sent asynchronously before, from this program or another.

        Args:
            execution_id: The id that it was sent with.
            timeout: Seconds to wait; by default the pool's time limit.

        Raises:
            NotFoundError, InvalidRequestError: The session knows no such run.
            ServiceTimeoutError: It has not ended; it goes on, and can be attached to again.
            ServiceError: The service, or the way to it, failed.
        """
        seconds = check_asynchronous_timeout(self._settings.timeout if timeout is None else timeout)
        reply = await self._service.attach(self.identifier, execution_id, timeout=seconds)
        return self._with_report(self._read(reply))

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
        async with self._turn:
            await self._finish_stopping()
            return await find_packages(lambda code: self._run(self._own_run("list packages", code)))

    async def status(self) -> SessionStatus | None:
        """Return what the service says of the session; None where nothing stands behind its name.

        Unlike most other calls, this one brings no session into being.

        Raises:
            ServiceError: The service, or the way to it, failed.
        """
        return await self._service.get_session(self.identifier)

    async def delete(self) -> None:
        """End the session: its code stops, its variables and files are gone.

        Raises:
            ServiceError: The service, or the way to it, failed. A session that is gone already is
                no error.
        """
        await self._delete()
        self._state_was_lost = False

    def _plan(
        self,
        program: str | Command,
        timeout: float | None,
        asynchronous: bool | None,
        execution_id: str | None,
    ) -> Run:
        seconds = self._settings.timeout if timeout is None else timeout
        can_be_asynchronous = self._service.has_asynchronous_executions
        if asynchronous is None:
            is_long = seconds > self._settings.long_run
            asynchronous = execution_id is not None or (is_long and can_be_asynchronous)
            check_timeout(seconds)
        elif asynchronous:
            check_asynchronous_timeout(seconds)
        else:
            check_timeout(seconds)
        if asynchronous and not can_be_asynchronous:
            raise ValueError("This API version has no asynchronous executions; use a newer one.")
        if execution_id is not None and not asynchronous:
            raise ValueError("An execution_id is for asynchronous runs.")
        return Run(
            identifier=self.identifier,
            program=program,
            timeout=seconds,
            execution_id=execution_id or str(uuid.uuid4()),
            asynchronous=asynchronous,
        )

    async def _prepare(self) -> None:
        """Have a live session with the functions in it."""
        await self._finish_stopping()
        if self._is_set_up and self._liveness.is_in_doubt():
            await self._ask_whether_it_lives()
        if not self._is_set_up:
            await self._set_up()

    async def _finish_stopping(self) -> None:
        # Otherwise the next code would wait in the session for the code that was given up.
        if self._must_stop:
            await self._delete()
            self._state_was_lost = True

    async def _ask_whether_it_lives(self) -> None:
        try:
            status = await self._service.get_session(self.identifier)
        except ServiceError as error:
            # Setting up again does no harm, and its answer tells which session it is.
            logger.debug("The session could not be looked at: %s", type(error).__name__)
            self._is_set_up = False
            return
        if not self._liveness.is_same(status):
            self._is_set_up = False
            self._state_was_lost = True

    async def _set_up(self) -> None:
        code = self.functions.set_up_code(working_directory=DATA_DIRECTORY)
        # The text of functions is the caller's own code, which is never sent twice.
        run = self._own_run("set up", code, repeatable=not self.functions.names)
        self.functions.check_set_up(await self._run(run))
        self._is_set_up = True

    def _own_run(self, operation: str, code: str, *, repeatable: bool = True) -> Run:
        return Run(
            identifier=self.identifier,
            program=code,
            timeout=self._settings.timeout,
            operation=operation,
            repeatable=repeatable,
        )

    async def _run(self, run: Run) -> Execution:
        await self._ledger.enter(self.identifier, is_named=self._is_named)
        try:
            reply = await self._service.run(run)
        except anyio.get_cancelled_exc_class() as error:
            if await self._stop(run):
                error.add_note(_DELETED_NOTE)
            raise
        except ServiceTimeoutError as error:
            error.session_deleted = await self._stop(run)
            raise
        self._ledger.note_use(self.identifier)
        if run.sending.may_have_moved:
            self._state_was_lost = True
        return self._read(reply)

    def _read(self, reply: ExecutionReply) -> Execution:
        execution = reply.execution
        is_another = self._liveness.note(reply)
        if is_another or execution.status in _STATE_IN_DOUBT:
            self._is_set_up = False
        # The service does not say what an aborted kernel kept; it cannot have kept variables.
        if is_another or execution.status is ExecutionStatus.ABORTED:
            self._state_was_lost = True
        return execution

    async def _noted(self, run: Run, perform: Callable[[Run], Awaitable[Execution]]) -> Execution:
        """Perform a run of the caller's, and keep it in the history if it was sent."""
        started_at = datetime.now(UTC)
        try:
            execution = self._with_report(await perform(run))
        except BaseException as error:
            if run.sending.has_begun:
                failure = f"{type(error).__name__}: {error}".removesuffix(": ")
                self.history.add(_past(run, started_at, failure=failure))
            raise
        self.history.add(_past(run, started_at, execution=execution))
        return execution

    def _with_report(self, execution: Execution) -> Execution:
        was_lost, self._state_was_lost = self._state_was_lost, False
        return replace(execution, session_recycled=was_lost)

    async def _run_keeping_output(self, run: Run) -> Execution:
        names = file_names(run.execution_id)
        paths = {stream: f"{DATA_DIRECTORY}/{name}" for stream, name in names.items()}
        with _nothing_of_the_callers_ran():
            begun = await self._run(self._own_run("keep output", begin_code(paths)))
        execution = await self._run(run)
        if not begun.ok:
            logger.warning("The session has no room to keep the whole output.")
            return execution
        try:
            return await self._with_kept_output(execution, names)
        except ServiceError as error:
            # The code has run, so that its result must not be lost over this.
            logger.warning("The whole output could not be fetched: %s", error)
            return execution

    async def _with_kept_output(self, execution: Execution, names: dict[str, str]) -> Execution:
        code = end_code(needed=execution.truncated)
        # Not repeatable: a second time there would be nothing to end.
        ended = await self._run(self._own_run("keep output", code, repeatable=False))
        if not execution.truncated or not ended.ok:
            # Nothing is missing, or the session that kept it is gone.
            return execution
        kept = {stream: await self.files.read(name) for stream, name in names.items()}
        for name in names.values():
            await self.files.delete(name)
        return with_whole_output(execution, kept)

    async def _stop(self, run: Run) -> bool:
        """Stop what was given up, as far as the session's policy goes; True if it was deleted."""
        if not run.sending.has_begun or self._settings.on_cancel == "leave":
            return False
        self._must_stop = True
        with anyio.move_on_after(self._service.deadlines.stop, shield=True):
            try:
                await self._delete()
            except ServiceError as error:
                logger.warning("The session could not be deleted to stop its code: %s", error)
            else:
                self._state_was_lost = True
        return not self._must_stop

    async def _delete(self) -> None:
        self._is_set_up = False
        await self._service.delete_session(self.identifier)
        self._must_stop = False
        self._liveness.forget()
        self._ledger.leave(self.identifier)


@contextmanager
def _nothing_of_the_callers_ran() -> Generator[None]:
    try:
        yield
    except ServiceError as error:
        error.outcome_unknown = False
        raise


def _past(
    run: Run, started_at: datetime, *, execution: Execution | None = None, failure: str = ""
) -> PastExecution:
    program = run.program
    if isinstance(program, str):
        return PastExecution(
            code=program, started_at=started_at, execution=execution, failure=failure
        )
    line = program.line if isinstance(program.line, str) else shlex.join(program.line)
    return PastExecution(
        code=line,
        language="bash",
        stdin=program.stdin,
        started_at=started_at,
        execution=execution,
        failure=failure,
    )
