"""Agent Framework's code tool, on dynamic sessions."""

import copy
import logging
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias

from agent_framework import AgentSession, Content, FunctionInvocationContext, FunctionTool
from pydantic import BaseModel, Field

from dynamic_sessions import AsyncSession, AsyncSessionPool, Credential, clean_code
from dynamic_sessions.pool import DEFAULT_TIMEOUT_SECONDS
from dynamic_sessions.prompts import DEFAULT_LIMIT
from dynamic_sessions.prompts.shortening import MIN_LIMIT
from dynamic_sessions.time_limits import check_timeout
from maf_dynamic_sessions.agent_sessions import AgentSessions, AgentTurns
from maf_dynamic_sessions.errors import tool_errors
from maf_dynamic_sessions.files import FileVersions, MadeFiles, file_versions, made_files
from maf_dynamic_sessions.functions import (
    ToolInput,
    function_module,
    function_tools,
    merged_tools,
    without_tool,
)
from maf_dynamic_sessions.instructions import (
    CODE_DESCRIPTION,
    build_description,
    build_instructions,
)
from maf_dynamic_sessions.results import execution_contents

logger = logging.getLogger("maf_dynamic_sessions")

TOOL_NAME = "execute_code"
DEFAULT_SOURCE_ID = "dynamic_sessions"

ApprovalMode: TypeAlias = Literal["always_require", "never_require"]

_PASSING_NOTE = "[this call had a session of its own: its variables and files are gone]"


class CodeInput(BaseModel):
    """What a model passes."""

    code: str = Field(description=CODE_DESCRIPTION)


