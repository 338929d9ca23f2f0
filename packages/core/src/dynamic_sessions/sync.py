"""The same sessions for synchronous code: a facade over an event loop in a thread of its own."""

import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from dynamic_sessions.credentials import Credential
from dynamic_sessions.deadlines import Deadlines
from dynamic_sessions.downloads import IfExists, Progress
from dynamic_sessions.files import FILES_AT_ONCE
from dynamic_sessions.functions import FunctionModule, InjectableFunction
from dynamic_sessions.history import DEFAULT_HISTORY_LIMIT, SessionHistory
from dynamic_sessions.models import ClosingReport, CodeBlock, Execution, SessionFile, SessionStatus
from dynamic_sessions.pool import (
    DEFAULT_API_VERSION,
    DEFAULT_COOLDOWN_SECONDS,
    DEFAULT_LONG_RUN_SECONDS,
    DEFAULT_OUTPUT_LIMIT,
    DEFAULT_TIMEOUT_SECONDS,
    DEFAULT_UPLOAD_LIMIT,
    AsyncSessionPool,
)
from dynamic_sessions.pools import AsyncSessionPools
from dynamic_sessions.retries import RetryPolicy
from dynamic_sessions.session import AsyncSession, OnCancel
from dynamic_sessions.uploads import UploadSource

if TYPE_CHECKING:
    from dynamic_sessions.loop_thread import LoopThread


class SessionFiles:
    """The files of a session; see AsyncSessionFiles."""

    def __init__(self, session: AsyncSession, loop: "LoopThread") -> None:
        self._files = session.files
        self._loop = loop

    def upload(
        self,
        source: UploadSource,
        *,
        name: str | None = None,
        root: str | os.PathLike[str] | None = None,
        if_exists: IfExists = "replace",
        progress: Progress | None = None,
    ) -> SessionFile:
        """Put a file into the session; see AsyncSessionFiles.upload."""
        return self._loop.run(
            self._files.upload,
            source,
            name=name,
            root=root,
            if_exists=if_exists,
            progress=progress,
        )

    def upload_directory(
        self, directory: str | os.PathLike[str], *, to: str = "", at_once: int = FILES_AT_ONCE
    ) -> Sequence[SessionFile]:
        """Put all files below a directory into the session; see AsyncSessionFiles."""
        return self._loop.run(self._files.upload_directory, directory, to=to, at_once=at_once)

    def list(self, directory: str = "", *, recursive: bool = False) -> Sequence[SessionFile]:
        """List one directory; see AsyncSessionFiles.list."""
        return self._loop.run(self._files.list, directory, recursive=recursive)

    def download(
        self,
        name: str | SessionFile,
        *,
        to: str | os.PathLike[str],
        if_exists: IfExists = "replace",
        progress: Progress | None = None,
    ) -> Path:
        """Copy a file into a directory of this machine; see AsyncSessionFiles.download."""
        return self._loop.run(
            self._files.download, name, to=to, if_exists=if_exists, progress=progress
        )

    def download_directory(
        self,
        directory: str = "",
        *,
        to: str | os.PathLike[str],
        if_exists: IfExists = "replace",
        at_once: int = FILES_AT_ONCE,
    ) -> Sequence[Path]:
        """Copy all files below a directory of the session; see AsyncSessionFiles."""
        return self._loop.run(
            self._files.download_directory, directory, to=to, if_exists=if_exists, at_once=at_once
        )

    def read(self, name: str | SessionFile, *, max_bytes: int | None = None) -> bytes:
        """Return a file's content; see AsyncSessionFiles.read."""
        return self._loop.run(self._files.read, name, max_bytes=max_bytes)

    def delete(self, name: str) -> None:
        """Delete a file; see AsyncSessionFiles.delete."""
        self._loop.run(self._files.delete, name)


class Session:
    """One stateful Python session; see AsyncSession. Safe to use from many threads."""

    def __init__(self, session: AsyncSession, loop: "LoopThread") -> None:
        self._session = session
        self._loop = loop
        self.identifier = session.identifier
        self.functions = session.functions
        self.history = session.history
        self.files = SessionFiles(session, loop)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(identifier={self.identifier!r})"

    def set_up(self) -> None:
        """Load the functions; see AsyncSession.set_up."""
        self._loop.run(self._session.set_up)

    def execute(
        self,
        code: str | CodeBlock,
        *,
        timeout: float | None = None,
        asynchronous: bool | None = None,
        execution_id: str | None = None,
        full_output: bool = False,
    ) -> Execution:
        """Run code and return what came of it; see AsyncSession.execute."""
        return self._loop.run(
            self._session.execute,
            code,
            timeout=timeout,
            asynchronous=asynchronous,
            execution_id=execution_id,
            full_output=full_output,
        )

    def run_command(
        self,
        command: str | Sequence[str],
        *,
        stdin: str = "",
        timeout: float | None = None,
        asynchronous: bool | None = None,
        execution_id: str | None = None,
    ) -> Execution:
        """Run a command in a session of a Shell pool; see AsyncSession.run_command."""
        return self._loop.run(
            self._session.run_command,
            command,
            stdin=stdin,
            timeout=timeout,
            asynchronous=asynchronous,
            execution_id=execution_id,
        )

    def attach(self, execution_id: str, *, timeout: float | None = None) -> Execution:
        """Wait for a run that was sent before; see AsyncSession.attach."""
        return self._loop.run(self._session.attach, execution_id, timeout=timeout)

    def list_packages(self, *, in_session: bool = False) -> dict[str, str]:
        """Return the installed distributions; see AsyncSession.list_packages."""
        return self._loop.run(self._session.list_packages, in_session=in_session)

    def status(self) -> SessionStatus | None:
        """Return what the service says of the session; see AsyncSession.status."""
        return self._loop.run(self._session.status)

    def delete(self) -> None:
        """End the session; see AsyncSession.delete."""
        self._loop.run(self._session.delete)


