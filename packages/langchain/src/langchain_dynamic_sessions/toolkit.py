"""Tools for the files of a session, beside the one that runs code."""

from typing import Literal, Self, Unpack

from langchain_core.callbacks import AsyncCallbackManagerForToolRun, CallbackManagerForToolRun
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, BaseToolkit
from langchain_core.tools.base import ArgsSchema
from pydantic import BaseModel, Field, PrivateAttr

from dynamic_sessions import Credential
from dynamic_sessions.prompts import render_files
from langchain_dynamic_sessions.conversations import (
    ConversationSessions,
    OnSessions,
    SessionSettings,
)
from langchain_dynamic_sessions.errors import file_errors, tell_the_model
from langchain_dynamic_sessions.python_tool import SessionsPythonREPLTool
from langchain_dynamic_sessions.results import ToolContent, file_content
from langchain_dynamic_sessions.session_tool import SessionTool

MAX_READ_BYTES = 8 * 1024 * 1024
"""Larger files are for code to read, and code must not fill this machine's memory."""


class Directory(BaseModel):
    """What a model passes to the tool that lists files."""

    directory: str = Field(
        default="", description="A directory below /mnt/data; by default that directory itself."
    )


class FileName(BaseModel):
    """What a model passes to the tool that reads a file."""

    name: str = Field(description="The file's name below /mnt/data.")


class FileText(BaseModel):
    """What a model passes to the tool that writes a file."""

    name: str = Field(description="The file's name below /mnt/data.")
    content: str = Field(description="The whole text of the file.")


class _FileTool(SessionTool):
    response_format: Literal["content", "content_and_artifact"] = "content"

    def on(self, sessions: ConversationSessions) -> Self:
        """Work on some sessions, and tell the model what it got wrong."""
        self._sessions = sessions
        self.handle_tool_error = tell_the_model
        return self


class ListFilesTool(_FileTool):
    """Lists the files of a session."""

    name: str = "list_files"
    description: str = "List the files of the session that runs the code."
    args_schema: ArgsSchema | None = Directory

    def _run(
        self,
        config: RunnableConfig,
        directory: str = "",
        run_manager: CallbackManagerForToolRun | None = None,
    ) -> str:
        del run_manager
        with file_errors():
            return render_files(self._sessions.session(config).files.list(directory))

    async def _arun(
        self,
        config: RunnableConfig,
        directory: str = "",
        run_manager: AsyncCallbackManagerForToolRun | None = None,
    ) -> str:
        del run_manager
        with file_errors():
            return render_files(await self._sessions.async_session(config).files.list(directory))


class ReadFileTool(_FileTool):
    """Reads a file of a session: its text, or the picture."""

    name: str = "read_file"
    description: str = (
        "Read a file of the session: a text, or a picture to look at. Of a long text the middle is "
        "left out; read such files with code."
    )
    args_schema: ArgsSchema | None = FileName

    def _run(
        self,
        name: str,
        config: RunnableConfig,
        run_manager: CallbackManagerForToolRun | None = None,
    ) -> ToolContent:
        del run_manager
        with file_errors():
            files = self._sessions.session(config).files
            return file_content(name, files.read(name, max_bytes=MAX_READ_BYTES))

    async def _arun(
        self,
        name: str,
        config: RunnableConfig,
        run_manager: AsyncCallbackManagerForToolRun | None = None,
    ) -> ToolContent:
        del run_manager
        with file_errors():
            files = self._sessions.async_session(config).files
            return file_content(name, await files.read(name, max_bytes=MAX_READ_BYTES))


class WriteFileTool(_FileTool):
    """Writes a text file into a session."""

    name: str = "write_file"
    description: str = (
        "Write a text file into the session, where code can open it by its name. A file of the "
        "same name is replaced."
    )
    args_schema: ArgsSchema | None = FileText

    def _run(
        self,
        name: str,
        content: str,
        config: RunnableConfig,
        run_manager: CallbackManagerForToolRun | None = None,
    ) -> str:
        del run_manager
        with file_errors():
            files = self._sessions.session(config).files
            return _written(files.upload(content.encode(), name=name).size, name)

    async def _arun(
        self,
        name: str,
        content: str,
        config: RunnableConfig,
        run_manager: AsyncCallbackManagerForToolRun | None = None,
    ) -> str:
        del run_manager
        with file_errors():
            files = self._sessions.async_session(config).files
            return _written((await files.upload(content.encode(), name=name)).size, name)


class SessionsToolkit(OnSessions, BaseToolkit):
    """The tool that runs Python and those for its files, on the same sessions.

    None of them reaches a file of this machine: a program uploads and downloads by its own calls
    to sessions.

    Args:
        endpoint: See ConversationSessions, as for all others.
        credential: See ConversationSessions.
        settings: See ConversationSessions. A session for every call would have no files to show:
            delete_session_after_invocation is refused.

    Raises:
        ValueError: An argument is out of range or excludes another, or no pool was named.
        FunctionSourceError: A function cannot travel.
    """

    _sessions: ConversationSessions = PrivateAttr()

    def __init__(
        self,
        endpoint: str | None = None,
        credential: Credential | None = None,
        **settings: Unpack[SessionSettings],
    ) -> None:
        if settings.get("delete_session_after_invocation"):
            raise ValueError("Tools that share files need a session that outlives a call.")
        super().__init__()
        self._sessions = ConversationSessions(endpoint, credential, **settings)

    def get_tools(self) -> list[BaseTool]:
        """Return the tools."""
        tools: list[BaseTool] = [
            SessionsPythonREPLTool(sessions=self._sessions),
            ListFilesTool().on(self._sessions),
            ReadFileTool().on(self._sessions),
            WriteFileTool().on(self._sessions),
        ]
        return tools


def _written(size: int, name: str) -> str:
    return f"Wrote {size:,} bytes to {name}."
