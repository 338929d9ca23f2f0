"""Agent Framework's CodeAct, on dynamic sessions."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, ClassVar, Self

from agent_framework import AgentSession, ContextProvider, FunctionTool, SessionContext

from dynamic_sessions import AsyncSession, AsyncSessionPool, Credential
from dynamic_sessions.pool import DEFAULT_TIMEOUT_SECONDS
from dynamic_sessions.prompts import DEFAULT_LIMIT
from maf_dynamic_sessions.attachments import uploaded
from maf_dynamic_sessions.code_tool import DEFAULT_SOURCE_ID, ApprovalMode, DynamicSessionsTool
from maf_dynamic_sessions.errors import tool_errors
from maf_dynamic_sessions.functions import (
    ToolInput,
    function_tools,
    merged_tools,
    sort_tools,
    without_tool,
)
from maf_dynamic_sessions.instructions import DESCRIPTION


class DynamicSessionsCodeActProvider(ContextProvider):
    """Lets an agent act by writing Python, which runs in a dynamic session.

    Before each run the agent gets the tool execute_code, and instructions that describe it with
    the functions the code can call. Tools that cannot run in a session stay tools of the agent's:
    those that need approvals or a context of the framework's, whose calls are counted, that are
    more than a function, or whose function cannot travel.

    Each agent session has a dynamic session of its own. Its identifier is in the agent session's
    state, so that one that was stored and restored, in this process or another, comes back to its
    variables and files while they live.

    Args:
        source_id: Key of the provider's state in an agent session.
        endpoint: See DynamicSessionsTool.
        credential: See DynamicSessionsTool.
        session_pool: See DynamicSessionsTool.
        tools: Functions and tools of the agent's.
        approval_mode: See DynamicSessionsTool.
        timeout: See DynamicSessionsTool.
        return_files: See DynamicSessionsTool.
        output_limit: See DynamicSessionsTool.
        upload_attachments: Whether data contents of new messages that have a file name (as
            `name`, or in `additional_properties` as "filename") are put into the session and
            named in the message. Of their data, the model gets what models read by themselves:
            pictures, sound, films and PDF.

    Raises:
        ValueError: There is no endpoint, or an argument is out of range.
        TypeError: One of the tools is no function.
    """

    DEFAULT_SOURCE_ID: ClassVar[str] = DEFAULT_SOURCE_ID

    def __init__(
        self,
        source_id: str = DEFAULT_SOURCE_ID,
        *,
        endpoint: str | None = None,
        credential: Credential | None = None,
        session_pool: AsyncSessionPool | None = None,
        tools: ToolInput | Sequence[ToolInput] = (),
        approval_mode: ApprovalMode = "never_require",
        timeout: float = DEFAULT_TIMEOUT_SECONDS,
        return_files: bool = False,
        output_limit: int | None = DEFAULT_LIMIT,
        upload_attachments: bool = True,
    ) -> None:
        super().__init__(source_id)
        self._upload_attachments = upload_attachments
        self._code_tool = DynamicSessionsTool(
            endpoint,
            credential,
            session_pool=session_pool,
            approval_mode=approval_mode,
            timeout=timeout,
            return_files=return_files,
            output_limit=output_limit,
            source_id=source_id,
        )
        self._set_tools(function_tools(tools))

    def add_tools(self, tools: ToolInput | Sequence[ToolInput]) -> None:
        """Add functions and tools, from the next run on; one of the same name is replaced.

        Raises:
            TypeError: One of them is no function.
        """
        self._set_tools(merged_tools(self._tools, function_tools(tools)))

    def get_tools(self) -> list[FunctionTool]:
        """Return the provider's tools, wherever they run."""
        return list(self._tools)

    def get_direct_tools(self) -> list[FunctionTool]:
        """Return those of the provider's tools that cannot run in a session."""
        return list(self._direct)

    def remove_tool(self, name: str) -> None:
        """Remove one tool.

        Raises:
            KeyError: There is none of this name.
        """
        self._set_tools(without_tool(self._tools, name))

    def clear_tools(self) -> None:
        """Remove all tools."""
        self._set_tools(())

    def build_instructions(self, *, tools_visible_to_model: bool = False) -> str:
        """Return what the provider adds to an agent's instructions; see DynamicSessionsTool."""
        return self._code_tool.build_instructions(tools_visible_to_model=tools_visible_to_model)

    def create_run_tool(self) -> DynamicSessionsTool:
        """Return the tool for one run; see DynamicSessionsTool."""
        run_tool = self._code_tool.create_run_tool()
        # The instructions describe the functions; twice would be a waste of tokens.
        run_tool.description = DESCRIPTION
        return run_tool

    def build_serializable_state(self) -> dict[str, Any]:
        """Return what the provider is set to, as JSON; see DynamicSessionsTool."""
        direct = [tool.name for tool in self._direct]
        return {**self._code_tool.build_serializable_state(), "direct_tool_names": direct}

    def session_for(self, agent_session: AgentSession) -> AsyncSession:
        """Return the dynamic session of an agent session; see DynamicSessionsTool."""
        return self._code_tool.session_for(agent_session)

    async def before_run(
        self,
        *,
        agent: object,
        session: AgentSession,
        context: SessionContext,
        state: dict[str, Any],
    ) -> None:
        """Give a run of an agent its tools and instructions, and the session its attachments.

        Raises:
            SessionServiceError: An attachment could not be put into the session.
            ValueError: An attachment's name cannot be a file's, or the state is not of this
                provider's making.
        """
        del agent
        run_tool = self.create_run_tool()
        dynamic_session = self.session_for(session)
        state.update(self.build_serializable_state())
        context.extend_instructions(
            self.source_id, run_tool.build_instructions(tools_visible_to_model=False)
        )
        context.extend_tools(self.source_id, [run_tool, *self._direct])
        if self._upload_attachments:
            with tool_errors():
                messages = await uploaded(dynamic_session, context.input_messages)
            context.input_messages[:] = messages

    async def close(self) -> None:
        """Close the connections of this event loop. Sessions of agent sessions live on."""
        await self._code_tool.close()

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
        sorted_tools = sort_tools(tools)
        self._code_tool.clear_tools()
        self._code_tool.add_tools(sorted_tools.injected)
        self._tools, self._direct = tools, sorted_tools.direct
