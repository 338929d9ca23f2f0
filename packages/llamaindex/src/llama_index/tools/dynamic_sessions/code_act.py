"""What a CodeActAgent runs its code with: a session that has the agent's own tools."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from llama_index.core.tools import BaseTool

from dynamic_sessions import AsyncSession, AsyncSessionPool, Credential
from dynamic_sessions.pool import DEFAULT_API_VERSION, DEFAULT_TIMEOUT_SECONDS
from llama_index.tools.dynamic_sessions.functions import (
    CodeActTool,
    function_tools,
    module_of_tools,
)
from llama_index.tools.dynamic_sessions.results import ContentBlocks
from llama_index.tools.dynamic_sessions.tool_spec import DynamicSessionsToolSpec


class CodeActSession:
    """A session for a CodeActAgent, with the agent's tools in it.

    CodeActAgent tells its model that the tools' functions exist where the code runs. Here they
    do: the tools are injected into the session, and those that cannot be are refused.

    Example:
        >>> session = CodeActSession("local", tools=[load_sales])
        >>> agent = CodeActAgent(session.code_execute_fn, tools=session.tools, llm=llm)

    Args:
        endpoint: See DynamicSessionsToolSpec, as for all that are not described here.
        credential: A credential of azure-identity, synchronous or not, or a static token.
        tools: The agent's tools: plain functions, or FunctionTools of such.
        session_id: Name of the session, to reach the same one again.
        functions_module: Name of the module from which the code can import the tools as well.
        timeout: Seconds that a run may take, at most 220.
        api_version: Version of the service's API.
        local_save_path: A folder on this machine for the pictures that code makes.
        session_pool: A session pool in place of endpoint and credential. The caller closes it.

    Raises:
        FunctionSourceError: A tool's function cannot exist in the session as the agent promises.
        ValueError: An argument is out of range, or no pool was named.
        NotADirectoryError: The folder for pictures does not exist.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        credential: Credential | None = None,
        *,
        tools: Sequence[CodeActTool] = (),
        session_id: str | None = None,
        functions_module: str = "functions",
        timeout: float = DEFAULT_TIMEOUT_SECONDS,
        api_version: str = DEFAULT_API_VERSION,
        local_save_path: str | Path | None = None,
        session_pool: AsyncSessionPool | None = None,
    ) -> None:
        self._tools = function_tools(tools)
        self._spec = DynamicSessionsToolSpec(
            endpoint,
            credential,
            session_id=session_id,
            functions=module_of_tools(self._tools, name=functions_module),
            timeout=timeout,
            api_version=api_version,
            local_save_path=local_save_path,
            session_pool=session_pool,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}(session_id={self.session_id!r})"

    @property
    def tools(self) -> list[BaseTool | CodeActTool]:
        """The tools, for the agent. A list of its own each time: the agent appends to it."""
        return list(self._tools)

    @property
    def session_id(self) -> str:
        """The session's name."""
        return self._spec.session_id

    @property
    def async_session(self) -> AsyncSession:
        """The session itself, for the program's own calls in the running event loop."""
        return self._spec.async_session

    @property
    def saved_images(self) -> Sequence[Path]:
        """The files that were written into local_save_path, oldest first."""
        return self._spec.saved_images

    async def code_execute_fn(self, code: str) -> ContentBlocks:
        """Run Python code that the agent's model wrote.

        The agent's model reads the text; pictures are in the agent's ToolCallResult events.

        Raises:
            ServiceError: The service, or the way to it, failed.
            FunctionError: The tools cannot be had in the session.
        """
        return await self._spec.aexecute(code)

    async def aclose(self) -> None:
        """Delete the session unless it was named, and close the connections to it."""
        await self._spec.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()
