"""The tool that runs Python."""

from collections.abc import Callable, Mapping
from typing import Annotated, ClassVar, Unpack

from langchain_core.callbacks import AsyncCallbackManagerForToolRun, CallbackManagerForToolRun
from langchain_core.runnables import RunnableConfig
from langchain_core.tools.base import ArgsSchema
from pydantic import AfterValidator, BaseModel, Field

from dynamic_sessions import Credential, Execution, clean_code
from dynamic_sessions.prompts import DEFAULT_LIMIT, describe_python_tool
from langchain_dynamic_sessions.conversations import (
    ConversationSessions,
    conversation_sessions,
)
from langchain_dynamic_sessions.errors import tool_errors
from langchain_dynamic_sessions.results import ToolContent, artifact, execution_content
from langchain_dynamic_sessions.session_tool import (
    SessionTool,
    ToolSettings,
    one_credential,
    split_settings,
)


def _sendable(code: str) -> str:
    code.encode()
    return code


class PythonCode(BaseModel):
    """What a model passes to the tool that runs Python."""

    code: Annotated[str, AfterValidator(_sendable)] = Field(
        description="Python code, without a fence around it."
    )


class SessionsPythonREPLTool(SessionTool):
    """Runs Python in a dynamic session: in Azure, or in a sandboxed pool on this machine.

    Calls build on each other: variables, imports and files stay. A model reads what the code
    printed, its value and its errors, and sees the pictures that it made; the artifact of the tool
    message is the whole Execution. Code that fails gives a message with the status "error"; a
    service that fails raises a SessionToolException.

    Args:
        pool_management_endpoint: The pool management endpoint of a session pool in Azure, or
            "local" for a pool on this machine (needs the extra "local"). By default the
            environment variable DYNAMIC_SESSIONS_ENDPOINT.
        credential: A credential of azure-identity, synchronous or not, a function that returns
            tokens, or a static token. By default DefaultAzureCredential; a local pool needs none.
        access_token_provider: A function that returns tokens, in place of credential.
        sanitize_input: Whether fences and the like around a model's code are taken off.
        include_images: Whether the content has the pictures that code makes. Services whose tool
            results are text alone refuse them.
        output_limit: Characters of the text that a model reads; None for all of it.
        sessions: Sessions that exist already, to share them with other tools.
        settings: See ConversationSessions; and the fields that every LangChain tool has.

    Raises:
        ValueError: An argument is out of range or excludes another, or no pool was named.
        FunctionSourceError: A function cannot travel.
    """

    name: str = "Python_REPL"
    description: str = ""
    args_schema: ArgsSchema | None = PythonCode
    old_arguments: ClassVar[Mapping[str, str]] = {"python_code": "code"}
    sanitize_input: bool = True
    include_images: bool = True
    output_limit: int | None = DEFAULT_LIMIT

    def __init__(
        self,
        pool_management_endpoint: str | None = None,
        credential: Credential | None = None,
        *,
        access_token_provider: Callable[[], str | None] | None = None,
        sanitize_input: bool = True,
        include_images: bool = True,
        output_limit: int | None = DEFAULT_LIMIT,
        sessions: ConversationSessions | None = None,
        **settings: Unpack[ToolSettings],
    ) -> None:
        fields, of_sessions = split_settings(settings)
        found = conversation_sessions(
            sessions,
            pool_management_endpoint,
            one_credential(credential, access_token_provider),
            of_sessions,
        )
        fields.setdefault(
            "description", describe_python_tool(found.functions, timeout=found.timeout)
        )
        super().__init__(**fields)
        self.sanitize_input = sanitize_input
        self.include_images = include_images
        self.output_limit = output_limit
        self._sessions = found

    def execute(self, python_code: str, *, config: RunnableConfig | None = None) -> Execution:
        """Run code of the program's own in the session.

        Raises:
            ServiceError: The service, or the way to it, failed.
            FunctionError: The functions cannot be had in the session.
        """
        with self._sessions.for_call(config) as session:
            return session.execute(self._clean(python_code), timeout=self._sessions.timeout)

    async def aexecute(
        self, python_code: str, *, config: RunnableConfig | None = None
    ) -> Execution:
        """Run code of the program's own in the session; see execute()."""
        async with self._sessions.for_async_call(config) as session:
            return await session.execute(self._clean(python_code), timeout=self._sessions.timeout)

    def _run(
        self,
        code: str,
        config: RunnableConfig,
        run_manager: CallbackManagerForToolRun | None = None,
    ) -> tuple[ToolContent, Execution]:
        del run_manager
        with tool_errors():
            return self._answer(self.execute(code, config=config))

    async def _arun(
        self,
        code: str,
        config: RunnableConfig,
        run_manager: AsyncCallbackManagerForToolRun | None = None,
    ) -> tuple[ToolContent, Execution]:
        del run_manager
        with tool_errors():
            return self._answer(await self.aexecute(code, config=config))

    def _answer(self, execution: Execution) -> tuple[ToolContent, Execution]:
        content = execution_content(
            execution, limit=self.output_limit, include_images=self.include_images
        )
        return content, artifact(execution)

    def _clean(self, code: str) -> str:
        return clean_code(code) if self.sanitize_input else code
