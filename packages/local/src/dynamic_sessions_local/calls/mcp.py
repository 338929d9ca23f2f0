"""Tool calls by the Model Context Protocol, as the service's own endpoint for it takes them."""

import uuid
from collections.abc import Mapping
from typing import cast

from starlette.requests import Request
from starlette.responses import Response

from dynamic_sessions_local.calls.reading import json_body, unless_abandoned
from dynamic_sessions_local.dialects import mcp, shell
from dynamic_sessions_local.dialects.errors import RequestError
from dynamic_sessions_local.dialects.mcp import Message, RpcError, ToolError
from dynamic_sessions_local.dialects.requests import SESSION_VERSIONS
from dynamic_sessions_local.dialects.values import result_value
from dynamic_sessions_local.errors import LocalPoolError
from dynamic_sessions_local.limits import Limits
from dynamic_sessions_local.programs import Program
from dynamic_sessions_local.responses import json_response
from dynamic_sessions_local.runs import Run
from dynamic_sessions_local.sessions import Sessions
from dynamic_sessions_local.settings import Kind

# Ids cost nothing until they are used; so many are told from made-up ones.
MOST_ENVIRONMENTS = 10_000


class McpCalls:
    """The calls of `/mcp`.

    Args:
        sessions: What the tools run in: an environment is a session whose identifier the pool makes up.
        limits: The bounds of one session.
        kind: What the pool's sessions run.
    """

    def __init__(self, sessions: Sessions, limits: Limits, kind: Kind) -> None:
        self._sessions = sessions
        self._limits = limits
        self._kind: Kind = kind
        # Whether each was used yet: one that was, and has no session any more, has ended.
        self._used: dict[str, bool] = {}

    async def post(self, request: Request) -> Response:
        """`POST /mcp`."""
        try:
            message = mcp.read_message(await json_body(request))
        except RequestError as error:
            refused = RpcError(mcp.PARSE_ERROR, error.message)
            return json_response(mcp.refusal(None, refused), status=error.status)
        except RpcError as error:
            return json_response(mcp.refusal(None, error), status=400)
        if message.id is None:
            return Response(status_code=202)
        try:
            result = await self._result(request, message)
        except RpcError as error:
            return json_response(mcp.refusal(message.id, error))
        return json_response(mcp.answer(message.id, result))

    async def refuse(self, request: Request) -> Response:
        """Any other method: there is no stream of events to open, and no session to end."""
        return Response(status_code=405, headers={"allow": "POST"})

    async def _result(self, request: Request, message: Message) -> Mapping[str, object]:
        match message.method:
            case "initialize":
                return mcp.introduction()
            case "ping":
                return {}
            case "tools/list":
                return mcp.tools(self._kind)
            case "tools/call":
                return await self._call(request, message.params)
            case _:
                raise RpcError(mcp.UNKNOWN_METHOD, f"there is no method {message.method!r}")

    async def _call(self, request: Request, params: Mapping[str, object]) -> Mapping[str, object]:
        name, given = params.get("name"), params.get("arguments")
        arguments: Mapping[str, object] = {}
        if isinstance(given, dict):
            arguments = cast("Mapping[str, object]", given)
        if name == mcp.LAUNCH:
            return mcp.launched(self._launch())
        if name != mcp.RUN_COMMAND and (name != mcp.RUN_PYTHON or self._kind == "shell"):
            raise RpcError(mcp.INVALID_PARAMS, f"there is no tool {name!r}")
        environment = mcp.read_environment(arguments)
        program = mcp.read_program(str(name), arguments)
        try:
            return await self._run(request, environment, program)
        except ToolError as error:
            return mcp.failed(error)
        except LocalPoolError as error:
            return mcp.failed(ToolError(str(error)))

    def _launch(self) -> str:
        while len(self._used) >= MOST_ENVIRONMENTS:
            del self._used[next(iter(self._used))]
        environment = str(uuid.uuid4())
        self._used[environment] = False
        return environment

    async def _run(
        self, request: Request, environment: str, program: Program
    ) -> Mapping[str, object]:
        self._enter(environment)
        with self._sessions.use(environment) as session:
            work = session.execute(
                program,
                timeout=self._limits.execution_seconds,
                output_limit=self._limits.output_characters,
            )
            outcome = await unless_abandoned(request, work)
        run = Run(program=program, timeout=0, output_limit=0)
        value = result_value(outcome.reply.value, run, SESSION_VERSIONS[-1])
        return mcp.ran(program, outcome, value, shell.exit_code(outcome))

    def _enter(self, environment: str) -> None:
        used = self._used.get(environment)
        if used is None:
            raise ToolError(f"there is no environment {environment!r}: call {mcp.LAUNCH} first")
        if used and not self._sessions.has(environment):
            del self._used[environment]
            raise ToolError(
                f"the environment {environment!r} has ended and its files are gone:"
                f" call {mcp.LAUNCH} for a new one"
            )
        self._used[environment] = True
