"""The same sessions for synchronous code: a facade over an event loop in a thread of its own."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Self, TypeVar

from dynamic_sessions.credentials import Credential
from dynamic_sessions.functions import FunctionModule, InjectableFunction
from dynamic_sessions.models import CodeBlock, Execution, SessionFile
from dynamic_sessions.pool import (
    DEFAULT_API_VERSION,
    DEFAULT_OUTPUT_LIMIT,
    DEFAULT_TIMEOUT_SECONDS,
    AsyncSessionPool,
)
from dynamic_sessions.session import AsyncSession
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

    def upload(self, source: UploadSource, *, name: str | None = None) -> SessionFile:
        """Put a file into the session; see AsyncSessionFiles.upload."""
        return self._loop.run(self._files.upload, source, name=name)

    def list(self, directory: str = "") -> Sequence[SessionFile]:
        """List one directory; see AsyncSessionFiles.list."""
        return self._loop.run(self._files.list, directory)

    def download(self, name: str, *, to: str | os.PathLike[str]) -> Path:
        """Copy a file into a directory of this machine; see AsyncSessionFiles.download."""
        return self._loop.run(self._files.download, name, to=to)

    def read(self, name: str) -> bytes:
        """Return a file's content; see AsyncSessionFiles.read."""
        return self._loop.run(self._files.read, name)

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

    def execute(self, code: str | CodeBlock, *, timeout: float | None = None) -> Execution:
        """Run code and return what came of it; see AsyncSession.execute."""
        return self._loop.run(self._session.execute, code, timeout=timeout)

    def list_packages(self) -> dict[str, str]:
        """Return the installed distributions; see AsyncSession.list_packages."""
        return self._loop.run(self._session.list_packages)

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
        output_limit: int = DEFAULT_OUTPUT_LIMIT,
    ) -> None:
        self._pool = AsyncSessionPool(
            endpoint,
            credential,
            api_version=api_version,
            timeout=timeout,
            output_limit=output_limit,
        )
        self._loop = _Loop()
        self.endpoint = self._pool.endpoint

    def __repr__(self) -> str:
        return f"{type(self).__name__}(endpoint={self.endpoint!r})"

    def session(
        self,
        identifier: str | None = None,
        *,
        functions: Sequence[InjectableFunction] | FunctionModule = (),
        functions_module: str = "functions",
    ) -> Session:
        """Return a session by its name, without a network call; see AsyncSessionPool.session."""
        session = self._pool.session(
            identifier, functions=functions, functions_module=functions_module
        )
        return Session(session, self._loop)

    def close(self) -> None:
        """Delete the sessions that the caller did not name, and close all connections."""
        try:
            self._loop.run(self._pool.close)
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
