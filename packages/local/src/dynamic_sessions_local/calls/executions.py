"""Running programs, and asking what came of them."""

import asyncio
import contextlib
import time
from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from dynamic_sessions_local.calls.reading import (
    PATIENCE_SECONDS,
    json_body,
    query_of,
    unless_abandoned,
)
from dynamic_sessions_local.dialects import flat, legacy, shell
from dynamic_sessions_local.dialects.errors import unsupported
from dynamic_sessions_local.dialects.requests import SESSION_VERSIONS, VERSIONS, execution_id
from dynamic_sessions_local.dialects.values import milliseconds
from dynamic_sessions_local.errors import LocalPoolError
from dynamic_sessions_local.executions import Execution
from dynamic_sessions_local.limits import Limits
from dynamic_sessions_local.outcome import Outcome
from dynamic_sessions_local.responses import json_response
from dynamic_sessions_local.session import Session
from dynamic_sessions_local.sessions import Sessions
from dynamic_sessions_local.settings import Kind


class ExecutionCalls:
    """The calls of `/executions` and `/code/execute`.

    Args:
        sessions: What they run in.
        limits: The bounds of one session.
        kind: What the pool's sessions run.
    """

    def __init__(self, sessions: Sessions, limits: Limits, kind: Kind) -> None:
        self._sessions = sessions
        self._limits = limits
        self._kind: Kind = kind
        # The event loop alone would let go of them.
        self._under_way: set[asyncio.Task[None]] = set()

    async def execute_flat(self, request: Request) -> Response:
        """`POST /executions`."""
        query = query_of(request)
        version, identifier = query.version(VERSIONS), query.identifier()
        body = await json_body(request)
        if self._kind == "shell":
            run = shell.read_execution(body, version, self._limits)
        else:
            run = flat.read_execution(body, self._limits)
        execution = Execution(id=execution_id(request.headers.get("operation-id")), run=run)
        if run.asynchronous:
            guid = await self._begin(identifier, execution)
        else:
            guid = await self._finish(request, identifier, execution)
        body = self._body(execution, identifier, version)
        status = flat.execution_status(version, asynchronous=run.asynchronous)
        headers = _headers(execution, guid)
        # The service was seen to leave them out where the oldest version is not asked to wait.
        if run.asynchronous or version in SESSION_VERSIONS:
            headers |= _location(request, execution, identifier, version)
        return json_response(body, status=status, headers=headers)

    async def execute_legacy(self, request: Request) -> Response:
        """`POST /code/execute`."""
        if self._kind == "shell":
            raise unsupported("a Shell pool runs shell commands, by POST /executions")
        query = query_of(request)
        version, identifier = query.version(VERSIONS), query.identifier()
        run = legacy.read_execution(await json_body(request), self._limits)
        execution = Execution(id=execution_id(request.headers.get("operation-id")), run=run)
        guid = await self._finish(request, identifier, execution)
        body = legacy.execution(_outcome(execution), run, version=version)
        return json_response(body, headers=_headers(execution, guid))

    async def get_execution(self, request: Request) -> Response:
        """`GET /executions/{id}`."""
        query = query_of(request)
        version, identifier = query.version(VERSIONS), query.identifier()
        with self._sessions.look(identifier) as session:
            execution = session.executions.find(request.path_params["id"])
            body = self._body(execution, identifier, version)
            return json_response(body, headers=_headers(execution, session.guid))

    async def _finish(self, request: Request, identifier: str, execution: Execution) -> str:
        """Run it to its end, or until the client has gone; return what stands for its kernel."""
        with self._sessions.use(identifier) as session:
            session.executions.add(execution)
            try:
                await unless_abandoned(request, _perform(session, execution))
            finally:
                if execution.outcome is None:
                    session.executions.remove(execution)
            if execution.error is not None:
                raise execution.error
            return session.guid

    async def _begin(self, identifier: str, execution: Execution) -> str:
        """Have it run whatever becomes of the client; return what stands for its kernel."""
        with contextlib.ExitStack() as stack:
            session = stack.enter_context(self._sessions.use(identifier))
            session.executions.add(execution)
            # In use until it has ended, so that the session does not expire meanwhile.
            in_use = stack.pop_all()
        task = asyncio.create_task(_perform(session, execution))
        self._under_way.add(task)

        def release(task: "asyncio.Task[None]") -> None:
            self._under_way.discard(task)
            in_use.close()

        task.add_done_callback(release)
        # The shortest ones are spared a second request.
        await asyncio.wait({task}, timeout=PATIENCE_SECONDS)
        return session.guid

    def _body(self, execution: Execution, identifier: str, version: str) -> Mapping[str, object]:
        dialect = shell if self._kind == "shell" else flat
        return dialect.execution(execution, identifier=identifier, version=version)


async def _perform(session: Session, execution: Execution) -> None:
    run, began = execution.run, time.perf_counter()

    def on_begin() -> None:
        execution.begun = True

    try:
        outcome = await session.execute(
            run.program, timeout=run.timeout, output_limit=run.output_limit, on_begin=on_begin
        )
    except LocalPoolError as error:
        execution.error = error
    else:
        execution.seconds = time.perf_counter() - began
        execution.outcome = outcome
    session.executions.forget_oldest()


def _outcome(execution: Execution) -> Outcome:
    if execution.outcome is None:
        raise RuntimeError("the execution has not ended")
    return execution.outcome


def _location(
    request: Request, execution: Execution, identifier: str, version: str
) -> dict[str, str]:
    query = urlencode({"api-version": version, "identifier": identifier})
    path = request.scope.get("root_path", "") + f"/executions/{execution.id}"
    return {"operation-id": execution.id, "operation-location": f"{path}?{query}"}


def _headers(execution: Execution, guid: str) -> dict[str, str]:
    outcome = execution.outcome
    if outcome is None:
        return {"x-ms-session-guid": guid}
    duration = str(milliseconds(outcome.reply.duration))
    allocation = outcome.allocation_seconds
    preparation = outcome.waiting_seconds
    return {
        "x-ms-allocation-retries": "0",
        "x-ms-allocation-time": _decimal(allocation),
        "x-ms-container-execution-duration": duration,
        "x-ms-execution-read-response-time": "0",
        "x-ms-execution-request-time": duration,
        "x-ms-new-allocation": str(outcome.new_allocation).lower(),
        "x-ms-overall-execution-time": _decimal(
            max(execution.seconds - allocation - preparation, 0)
        ),
        "x-ms-preparation-time": _decimal(preparation),
        "x-ms-session-guid": outcome.guid,
        "x-ms-total-execution-service-time": _decimal(execution.seconds),
    }


def _decimal(seconds: float) -> str:
    """Milliseconds with up to four decimals."""
    return f"{seconds * 1000:.4f}".rstrip("0").rstrip(".")