class SessionPool:
    """A pool of sessions for synchronous code; see AsyncSessionPool for the arguments.

    Works inside a running event loop too, as in a notebook: its own runs in another thread.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        credential: Credential | None = None,
        *,
        api_version: str = DEFAULT_API_VERSION,
        timeout: float = DEFAULT_TIMEOUT_SECONDS,
        long_run: float = DEFAULT_LONG_RUN_SECONDS,
        output_limit: int = DEFAULT_OUTPUT_LIMIT,
        upload_limit: int = DEFAULT_UPLOAD_LIMIT,
        cooldown: float = DEFAULT_COOLDOWN_SECONDS,
        on_cancel: OnCancel = "delete",
        max_sessions: int | None = None,
        history_limit: int = DEFAULT_HISTORY_LIMIT,
        deadlines: Deadlines | None = None,
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        self._serve(
            AsyncSessionPool(
                endpoint,
                credential,
                api_version=api_version,
                timeout=timeout,
                long_run=long_run,
                output_limit=output_limit,
                upload_limit=upload_limit,
                cooldown=cooldown,
                on_cancel=on_cancel,
                max_sessions=max_sessions,
                history_limit=history_limit,
                deadlines=deadlines,
                retry_policy=retry_policy,
            )
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}(endpoint={self.endpoint!r})"

    def session(
        self,
        identifier: str | None = None,
        *,
        functions: Sequence[InjectableFunction] | FunctionModule = (),
        functions_module: str = "functions",
        install_missing: bool = False,
        history: SessionHistory | None = None,
    ) -> Session:
        """Return a session by its name, without a network call; see AsyncSessionPool.session."""
        session = self._pool.session(
            identifier,
            functions=functions,
            functions_module=functions_module,
            install_missing=install_missing,
            history=history,
        )
        return Session(session, self._loop)

    def list_sessions(self) -> Sequence[SessionStatus]:
        """List the sessions of the pool that are alive; see AsyncSessionPool.list_sessions."""
        return self._loop.run(self._pool.list_sessions)

    def _serve(self, pool: AsyncSessionPool) -> None:
        # Here, so that who never makes one does not wait for asyncio.
        from dynamic_sessions.loop_thread import LoopThread  # noqa: PLC0415

        self._pool = pool
        self._loop = LoopThread()
        self.endpoint = pool.endpoint
        self.access = pool.access
        self.history_limit = pool.history_limit

    def close(self) -> ClosingReport:
        """Delete the sessions that the caller did not name; see AsyncSessionPool.close."""
        try:
            return self._loop.run(self._pool.close)
        finally:
            self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class SessionPools(SessionPool):
    """Several session pools that act as one, for synchronous code; see AsyncSessionPools."""

    def __init__(
        self,
        endpoints: Sequence[str],
        credential: Credential | None = None,
        *,
        api_version: str = DEFAULT_API_VERSION,
        timeout: float = DEFAULT_TIMEOUT_SECONDS,
        long_run: float = DEFAULT_LONG_RUN_SECONDS,
        output_limit: int = DEFAULT_OUTPUT_LIMIT,
        upload_limit: int = DEFAULT_UPLOAD_LIMIT,
        cooldown: float = DEFAULT_COOLDOWN_SECONDS,
        on_cancel: OnCancel = "delete",
        max_sessions: int | None = None,
        history_limit: int = DEFAULT_HISTORY_LIMIT,
        deadlines: Deadlines | None = None,
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        pools = AsyncSessionPools(
            endpoints,
            credential,
            api_version=api_version,
            timeout=timeout,
            long_run=long_run,
            output_limit=output_limit,
            upload_limit=upload_limit,
            cooldown=cooldown,
            on_cancel=on_cancel,
            max_sessions=max_sessions,
            history_limit=history_limit,
            deadlines=deadlines,
            retry_policy=retry_policy,
        )
        self.endpoints = pools.endpoints
        self._serve(pools)
