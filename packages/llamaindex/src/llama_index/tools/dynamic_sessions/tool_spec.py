"""LlamaIndex tools on a session of a session pool."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

from llama_index.core.tools import FunctionTool, ToolMetadata
from llama_index.core.tools.tool_spec.base import BaseToolSpec

from dynamic_sessions import (
    AsyncSession,
    AsyncSessionPool,
    Credential,
    DualSession,
    Execution,
    FunctionModule,
    InjectableFunction,
    Session,
    SessionFile,
    SessionPool,
    clean_code,
)
from dynamic_sessions.pool import DEFAULT_API_VERSION, DEFAULT_TIMEOUT_SECONDS
from dynamic_sessions.time_limits import check_timeout
from llama_index.tools.dynamic_sessions.descriptions import tool_metadata
from llama_index.tools.dynamic_sessions.images import ImageFolder
from llama_index.tools.dynamic_sessions.results import (
    ContentBlocks,
    FileListing,
    execution_blocks,
    file_blocks,
)

READABLE_BYTES = 10 * 1024 * 1024
"""Size of the largest file that a model may have read: no picture and no text that it could use is
larger, and this machine holds the file in memory."""

SpecFunctions: TypeAlias = list[str | tuple[str, str]]


class DynamicSessionsToolSpec(BaseToolSpec):
    """Tools that run Python in a dynamic session: in Azure, or in a sandboxed pool on this machine.

    Calls build on each other: variables, imports and files stay. The session is created by the
    first call that needs it, and deleted by close() or aclose() unless session_id was given.
    Synchronous and asynchronous calls reach the same session.

    Args:
        endpoint: The pool management endpoint of a session pool in Azure, or "local" for a pool on
            this machine (needs the extra "local"). By default the environment variable
            DYNAMIC_SESSIONS_ENDPOINT.
        credential: A credential of azure-identity, synchronous or not, or a static token. By
            default DefaultAzureCredential; a local pool needs none.
        session_id: Name of the session, to reach the same one again. By default a random one.
        functions: Functions that the code can call. The tool that runs code describes them.
        functions_module: Name of the module from which the code can import them as well.
        timeout: Seconds that a run may take, at most 220.
        api_version: Version of the service's API.
        local_save_path: A folder on this machine for the pictures that code makes.
        sanitize_input: Whether fences and the like around a model's code are taken off.
        session_pool: A session pool in place of endpoint and credential. The caller closes it, and
            it serves calls of its own kind: an AsyncSessionPool those with await, a SessionPool
            those without.

    Raises:
        ValueError: An argument is out of range, or no pool was named.
        NotADirectoryError: The folder for pictures does not exist.
        FunctionSourceError: A function cannot travel.
    """

    spec_functions: SpecFunctions = [  # noqa: RUF012 - LlamaIndex declares it as an instance's
        ("execute", "aexecute"),
        ("list_files", "alist_files"),
        ("read_file", "aread_file"),
        ("write_file", "awrite_file"),
    ]

    def __init__(
        self,
        endpoint: str | None = None,
        credential: Credential | None = None,
        *,
        session_id: str | None = None,
        functions: Sequence[InjectableFunction] | FunctionModule = (),
        functions_module: str = "functions",
        timeout: float = DEFAULT_TIMEOUT_SECONDS,
        api_version: str = DEFAULT_API_VERSION,
        local_save_path: str | Path | None = None,
        sanitize_input: bool = True,
        session_pool: AsyncSessionPool | SessionPool | None = None,
    ) -> None:
        self._session = DualSession(
            endpoint,
            credential,
            identifier=session_id,
            functions=functions,
            functions_module=functions_module,
            api_version=api_version,
            timeout=timeout,
            session_pool=session_pool,
        )
        self._timeout = check_timeout(timeout)
        self._sanitizes_input = sanitize_input
        self._images = ImageFolder(local_save_path)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(session_id={self.session_id!r})"

    @property
    def session_id(self) -> str:
        """The session's name."""
        return self._session.identifier

    @property
    def session(self) -> Session:
        """The session itself, for the program's own synchronous calls: files, executions."""
        return self._session.session()

    @property
    def async_session(self) -> AsyncSession:
        """The session itself, for the program's own calls in the running event loop."""
        return self._session.async_session()

    @property
    def saved_images(self) -> Sequence[Path]:
        """The files that were written into local_save_path, oldest first."""
        return tuple(self._images.saved)

    def to_tool_list(
        self,
        spec_functions: SpecFunctions | None = None,
        func_to_metadata_mapping: dict[str, ToolMetadata] | None = None,
    ) -> list[FunctionTool]:
        """Return the tools for an agent; see BaseToolSpec.to_tool_list()."""
        given = func_to_metadata_mapping or {}
        return super().to_tool_list(spec_functions, {**self._metadata(besides=given), **given})

    def execute(self, code: str) -> ContentBlocks:
        """Run Python code and return what a model should see of it; failing code is no exception.

        Raises:
            ServiceError: The service, or the way to it, failed.
            FunctionError: The functions cannot be had in the session.
        """
        execution = self.session.execute(self._clean(code), timeout=self._timeout)
        self._images.save(execution.images)
        return execution_blocks(execution)

    async def aexecute(self, code: str) -> ContentBlocks:
        """Run Python code; see execute()."""
        execution = await self.async_session.execute(self._clean(code), timeout=self._timeout)
        await self._save_images(execution)
        return execution_blocks(execution)

    def list_files(self, directory: str = "") -> FileListing[SessionFile]:
        """Return the files of a directory of the session, by default of /mnt/data.

        Raises:
            ServiceError: The service, or the way to it, failed.
        """
        return FileListing(self.session.files.list(directory))

    async def alist_files(self, directory: str = "") -> FileListing[SessionFile]:
        """Return the files of a directory of the session; see list_files()."""
        return FileListing(await self.async_session.files.list(directory))

    def read_file(self, name: str) -> ContentBlocks:
        """Return what a model should see of a file of the session: its text, or the picture.

        Raises:
            ValueError: The name is not valid, or the file has more than READABLE_BYTES.
            NotFoundError: There is no such file.
            ServiceError: The service, or the way to it, failed.
        """
        return file_blocks(name, self.session.files.read(name, max_bytes=READABLE_BYTES))

    async def aread_file(self, name: str) -> ContentBlocks:
        """Return what a model should see of a file; see read_file()."""
        return file_blocks(
            name, await self.async_session.files.read(name, max_bytes=READABLE_BYTES)
        )

    def write_file(self, name: str, content: str) -> str:
        """Put a text file into the session, in place of any of that name, and say so.

        Raises:
            ValueError: The name is not valid.
            ServiceError: The service, or the way to it, failed.
        """
        return _written(self.session.files.upload(content.encode(), name=name))

    async def awrite_file(self, name: str, content: str) -> str:
        """Put a text file into the session; see write_file()."""
        return _written(await self.async_session.files.upload(content.encode(), name=name))

    def close(self) -> None:
        """Delete the session unless it was named, and close connections of synchronous calls.

        Connections of asynchronous calls are closed by aclose(), in their event loop.
        """
        self._session.close()

    async def aclose(self) -> None:
        """Delete the session unless it was named, and close the connections to it."""
        await self._session.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def _clean(self, code: str) -> str:
        return clean_code(code) if self._sanitizes_input else code

    async def _save_images(self, execution: Execution) -> None:
        if execution.images:
            await asyncio.to_thread(self._images.save, execution.images)

    def _metadata(self, *, besides: Mapping[str, ToolMetadata]) -> dict[str, ToolMetadata]:
        """Return what models are told about each tool, under both of its methods' names."""
        metadata = tool_metadata(self._session.functions, timeout=self._timeout)
        return {
            method: item
            for name, item in metadata.items()
            if besides.keys().isdisjoint({name, f"a{name}"})
            for method in (name, f"a{name}")
        }


def _written(file: SessionFile) -> str:
    return f"Wrote {file.size:,} bytes to {file.name}."
