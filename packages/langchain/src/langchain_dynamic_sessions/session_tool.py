"""What all tools on sessions have in common."""

import io
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Literal, TypedDict, cast

import anyio
from langchain_core.callbacks import Callbacks
from langchain_core.messages.tool import ToolCall
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, ToolException
from pydantic import PrivateAttr

from dynamic_sessions import Credential, SessionFile
from dynamic_sessions.files import DATA_DIRECTORY
from langchain_dynamic_sessions.conversations import (
    ConversationSessions,
    OnSessions,
    SessionSettings,
)
from langchain_dynamic_sessions.results import with_status


class ToolFields(TypedDict, total=False):
    """What every LangChain tool can be given."""

    name: str
    description: str
    return_direct: bool
    verbose: bool
    callbacks: Callbacks
    tags: list[str] | None
    metadata: dict[str, Any] | None
    extras: dict[str, Any] | None
    handle_tool_error: bool | str | Callable[[ToolException], str] | None
    handle_validation_error: bool | str | Callable[..., str] | None


class ToolSettings(ToolFields, SessionSettings, total=False):
    """Arguments of a tool on sessions: its fields, and which sessions it uses."""


class RemoteFileMetadata(SessionFile):
    """A file of a session, under the attributes of langchain-azure-dynamic-sessions, too."""

    @classmethod
    def of(cls, file: SessionFile) -> "RemoteFileMetadata":
        """Return the same file with those attributes."""
        return cls(
            name=file.name,
            size=file.size,
            modified_at=file.modified_at,
            content_type=file.content_type,
            type=file.type,
        )

    @property
    def filename(self) -> str:
        """Path below /mnt/data."""
        return self.name

    @property
    def size_in_bytes(self) -> int:
        """Size in bytes."""
        return self.size

    @property
    def full_path(self) -> str:
        """Absolute path in the session."""
        return f"{DATA_DIRECTORY}/{self.name}"


