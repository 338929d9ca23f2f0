"""Runs of code: sent once, and, where they are asynchronous, asked after until they have ended."""

import math
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import anyio

from dynamic_sessions.deadlines import Deadlines
from dynamic_sessions.errors import (
    AuthenticationError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    ServiceError,
    ServiceProtocolError,
    ServiceTimeoutError,
)
from dynamic_sessions.models import Command, Execution
from dynamic_sessions.sending import Sending
from dynamic_sessions.telemetry import Attributes, fingerprint
from dynamic_sessions.transport import Call, Sender
from dynamic_sessions.wire import (
    Codec,
    Reply,
    RequestData,
    RunningExecution,
    UnexpectedReplyError,
)

_SESSION_GUID_HEADER = "x-ms-session-guid"
_WRAPPER_MISSING = "SessionPropertiesMissing"
_FIRST_POLL_SECONDS = 0.1
_LONGEST_POLL_SECONDS = 2.0
_POLL_GROWTH = 1.5

_UNKNOWN = (NotFoundError, InvalidRequestError)
_REFUSED = (AuthenticationError, PermissionDeniedError)


@dataclass(frozen=True, kw_only=True)
class Run:
    """Code to run, and how."""

    identifier: str
    program: str | Command
    """Code, or a command for a Shell pool."""
    timeout: float
    """Seconds that the code may run."""
    operation: str = "execute"
    execution_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    """Our name for the run: for traces, and to ask for the result of an asynchronous one."""
    asynchronous: bool = False
    """Whether the service answers at once and is asked for the result later."""
    repeatable: bool = False
    """Never true of user code."""
    sending: Sending = field(default_factory=Sending)


@dataclass(frozen=True, kw_only=True)
class ExecutionReply:
    """An execution, and the id of the session that now stands behind the identifier."""

    execution: Execution
    session_guid: str | None
    date: str | None
    """The service's own time at the answer, in HTTP's form."""


