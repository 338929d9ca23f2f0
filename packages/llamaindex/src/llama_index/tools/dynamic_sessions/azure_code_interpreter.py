"""The class of llama-index-tools-azure-code-interpreter, for programs written for it."""

import asyncio
import os
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from dynamic_sessions import (
    AsyncSessionPool,
    Credential,
    FunctionModule,
    InjectableFunction,
    SessionFile,
    SessionPool,
)
from dynamic_sessions.files import DATA_DIRECTORY
from dynamic_sessions.pool import DEFAULT_API_VERSION, DEFAULT_TIMEOUT_SECONDS
from dynamic_sessions.uploads import UploadSource
from llama_index.tools.dynamic_sessions.results import ContentBlocks, FileListing
from llama_index.tools.dynamic_sessions.tool_spec import DynamicSessionsToolSpec, SpecFunctions

ENDPOINT_VARIABLE = "AZURE_POOL_MANAGEMENT_ENDPOINT"
"""What programs for the old class set; DYNAMIC_SESSIONS_ENDPOINT is looked at after it."""


class RemoteFileMetadata(SessionFile):
    """A file of the session, under its old attributes, too."""

    @classmethod
    def of(cls, file: SessionFile) -> "RemoteFileMetadata":
        """Return the same file with the old attributes."""
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
    def file_full_path(self) -> str:
        """Absolute path in the session."""
        return f"{DATA_DIRECTORY}/{self.name}"


class AzureCodeInterpreterToolSpec(DynamicSessionsToolSpec):
    """DynamicSessionsToolSpec under its old name, with the old tools, arguments and file calls.

    Local paths are the program's: none of these file calls is offered to a model.

    Args:
        pool_management_endpoint: See DynamicSessionsToolSpec. By default the environment variable
            AZURE_POOL_MANAGEMENT_ENDPOINT, then DYNAMIC_SESSIONS_ENDPOINT.
        session_id: See DynamicSessionsToolSpec, as for all others.
    """

    spec_functions: SpecFunctions = [  # noqa: RUF012 - LlamaIndex declares it as an instance's
        ("code_interpreter", "acode_interpreter"),
        ("list_files", "alist_files"),
        ("read_file", "aread_file"),
        ("write_file", "awrite_file"),
    ]

    def __init__(
        self,
        pool_management_endpoint: str | None = None,
        session_id: str | None = None,
        local_save_path: str | Path | None = None,
        sanitize_input: bool = True,
        *,
        credential: Credential | None = None,
        functions: Sequence[InjectableFunction] | FunctionModule = (),
        functions_module: str = "functions",
        timeout: float = DEFAULT_TIMEOUT_SECONDS,
        api_version: str = DEFAULT_API_VERSION,
        session_pool: AsyncSessionPool | SessionPool | None = None,
    ) -> None:
        if session_pool is None:
            pool_management_endpoint = pool_management_endpoint or os.environ.get(ENDPOINT_VARIABLE)
        super().__init__(
            pool_management_endpoint,
            credential,
            session_id=session_id,
            functions=functions,
            functions_module=functions_module,
            timeout=timeout,
            api_version=api_version,
            local_save_path=local_save_path or None,
            sanitize_input=sanitize_input,
            session_pool=session_pool,
        )

    def code_interpreter(self, python_code: str) -> ContentBlocks:
        """Run Python code; see execute()."""
        return self.execute(python_code)

    async def acode_interpreter(self, python_code: str) -> ContentBlocks:
        """Run Python code; see execute()."""
        return await self.aexecute(python_code)

    def list_files(self, directory: str = "") -> FileListing[RemoteFileMetadata]:
        """Return the files of a directory of the session, by default of /mnt/data.

        Raises:
            ServiceError: The service, or the way to it, failed.
        """
        return FileListing(map(RemoteFileMetadata.of, super().list_files(directory)))

    async def alist_files(self, directory: str = "") -> FileListing[RemoteFileMetadata]:
        """Return the files of a directory of the session; see list_files()."""
        return FileListing(map(RemoteFileMetadata.of, await super().alist_files(directory)))

    def upload_file(
        self,
        data: UploadSource | None = None,
        local_file_path: str | Path | None = None,
        *,
        name: str | None = None,
    ) -> list[RemoteFileMetadata]:
        """Put a file into the session.

        Args:
            data: The content, as bytes or as a binary file.
            local_file_path: A file on this machine, in place of data.
            name: The name in the session; by default the local file's.

        Raises:
            ValueError: Both or neither of data and path were given, or there is no name.
            ServiceError: The service, or the way to it, failed.
        """
        source = _one_of(data, local_file_path)
        return [RemoteFileMetadata.of(self.session.files.upload(source, name=name))]

    async def aupload_file(
        self,
        data: UploadSource | None = None,
        local_file_path: str | Path | None = None,
        *,
        name: str | None = None,
    ) -> list[RemoteFileMetadata]:
        """Put a file into the session; see upload_file()."""
        source = _one_of(data, local_file_path)
        return [RemoteFileMetadata.of(await self.async_session.files.upload(source, name=name))]

    def download_file_to_local(
        self, remote_file_path: str, local_file_path: str | Path | None = None
    ) -> BytesIO | None:
        """Return a file of the session, or write it to a path on this machine.

        Raises:
            ValueError: The name is not valid.
            NotFoundError: There is no such file.
            ServiceError: The service, or the way to it, failed.
        """
        content = self.session.files.read(remote_file_path)
        if local_file_path is None:
            return BytesIO(content)
        Path(local_file_path).write_bytes(content)
        return None

    async def adownload_file_to_local(
        self, remote_file_path: str, local_file_path: str | Path | None = None
    ) -> BytesIO | None:
        """Return a file of the session, or write it; see download_file_to_local()."""
        content = await self.async_session.files.read(remote_file_path)
        if local_file_path is None:
            return BytesIO(content)
        await asyncio.to_thread(Path(local_file_path).write_bytes, content)
        return None


def _one_of(data: UploadSource | None, path: str | Path | None) -> UploadSource:
    if data is None and path is not None:
        return path
    if data is not None and path is None:
        return data
    raise ValueError("Give either data or local_file_path.")
