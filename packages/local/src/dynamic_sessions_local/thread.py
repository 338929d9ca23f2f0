"""The thread that a pool's server lives in."""

import asyncio
import contextlib
import logging
import os
import socket
import threading
import weakref
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from dynamic_sessions_local.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from dynamic_sessions_local.certificates import Certificates
    from dynamic_sessions_local.launchers import Launcher

STOP_SECONDS = 20

_logger = logging.getLogger(__name__)
_all: "weakref.WeakSet[ServerThread]" = weakref.WeakSet()


class ServerThread:
    """One thread with an event loop of its own, from start to stop.

    Its own, so that any loop or none may use the pool; and one thread for the whole time, since
    a sandbox is told to die with the thread that started it.

    Args:
        settings: How the pool is to be.
        listener: A listening socket; the thread's from now on.

    Attributes:
        isolation: What kind of isolation was found; "" before `start`.
        launcher: The name of the launcher that was chosen; "" before `start`.
        certificate: What clients must trust; None before `start`, and without TLS.
    """

    def __init__(self, settings: Settings, listener: socket.socket) -> None:
        self.isolation = self.launcher = ""
        self.certificate: Path | None = None
        self._settings = settings
        self._listener = listener
        self._process = os.getpid()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._has_loop = threading.Event()
        self._settled = threading.Event()
        self._failure: BaseException | None = None
        # A daemon: otherwise an interpreter would wait at exit for a pool nobody closed,
        # before it comes to the handlers that close it.
        self._thread = threading.Thread(
            target=self._main, name="dynamic-sessions-pool", daemon=True
        )
        _all.add(self)

    @property
    def alive(self) -> bool:
        """Whether the thread runs; it ends by itself where its server fails."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start, and return once requests are answered.

        Raises:
            LocalPoolError: The server could not start; no thread is left.
        """
        self._thread.start()
        self._settled.wait()
        if self._failure is not None:
            self._thread.join()
            failure, self._failure = self._failure, None
            raise failure

    def stop(self) -> None:
        """End every session and the thread; a forked child leaves its parent's alone."""
        if os.getpid() != self._process or self._thread.ident is None:
            return
        self._has_loop.wait()
        with contextlib.suppress(RuntimeError):  # the loop is closed: the thread ended by itself
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread is threading.current_thread():
            return
        self._thread.join(STOP_SECONDS)
        if self._thread.is_alive():
            _logger.error("the session pool did not end within %d seconds", STOP_SECONDS)

    def forget(self) -> None:
        """In a forked child: give up the port, or the child would hold it open for nobody."""
        self._listener.close()

    def _main(self) -> None:
        try:
            with _event_loop() as loop:
                self._loop = loop
                self._has_loop.set()
                loop.run_until_complete(self._serve())
        except BaseException as error:
            if self._settled.is_set():
                _logger.exception("the session pool failed")
            self._failure = error
        finally:
            self._has_loop.set()
            self._settled.set()

    async def _serve(self) -> None:
        # Imported here: whoever only imports the package need not pay for a web server.
        from dynamic_sessions_local.server import serve  # noqa: PLC0415

        await serve(self._settings, self._listener, ready=self._ready, stop=self._stop)

    def _ready(self, launcher: "Launcher", certificates: "Certificates | None") -> None:
        self.isolation, self.launcher = launcher.isolation, launcher.name
        if certificates is not None:
            self.certificate = certificates.authority
        self._settled.set()


@contextlib.contextmanager
def _event_loop() -> Generator[asyncio.AbstractEventLoop]:
    """A loop that is closed as asyncio.Runner would, but without starting a thread for it.

    A pool that nobody closed is closed at exit, when the interpreter (from 3.12 on) starts no
    threads any more.
    """
    with (
        contextlib.closing(asyncio.new_event_loop()) as loop,
        ThreadPoolExecutor(thread_name_prefix="dynamic-sessions-files") as workers,
    ):
        loop.set_default_executor(workers)
        try:
            yield loop
        finally:
            loop.run_until_complete(_cancel_what_is_left())
            loop.run_until_complete(loop.shutdown_asyncgens())


async def _cancel_what_is_left() -> None:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


def _forget_all() -> None:
    for thread in list(_all):
        thread.forget()


os.register_at_fork(after_in_child=_forget_all)
