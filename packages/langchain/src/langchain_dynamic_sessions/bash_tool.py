"""The tool that runs commands."""

from collections.abc import Callable, Mapping
from typing import Annotated, ClassVar, Unpack

from langchain_core.callbacks import AsyncCallbackManagerForToolRun, CallbackManagerForToolRun
from langchain_core.runnables import RunnableConfig
from langchain_core.tools.base import ArgsSchema
from pydantic import AfterValidator, BaseModel, Field

from dynamic_sessions import Credential, Execution, render_execution
from dynamic_sessions.models import Command
from dynamic_sessions.prompts import DEFAULT_LIMIT, clean_command
from langchain_dynamic_sessions.conversations import (
    ConversationSessions,
    conversation_sessions,
)
from langchain_dynamic_sessions.errors import tool_errors
from langchain_dynamic_sessions.session_tool import (
    SessionTool,
    ToolSettings,
    one_credential,
    split_settings,
)

# Services for models refuse an empty text.
_NO_OUTPUT = "The command ran to its end, without output."


def _runnable(command: str) -> str:
    for word in Command(line=clean_command(command)).words:
        word.encode()
    return command


class BashCommand(BaseModel):
    """What a model passes to the tool that runs commands."""

    command: Annotated[str, AfterValidator(_runnable)] = Field(
        description="A line or a script for Bash, without a fence around it."
    )


class SessionsBashTool(SessionTool):
    """Runs commands in sessions of a Shell pool; see SessionsPythonREPLTool for the arguments.

    Each command is a process of its own that starts in /mnt/data; files stay from one call to the
    next, and nothing else.

    Raises:
        ValueError: An argument is out of range or excludes another, or no pool was named.
    """

    name: str = "Bash"
    description: str = (
        "Run a Bash command in a sandboxed session and return its output. Each command is a "
        "process of its own that starts in /mnt/data; files stay from one call to the next."
    )
    args_schema: ArgsSchema | None = BashCommand
    old_arguments: ClassVar[Mapping[str, str]] = {"bash_command": "command"}
    sanitize_input: bool = True
    output_limit: int | None = DEFAULT_LIMIT

    def __init__(
        self,
        pool_management_endpoint: str | None = None,
        credential: Credential | None = None,
        *,
        access_token_provider: Callable[[], str | None] | None = None,
        sanitize_input: bool = True,
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
        if found.functions.names:
            raise ValueError("Functions are for Python; a Shell pool runs commands.")
        super().__init__(**fields)
        self.sanitize_input = sanitize_input
        self.output_limit = output_limit
        self._sessions = found

    def execute(self, bash_command: str, *, config: RunnableConfig | None = None) -> Execution:
        """Run a command of the program's own in the session.

        Raises:
            ServiceError: The service, or the way to it, failed.
        """
        with self._sessions.for_call(config) as session:
            command = self._clean(bash_command)
            return session.run_command(command, timeout=self._sessions.timeout)

    async def aexecute(
        self, bash_command: str, *, config: RunnableConfig | None = None
    ) -> Execution:
        """Run a command of the program's own in the session; see execute()."""
        async with self._sessions.for_async_call(config) as session:
            command = self._clean(bash_command)
            return await session.run_command(command, timeout=self._sessions.timeout)

    def _run(
        self,
        command: str,
        config: RunnableConfig,
        run_manager: CallbackManagerForToolRun | None = None,
    ) -> tuple[str, Execution]:
        del run_manager
        with tool_errors():
            return self._answer(self.execute(command, config=config))

    async def _arun(
        self,
        command: str,
        config: RunnableConfig,
        run_manager: AsyncCallbackManagerForToolRun | None = None,
    ) -> tuple[str, Execution]:
        del run_manager
        with tool_errors():
            return self._answer(await self.aexecute(command, config=config))

    def _answer(self, execution: Execution) -> tuple[str, Execution]:
        return render_execution(execution, limit=self.output_limit) or _NO_OUTPUT, execution

    def _clean(self, command: str) -> str:
        return clean_command(command) if self.sanitize_input else command