class Executions:
    """Runs code in the sessions of a pool."""

    def __init__(
        self, transport: Sender, codec: Codec, deadlines: Deadlines, *, output_limit: int
    ) -> None:
        self._transport = transport
        self._codec = codec
        self._deadlines = deadlines
        self._output_limit = output_limit

    async def run(self, run: Run) -> ExecutionReply:
        """Run code to its end or its time limit. Never sends user code twice.

        Raises:
            ServiceError: The service, or the way to it, failed.
        """
        if run.asynchronous:
            return await self._run_asynchronously(run)
        call = self._submission(run, deadline=run.timeout + self._deadlines.execution_grace)
        reply = await self._submit(call)
        outcome = self._read(call, reply)
        if isinstance(outcome, RunningExecution):
            # Documented for asynchronous runs alone; nothing is lost if the service does it here.
            ends_at = anyio.current_time() + call.deadline
            return await self._result(
                run, outcome.execution_id, ends_at, patience=self._deadlines.arrival
            )
        return _reply(outcome, reply)

    async def attach(self, identifier: str, execution_id: str, *, timeout: float) -> ExecutionReply:
        """Wait for an asynchronous run that was sent before.

        Args:
            identifier: The session that it runs in.
            execution_id: The id that it was sent with.
            timeout: Seconds to wait.

        Raises:
            NotFoundError, InvalidRequestError: The service knows no such run.
            ServiceTimeoutError: It has not ended yet.
            ServiceError: The service, or the way to it, failed.
        """
        run = Run(identifier=identifier, program="", timeout=timeout, operation="attach")
        return await self._result(run, execution_id, anyio.current_time() + timeout, patience=0)

    async def _run_asynchronously(self, run: Run) -> ExecutionReply:
        ends_at = anyio.current_time() + run.timeout + self._deadlines.execution_grace
        call = self._submission(run, deadline=self._deadlines.call)
        execution_id, submission_error = run.execution_id, None
        try:
            reply = await self._submit(call)
            outcome = self._read(call, reply)
        except ServiceError as error:
            if not error.outcome_unknown:
                raise
            submission_error = error
        else:
            if isinstance(outcome, Execution):
                return _reply(outcome, reply)
            execution_id = outcome.execution_id
        return await self._result(
            run,
            execution_id,
            ends_at,
            patience=self._deadlines.arrival,
            submission_error=submission_error,
        )

    async def _result(
        self,
        run: Run,
        execution_id: str,
        ends_at: float,
        *,
        patience: float,
        submission_error: ServiceError | None = None,
    ) -> ExecutionReply:
        """Ask for a run until it has ended.

        Args:
            run: What is running.
            execution_id: The id it has at the service.
            ends_at: When to give up.
            patience: Seconds for which the service may know nothing of it.
            submission_error: Why it is not certain that the service ever got the run.
        """
        missing = _Missing(patience=patience)
        delay = _FIRST_POLL_SECONDS
        while (left := ends_at - anyio.current_time()) > 0:
            try:
                outcome, reply = await self._poll(run, execution_id or run.execution_id, left)
            except _UNKNOWN as error:
                if missing.for_good():
                    error.outcome_unknown = True
                    if submission_error is not None:
                        raise submission_error from error
                    raise
            except _REFUSED as error:
                error.outcome_unknown = True
                raise
            except ServiceError:
                # The way to the service is broken; the run is not, and there is time left.
                pass
            else:
                if isinstance(outcome, Execution):
                    return _reply(outcome, reply)
                missing.was_found()
                submission_error = None
            await anyio.sleep(min(delay, max(ends_at - anyio.current_time(), 0)))
            delay = min(delay * _POLL_GROWTH, _LONGEST_POLL_SECONDS)
        raise ServiceTimeoutError(
            f"{run.operation}: no result {run.timeout:g} seconds after the code was sent.",
            operation=run.operation,
            outcome_unknown=True,
        ) from submission_error

    async def _poll(
        self, run: Run, execution_id: str, left: float
    ) -> tuple[Execution | RunningExecution, Reply]:
        call = Call(
            operation="poll execution",
            request=self._codec.poll_execution(run.identifier, execution_id),
            deadline=min(left, self._deadlines.stall),
            # The loop around this one repeats it for longer than the transport would.
            repeatable=False,
            attributes=_attributes(run),
        )
        reply = await self._transport.send(call)
        return self._read(call, reply), reply

    async def _submit(self, call: Call) -> Reply:
        try:
            return await self._transport.send(call)
        except InvalidRequestError as error:
            # This refusal comes before any code runs.
            wrapped = self._codec.wrapped(call.request) if error.code == _WRAPPER_MISSING else None
            if wrapped is None:
                raise
        return await self._transport.send(replace(call, request=wrapped))

    def _submission(self, run: Run, *, deadline: float) -> Call:
        return Call(
            operation=run.operation,
            request=self._request(run),
            deadline=deadline,
            repeatable=run.repeatable,
            sending=run.sending,
            attributes=_attributes(run),
        )

    def _request(self, run: Run) -> RequestData:
        return self._codec.execute(
            run.identifier,
            run.program,
            timeout_seconds=math.ceil(run.timeout),
            output_limit=self._output_limit,
            # An id counts once, so that a repetition with the same one would be refused.
            execution_id=None if run.repeatable else run.execution_id,
            asynchronous=run.asynchronous,
        )

    def _read(self, call: Call, reply: Reply) -> Execution | RunningExecution:
        with protocol_errors(call):
            return self._codec.read_execution(reply, output_limit=self._output_limit)


class _Missing:
    """How long the service has known nothing of a run."""

    def __init__(self, *, patience: float) -> None:
        self._patience = patience
        self._since: float | None = None

    def was_found(self) -> None:
        self._since = None

    def for_good(self) -> bool:
        now = anyio.current_time()
        if self._since is None:
            self._since = now
        return now - self._since >= self._patience


@contextmanager
def protocol_errors(call: Call) -> Generator[None]:
    """Raise what a codec says of an answer as an error for callers."""
    try:
        yield
    except UnexpectedReplyError as error:
        raise ServiceProtocolError(
            f"{call.operation}: the service's answer is not as documented: {error}.",
            operation=call.operation,
            outcome_unknown=True,
        ) from error


def _reply(execution: Execution, reply: Reply) -> ExecutionReply:
    return ExecutionReply(
        execution=execution,
        session_guid=reply.headers.get(_SESSION_GUID_HEADER),
        date=reply.headers.get("date"),
    )


def _attributes(run: Run) -> Attributes:
    attributes: dict[str, str | int | float | bool] = {
        "dynamic_sessions.identifier_hash": fingerprint(run.identifier),
        "dynamic_sessions.asynchronous": run.asynchronous,
        "dynamic_sessions.time_limit": run.timeout,
    }
    text = run.program if isinstance(run.program, str) else "\0".join(run.program.words)
    if text:
        attributes["dynamic_sessions.code_hash"] = fingerprint(text)
        attributes["dynamic_sessions.code_size"] = len(text)
    return attributes