class SessionTool(OnSessions, BaseTool):
    """A tool that works in a session, and the program's own calls to that session.

    None of the methods here is offered to a model. Where conversations have sessions of their
    own, config says which is meant; inside a graph it need not be given.
    """

    response_format: Literal["content", "content_and_artifact"] = "content_and_artifact"

    old_arguments: ClassVar[Mapping[str, str]] = {}
    """Arguments under the names of langchain-azure-dynamic-sessions, to the present ones."""

    _sessions: ConversationSessions = PrivateAttr()

    @property
    def pool_management_endpoint(self) -> str:
        """The endpoint in use."""
        return self._sessions.endpoint

    @property
    def session_id(self) -> str:
        """Name of the session that all calls share.

        Raises:
            ValueError: Every conversation has its own; see sessions.identifier().
        """
        return self._sessions.identifier()

    def upload_file(
        self,
        *,
        data: BinaryIO | bytes | None = None,
        remote_file_path: str | None = None,
        local_file_path: str | os.PathLike[str] | None = None,
        config: RunnableConfig | None = None,
    ) -> RemoteFileMetadata:
        """Put a file into the session.

        Args:
            data: The content, as bytes or as a seekable binary file.
            remote_file_path: The name in the session; by default the local file's.
            local_file_path: A file on this machine, in place of data.
            config: Says which conversation's session it is.

        Raises:
            ValueError: Both or neither of data and path were given, or there is no name.
            ServiceError: The service, or the way to it, failed.
        """
        source = _one_of(data, local_file_path)
        files = self._sessions.session(config).files
        return RemoteFileMetadata.of(files.upload(source, name=remote_file_path))

    async def aupload_file(
        self,
        *,
        data: BinaryIO | bytes | None = None,
        remote_file_path: str | None = None,
        local_file_path: str | os.PathLike[str] | None = None,
        config: RunnableConfig | None = None,
    ) -> RemoteFileMetadata:
        """Put a file into the session; see upload_file()."""
        source = _one_of(data, local_file_path)
        files = self._sessions.async_session(config).files
        return RemoteFileMetadata.of(await files.upload(source, name=remote_file_path))

    def download_file(
        self,
        *,
        remote_file_path: str,
        local_file_path: str | os.PathLike[str] | None = None,
        config: RunnableConfig | None = None,
    ) -> BinaryIO:
        """Return a file of the session, and write it to a path on this machine where one is given.

        Large files are better streamed: `sessions.session().files.download()`.

        Raises:
            ValueError: The name is not valid.
            NotFoundError: There is no such file.
            ServiceError: The service, or the way to it, failed.
        """
        content = self._sessions.session(config).files.read(remote_file_path)
        if local_file_path is not None:
            Path(local_file_path).write_bytes(content)
        return io.BytesIO(content)

    async def adownload_file(
        self,
        *,
        remote_file_path: str,
        local_file_path: str | os.PathLike[str] | None = None,
        config: RunnableConfig | None = None,
    ) -> BinaryIO:
        """Return a file of the session, and write it where asked; see download_file()."""
        content = await self._sessions.async_session(config).files.read(remote_file_path)
        if local_file_path is not None:
            await anyio.Path(local_file_path).write_bytes(content)
        return io.BytesIO(content)

    def list_files(self, *, config: RunnableConfig | None = None) -> Sequence[RemoteFileMetadata]:
        """Return the files in /mnt/data.

        Raises:
            ServiceError: The service, or the way to it, failed.
        """
        return [RemoteFileMetadata.of(f) for f in self._sessions.session(config).files.list()]

    async def alist_files(
        self, *, config: RunnableConfig | None = None
    ) -> Sequence[RemoteFileMetadata]:
        """Return the files in /mnt/data; see list_files()."""
        files = await self._sessions.async_session(config).files.list()
        return [RemoteFileMetadata.of(file) for file in files]

    def delete_session(self, *, config: RunnableConfig | None = None) -> None:
        """End the session, whoever named it. The next call begins a new one.

        Raises:
            ServiceError: The service, or the way to it, failed.
        """
        self._sessions.delete(config)

    async def adelete_session(self, *, config: RunnableConfig | None = None) -> None:
        """End the session; see delete_session()."""
        await self._sessions.adelete(config)

    def invoke(
        self,
        input: str | dict[str, Any] | ToolCall,  # noqa: A002 - LangChain's name
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Any:
        """Call the tool. The message about a run that failed has the status "error"."""
        return with_status(super().invoke(input, config, **kwargs))

    async def ainvoke(
        self,
        input: str | dict[str, Any] | ToolCall,  # noqa: A002 - LangChain's name
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Any:
        """Call the tool; see invoke()."""
        return with_status(await super().ainvoke(input, config, **kwargs))

    def _parse_input(
        self, tool_input: str | dict[str, Any], tool_call_id: str | None
    ) -> str | dict[str, Any]:
        if isinstance(tool_input, dict):
            names = self.old_arguments
            tool_input = {names.get(name, name): value for name, value in tool_input.items()}
        return super()._parse_input(tool_input, tool_call_id)


def split_settings(settings: ToolSettings) -> tuple[ToolFields, SessionSettings]:
    """Return the settings of a tool and those of its sessions."""
    of_sessions = SessionSettings.__annotations__.keys()
    fields = {name: value for name, value in settings.items() if name not in of_sessions}
    rest = {name: value for name, value in settings.items() if name in of_sessions}
    return cast("ToolFields", fields), cast("SessionSettings", rest)


def one_credential(
    credential: Credential | None, access_token_provider: Callable[[], str | None] | None
) -> Credential | None:
    """Return the credential of either name.

    Raises:
        ValueError: Both were given.
    """
    if access_token_provider is None:
        return credential
    if credential is not None:
        raise ValueError("credential and access_token_provider are two names for one: give one.")
    return lambda: access_token_provider() or ""


def _one_of(
    data: BinaryIO | bytes | None, path: str | os.PathLike[str] | None
) -> BinaryIO | bytes | str | os.PathLike[str]:
    if data is None and path is not None:
        return path
    if data is not None and path is None:
        return data
    raise ValueError("Give either data or local_file_path.")
