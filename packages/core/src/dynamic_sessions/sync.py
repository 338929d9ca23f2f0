"""The same sessions for synchronous code: a facade over an event loop in a thread of its own."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Self, TypeVar

from dynamic_sessions.credentials import Credential
from dynamic_sessions.deadlines import Deadlines
from dynamic_sessions.downloads import IfExists, Progress
from dynamic_sessions.files import FILES_AT_ONCE
from dynamic_sessions.functions import FunctionModule, InjectableFunction
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

T = TypeVar("T")


class _Loop:
    """Runs coroutines from any thread, in one background thread that starts when needed.

    The thread is a daemon that nothing waits for: a program that ends without closing its pool
    ends at once. (anyio's blocking portal waits for its loop when it is collected at exit, where
    that loop no longer runs.)
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._process_id = os.getpid()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: Thread | None = None

    def run(self, function: Callable[..., Coroutine[Any, Any, T]], *args: Any, **kwargs: Any) -> T:
        future = asyncio.run_coroutine_threadsafe(function(*args, **kwargs), self._started())
        try:
            return future.result()
        except BaseException:
            # Ctrl-C in the waiting thread must stop the code in the session, too.
            future.cancel()
            raise

    def close(self) -> None:
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        # In its own thread: a thread in which another loop runs, as a notebook's, may run none.
        for shut_down in (loop.shutdown_asyncgens, loop.shutdown_default_executor):
            asyncio.run_coroutine_threadsafe(shut_down(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def _started(self) -> asyncio.AbstractEventLoop:
        if os.getpid() != self._process_id:
            raise RuntimeError(
                "This session pool was made before the process forked, and its thread is the "
                "parent's: make another pool in this process."
            )
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = Thread(
                    target=self._loop.run_forever, name="dynamic-sessions-client", daemon=True
                )
                self._thread.start()
            return self._loop


class SessionFiles:
    """The files of a session; see AsyncSessionFiles."""

    def __init__(self, session: AsyncSession, loop: _Loop) -> None:
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

    def __init__(self, session: AsyncSession, loop: _Loop) -> None:
        self._session = session
        self._loop = loop
        self.identifier = session.identifier
        self.functions = session.functions
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
    ) -> Session:
        """Return a session by its name, without a network call; see AsyncSessionPool.session."""
        session = self._pool.session(
            identifier,
            functions=functions,
            functions_module=functions_module,
            install_missing=install_missing,
        )
        return Session(session, self._loop)

    def list_sessions(self) -> Sequence[SessionStatus]:
        """List the sessions of the pool that are alive; see AsyncSessionPool.list_sessions."""
        return self._loop.run(self._pool.list_sessions)

    def _serve(self, pool: AsyncSessionPool) -> None:
        self._pool = pool
        self._loop = _Loop()
        self.endpoint = pool.endpoint
        self.access = pool.access

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
            deadlines=deadlines,
            retry_policy=retry_policy,
        )
        self.endpoints = pools.endpoints
        self._serve(pools)
