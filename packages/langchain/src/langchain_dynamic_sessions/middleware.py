"""All that an agent needs to use sessions: the tool, what it should know, and its files."""

import logging
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Any, TypeAlias, Unpack, cast

from langchain.agents.middleware.types import (
    AgentMiddleware,
    ModelRequest,
    ModelResponse,
    ToolCallRequest,
)
from langchain_core.messages import AIMessage, SystemMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.runtime import Runtime
from langgraph.types import Command

from dynamic_sessions import Credential, NotFoundError, ServiceError
from dynamic_sessions.prompts import describe_python_tool
from langchain_dynamic_sessions.conversations import (
    ConversationSessions,
    OnSessions,
    SessionSettings,
    conversation_sessions,
)
from langchain_dynamic_sessions.descriptions import session_guide
from langchain_dynamic_sessions.errors import tool_errors
from langchain_dynamic_sessions.python_tool import SessionsPythonREPLTool
from langchain_dynamic_sessions.session_files import (
    MAX_COLLECTED_BYTES,
    FilesMade,
    SessionFilesState,
    files_to_upload,
    uploaded,
)

logger = logging.getLogger("langchain_dynamic_sessions")

# Code that still runs in the session may have removed a file that was listed, or let it grow.
_CHANGED_MEANWHILE = (NotFoundError, ValueError)

ToolResult: TypeAlias = ToolMessage | Command[Any]


class SessionsMiddleware(OnSessions, AgentMiddleware[SessionFilesState]):
    """Gives an agent Python in a session of its own for every thread.

    It adds the tool, tells the model about the session and the functions in it, puts the files of
    the state's `session_files` into the session before code first needs them, and collects there
    what runs made or changed: up to 20 files of up to 8 MiB a call. Others, and hidden files, stay
    in the session, where sessions.session(config).files has them.

    Args:
        endpoint: See ConversationSessions.
        credential: See ConversationSessions.
        sessions: Sessions that exist already, to share them with other tools.
        include_images: See SessionsPythonREPLTool.
        collect_files: Whether the session's files are listed after each run, at the cost of one
            request, and one for each directory and each file that is fetched.
        settings: See ConversationSessions. session_key is "thread_id" unless it is given, so that
            an agent without threads needs session_key=None.

    Raises:
        ValueError: An argument is out of range or excludes another, or no pool was named.
        FunctionSourceError: A function cannot travel.
    """

    state_schema = SessionFilesState

    def __init__(
        self,
        endpoint: str | None = None,
        credential: Credential | None = None,
        *,
        sessions: ConversationSessions | None = None,
        include_images: bool = True,
        collect_files: bool = True,
        **settings: Unpack[SessionSettings],
    ) -> None:
        super().__init__()
        if sessions is None and not settings.get("session_id"):
            settings.setdefault("session_key", "thread_id")
        self._sessions = conversation_sessions(sessions, endpoint, credential, settings)
        self._collects_files = collect_files
        self._tool = SessionsPythonREPLTool(
            sessions=self._sessions,
            include_images=include_images,
            description=describe_python_tool(timeout=self._sessions.timeout),
        )
        self.tools = [self._tool]

    def wrap_model_call(
        self,
        request: ModelRequest[None],
        handler: Callable[[ModelRequest[None]], ModelResponse[Any]],
    ) -> ModelResponse[Any]:
        """Tell the model about the session."""
        return handler(self._with_guide(request))

    async def awrap_model_call(
        self,
        request: ModelRequest[None],
        handler: Callable[[ModelRequest[None]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any]:
        """Tell the model about the session."""
        return await handler(self._with_guide(request))

    def after_model(
        self, state: SessionFilesState, runtime: Runtime[None]
    ) -> dict[str, Any] | None:
        """Bring the state's files into the session that the model's code is about to run in.

        This comes before the calls of a turn, which run side by side and may change the files.

        Raises:
            SessionToolException: The service, or the way to it, failed.
        """
        del runtime
        uploads = files_to_upload(state) if self._is_called_in(state) else {}
        if not uploads:
            return None
        files = self._sessions.session().files
        with tool_errors():
            versions = {
                name: uploaded(files.upload(content, name=name), content)
                for name, content in uploads.items()
            }
        return {"session_file_versions": versions}

    async def aafter_model(
        self, state: SessionFilesState, runtime: Runtime[None]
    ) -> dict[str, Any] | None:
        """Bring the state's files into the session; see after_model()."""
        del runtime
        uploads = files_to_upload(state) if self._is_called_in(state) else {}
        if not uploads:
            return None
        files = self._sessions.async_session().files
        with tool_errors():
            versions = {
                name: uploaded(await files.upload(content, name=name), content)
                for name, content in uploads.items()
            }
        return {"session_file_versions": versions}

    def wrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], ToolResult]
    ) -> ToolResult:
        """Bring what the run made into the state.

        Raises:
            SessionToolException: The service, or the way to it, failed.
        """
        message = handler(request)
        if request.tool_call["name"] != self._tool.name or not isinstance(message, ToolMessage):
            return message
        made = FilesMade(request.state)
        made.note_run(message.artifact)
        if self._collects_files:
            files = self._sessions.session(_config_of(request)).files
            with _logged():
                for file in made.changed(files.list(recursive=True)):
                    try:
                        content = files.read(file, max_bytes=MAX_COLLECTED_BYTES)
                    except _CHANGED_MEANWHILE:
                        made.note_left(file)
                    else:
                        made.note_fetched(file, content)
        return made.result(message)

    async def awrap_tool_call(
        self,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], Awaitable[ToolResult]],
    ) -> ToolResult:
        """Bring what the run made into the state; see wrap_tool_call()."""
        message = await handler(request)
        if request.tool_call["name"] != self._tool.name or not isinstance(message, ToolMessage):
            return message
        made = FilesMade(request.state)
        made.note_run(message.artifact)
        if self._collects_files:
            files = self._sessions.async_session(_config_of(request)).files
            with _logged():
                for file in made.changed(await files.list(recursive=True)):
                    try:
                        content = await files.read(file, max_bytes=MAX_COLLECTED_BYTES)
                    except _CHANGED_MEANWHILE:
                        made.note_left(file)
                    else:
                        made.note_fetched(file, content)
        return made.result(message)

    def _is_called_in(self, state: SessionFilesState) -> bool:
        last = state["messages"][-1] if state["messages"] else None
        calls = last.tool_calls if isinstance(last, AIMessage) else []
        return any(call["name"] == self._tool.name for call in calls)

    def _with_guide(self, request: ModelRequest[None]) -> ModelRequest[None]:
        names = list(request.state.get("session_files") or ())
        guide = session_guide(self._tool.name, self._sessions.functions, names)
        return request.override(system_message=_extended(request.system_message, guide))


def _extended(message: SystemMessage | None, guide: str) -> SystemMessage:
    if message is None:
        return SystemMessage(guide)
    if isinstance(message.content, str):
        return SystemMessage(f"{message.content}\n\n{guide}")
    # Blocks may carry marks for caches, which a single text would lose.
    return SystemMessage([*message.content, {"type": "text", "text": guide}])


@contextmanager
def _logged() -> Generator[None]:
    # The code has run, so that its result must not be lost over this.
    try:
        yield
    except ServiceError as error:
        logger.warning("The files that a run made could not be fetched: %s", error)


def _config_of(request: ToolCallRequest) -> RunnableConfig:
    # The framework leaves its runtime's state untyped.
    return cast("RunnableConfig", cast("Any", request).runtime.config)