class DynamicSessionsTool(FunctionTool):
    """A tool that runs a model's Python in a dynamic session: in Azure, or on this machine.

    Each agent session has a dynamic session of its own, in which variables, imports and files
    stay from call to call; its identifier is a part of the agent session's state. A run without
    an agent session keeps nothing from one call to the next. Calls outside of any agent share a
    session that belongs to the tool, and ends with it.

    A tool is closed with close(), or used with `async with`.

    Args:
        endpoint: The pool management endpoint of a session pool in Azure, or "local" for a pool
            on this machine (needs the extra "local"). By default the environment variable
            DYNAMIC_SESSIONS_ENDPOINT.
        credential: A credential of azure-identity, synchronous or not, or a static token. By
            default DefaultAzureCredential; a local pool needs none.
        session_pool: A session pool to use instead of an endpoint; its owner closes it.
        tools: Functions that the code can call, with the framework's decorator or without.
        approval_mode: Whether each run of code needs an approval; by default it needs none, as
            the sandbox holds it.
        timeout: Seconds that one run may take, at most 220.
        session_id: Identifier of one session for all callers. Agent sessions then share it.
        return_files: Whether files that a run made or changed come back among its contents. This
            lists the session's files before and after each run.
        output_limit: Characters that the text of a result may have; None for any number.
        source_id: Key of an agent session's state below which its dynamic session is named.

    Raises:
        ValueError: There is no endpoint, or an argument is out of range.
        FunctionSourceError: A function cannot run in a session. A provider keeps such tools
            beside the session instead.
        TypeError: One of the tools is no function.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        credential: Credential | None = None,
        *,
        session_pool: AsyncSessionPool | None = None,
        tools: ToolInput | Sequence[ToolInput] = (),
        approval_mode: ApprovalMode = "never_require",
        timeout: float = DEFAULT_TIMEOUT_SECONDS,
        session_id: str | None = None,
        return_files: bool = False,
        output_limit: int | None = DEFAULT_LIMIT,
        source_id: str = DEFAULT_SOURCE_ID,
    ) -> None:
        if session_pool is not None and (endpoint is not None or credential is not None):
            raise ValueError("Pass an endpoint and a credential, or a session pool, not both.")
        if output_limit is not None and output_limit < MIN_LIMIT:
            # Said here, for where a result is rendered its code has run.
            raise ValueError(f"output_limit is at least {MIN_LIMIT} characters, or None.")
        self._source_id = source_id
        self._timeout = check_timeout(timeout)
        self._return_files = return_files
        self._output_limit = output_limit
        self._tools = function_tools(tools)
        self._module = function_module(self._tools)
        self._sessions = AgentSessions(
            (lambda: session_pool)
            if session_pool is not None
            else partial(AsyncSessionPool, endpoint, credential, timeout=timeout),
            closes_pools=session_pool is None,
            session_id=session_id,
        )
        super().__init__(
            name=TOOL_NAME,
            description=build_description(self._module),
            approval_mode=approval_mode,
            func=self._run_code,
            input_model=CodeInput,
        )

    def add_tools(self, tools: ToolInput | Sequence[ToolInput]) -> None:
        """Add functions that the code can call, from the next run on.

        Raises:
            FunctionSourceError: A function cannot run in a session; then none is added.
            TypeError: One of the tools is no function.
        """
        self._set_tools(merged_tools(self._tools, function_tools(tools)))

    def get_tools(self) -> list[FunctionTool]:
        """Return the tools whose functions the code can call."""
        return list(self._tools)

    def remove_tool(self, name: str) -> None:
        """Remove one of the tools. Sessions that have its function already keep it.

        Raises:
            KeyError: There is none of this name.
        """
        self._set_tools(without_tool(self._tools, name))

    def clear_tools(self) -> None:
        """Remove all tools."""
        self._set_tools(())

    def build_instructions(self, *, tools_visible_to_model: bool) -> str:
        """Return what an agent's instructions should say about this tool and its functions.

        Args:
            tools_visible_to_model: Whether the functions are tools of the agent's, too.
        """
        return build_instructions(
            self._module, tool_name=self.name, tools_visible_to_model=tools_visible_to_model
        )

    def build_serializable_state(self) -> dict[str, Any]:
        """Return what the tool is set to, as JSON: no secret, and no function's text."""
        return {
            "runtime": DEFAULT_SOURCE_ID,
            "approval_mode": self.approval_mode,
            "tool_names": [tool.name for tool in self._tools],
            "timeout": self._timeout,
            "return_files": self._return_files,
        }

    def create_run_tool(self) -> "DynamicSessionsTool":
        """Return a copy for one run, over the same sessions, which later changes leave alone."""
        run_tool = copy.copy(self)
        run_tool.func = run_tool._run_code  # noqa: SLF001 - a copy of this very object
        run_tool.additional_properties = dict(self.additional_properties or {})
        run_tool.invocation_count = run_tool.invocation_exception_count = 0
        return run_tool

    def session_for(self, agent_session: AgentSession) -> AsyncSession:
        """Return the dynamic session of an agent session, without a network call.

        Through it files go in and out, and `delete()` ends it.

        Raises:
            ValueError: The agent session's state is not of this tool's making.
        """
        return self._turns(agent_session).session

    async def close(self) -> None:
        """Close the connections of this event loop. Sessions of agent sessions live on."""
        await self._sessions.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def _set_tools(self, tools: tuple[FunctionTool, ...]) -> None:
        self._module = function_module(tools)
        self._tools = tools
        self.description = build_description(self._module)

    def _turns(self, agent_session: AgentSession) -> AgentTurns:
        return self._sessions.turns(agent_session, self._source_id, self._module)

    async def _run_code(self, code: str, ctx: FunctionInvocationContext) -> list[Content]:
        with tool_errors():
            if ctx.session is not None:
                return await self._run(self._turns(ctx.session), code)
            if ctx.tools is None:
                return await self._run(self._sessions.own_turns(self._module), code)
            logger.warning("Code runs for an agent without an agent session: nothing is kept.")
            async with self._sessions.passing_turns(self._module) as turns:
                return await self._run(turns, code, notes=[_PASSING_NOTE])

    async def _run(
        self, turns: AgentTurns, code: str, *, notes: Sequence[str] = ()
    ) -> list[Content]:
        session = turns.session
        made = MadeFiles()
        async with turns.turn if self._return_files else nullcontext():
            before: FileVersions = {}
            if self._return_files:
                before = await file_versions(session)
            execution = await session.execute(clean_code(code), timeout=self._timeout)
            if self._return_files:
                made = await made_files(session, before)
        contents = execution_contents(
            execution,
            limit=self._output_limit,
            files=made.names,
            notes=[*made.notes, *notes],
        )
        return [*contents, *made.contents]
