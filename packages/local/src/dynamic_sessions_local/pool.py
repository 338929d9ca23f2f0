"""A session pool on this machine, as an object that is started and closed."""

import ipaddress
import os
import re
import secrets
import socket
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Self
from urllib.parse import quote

from dynamic_sessions_local.certificates import can_be_issued
from dynamic_sessions_local.credential import LocalCredential
from dynamic_sessions_local.limits import Limits
from dynamic_sessions_local.settings import Isolation, Kind, LauncherName, Settings
from dynamic_sessions_local.thread import ServerThread

DEFAULT_MAX_SESSIONS = 32
DEFAULT_COOLDOWN = 300
DEFAULT_MAX_WARM = 8
MAX_PORT = 65_535

_TOKEN = re.compile(r"[!-~]+")


class LocalSessionPool:
    """The dynamic sessions HTTP API on this machine, in front of sandboxed Python kernels.

    A context manager, synchronous or asynchronous; nothing runs before it is entered, and
    nothing is left once it is closed::

        with LocalSessionPool() as pool:
            client = SessionPool(pool.endpoint, pool.credential)

    Args:
        host: The address to listen on.
        port: The port to listen on; 0 takes a free one.
        token: The bearer token to ask for; a random one by default.
        tls: Serve https, with a certificate for the names of loopback that is made anew at every
            start; clients must be told to trust `certificate`. Needs the extra `[tls]`.
        kind: "python" runs Python code; "shell" runs shell commands, as the service's Shell pools do.
        python: The interpreter that sessions run; this one by default.
        isolation: "none" runs code without any sandbox, on loopback addresses only.
        launcher: "fork" makes each session from a process with the libraries loaded, "spawn" starts
            each anew; by default the former, where this machine lets it work.
        preload: Modules that are imported before a session begins; by default numpy, pandas and
            matplotlib.pyplot, as far as they are installed. One that fails is warned of.
        limits: The bounds of one session.
        warm: How many unused kernels to keep ready at least.
        max_warm: How many to keep ready at most: in between, their number follows how many were
            taken in the last ten seconds. 8 by default, or `warm` where that is more.
        max_sessions: How many sessions there may be at a time.
        cooldown: Seconds without a call after which a session ends.
        inspector: Serve a page that shows what sessions run, at `inspector_url`. The pool then keeps
            the latest executions of each session, and has values make their HTML.

    Raises:
        ValueError: An argument makes no sense, or `isolation="none"` would be reachable from
            other machines.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str | None = None,
        tls: bool = False,
        kind: Kind = "python",
        python: str | None = None,
        isolation: Isolation = "sandbox",
        launcher: LauncherName | None = None,
        preload: Sequence[str] | None = None,
        limits: Limits | None = None,
        warm: int = 1,
        max_warm: int | None = None,
        max_sessions: int = DEFAULT_MAX_SESSIONS,
        cooldown: float = DEFAULT_COOLDOWN,
        inspector: bool = False,
    ) -> None:
        _check_choices(kind, isolation, launcher, preload)
        _check_access(host, port, token, isolation=isolation, tls=tls)
        if warm < 0 or max_sessions < 1 or cooldown <= 0:
            raise ValueError("warm is at least 0, max_sessions at least 1, cooldown above 0")
        if max_warm is None:
            max_warm = max(warm, DEFAULT_MAX_WARM)
        if max_warm < warm:
            raise ValueError(f"max_warm ({max_warm}) must not be below warm ({warm})")
        self._settings = Settings(
            host=host,
            token=token if token is not None else secrets.token_urlsafe(32),
            tls=tls,
            kind=kind,
            python=python,
            isolation=isolation,
            launcher=launcher,
            preload=None if preload is None else tuple(preload),
            limits=limits or Limits(),
            warm=warm,
            max_warm=max_warm,
            max_sessions=max_sessions,
            cooldown=cooldown,
            inspector=inspector,
        )
        self._asked_port = port
        self._port = 0
        self._server: ServerThread | None = None
        self._finalizer: weakref.finalize[..., LocalSessionPool] | None = None
        self._changing = threading.Lock()

    @property
    def running(self) -> bool:
        """Whether it was started, and neither closed nor brought down by an error since."""
        return self._server is not None and self._server.alive

    @property
    def endpoint(self) -> str:
        """The pool management endpoint, such as "http://127.0.0.1:40001/".

        Raises:
            RuntimeError: The pool is not running.
        """
        self._running()
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(  # noqa: S104 - replaced, not bound
            self._settings.host, self._settings.host
        )
        scheme = "https" if self._settings.tls else "http"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self._port}/"

    @property
    def mcp_endpoint(self) -> str:
        """Where the service's MCP tools are; the header x-ms-apikey takes the pool's token.

        Raises:
            RuntimeError: The pool is not running.
        """
        return f"{self.endpoint}mcp"

    @property
    def inspector_url(self) -> str:
        """The page that shows what sessions run, with the pool's token: for nobody else's eyes.

        The token is in the part of the URL that browsers keep to themselves.

        Raises:
            RuntimeError: The pool is not running, or has no inspector.
        """
        if not self._settings.inspector:
            raise RuntimeError("the session pool has no inspector: make it with inspector=True")
        return f"{self.endpoint}inspect#token={quote(self._settings.token, safe='')}"

    @property
    def credential(self) -> LocalCredential:
        """A credential that the pool accepts."""
        return LocalCredential(self._settings.token)

    @property
    def certificate(self) -> Path | None:
        """A file in PEM form that clients must trust, there while the pool runs; None without TLS.

        Many clients read its path from the environment variable SSL_CERT_FILE or, those made with
        requests, from REQUESTS_CA_BUNDLE.

        Raises:
            RuntimeError: The pool is not running.
        """
        return self._running().certificate

    @property
    def isolation(self) -> str:
        """What keeps user code from this machine, such as "bubblewrap"; "none" if nothing does.

        Raises:
            RuntimeError: The pool is not running.
        """
        return self._running().isolation

    @property
    def launcher(self) -> str:
        """How sessions are started: "fork" or "spawn"; "plain" without a sandbox.

        Raises:
            RuntimeError: The pool is not running.
        """
        return self._running().launcher

    def start(self) -> Self:
        """Start the pool; the context manager does so by itself.

        Raises:
            SandboxUnavailableError: User code cannot be isolated on this machine.
            OSError: The address or the port cannot be had.
            RuntimeError: It is running already.
        """
        with self._changing:
            if self.running:
                raise RuntimeError("the session pool is running already")
            listener = _listen(self._settings.host, self._asked_port)
            port = listener.getsockname()[1]
            server = ServerThread(self._settings, listener)
            try:
                server.start()
            except BaseException:
                server.stop()
                listener.close()
                raise
            self._server, self._port = server, port
            # Also at exit, for a pool that nobody closed.
            self._finalizer = weakref.finalize(self, server.stop)
        return self

    def close(self) -> None:
        """End every session and the server. Does nothing for a pool that does not run."""
        with self._changing:
            if self._finalizer is not None:
                self._finalizer()
            self._server = self._finalizer = None

    async def aclose(self) -> None:
        """`close` for asynchronous code."""
        from anyio import to_thread  # noqa: PLC0415 - only asynchronous callers need it

        await to_thread.run_sync(self.close)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        from anyio import CancelScope, to_thread  # noqa: PLC0415 - see aclose

        try:
            return await to_thread.run_sync(self.start)
        except BaseException:
            # A cancelled caller goes on before the thread does, which may yet start the pool.
            with CancelScope(shield=True):
                await self.aclose()
            raise

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        state = f"endpoint={self.endpoint!r}" if self.running else "not running"
        return f"LocalSessionPool({state})"

    def _running(self) -> ServerThread:
        if self._server is None or not self._server.alive:
            raise RuntimeError("the session pool is not running")
        return self._server


class _Shared:
    """The pool that a process has in common, made on first use."""

    def __init__(self) -> None:
        self._making = threading.Lock()
        self._pool: LocalSessionPool | None = None

    def get(self) -> LocalSessionPool:
        with self._making:
            if self._pool is None or not self._pool.running:
                self._pool = LocalSessionPool().start()
            return self._pool

    def forget(self) -> None:
        """In a forked child: the pool is the parent's, and its lock may have been held."""
        self._making = threading.Lock()
        self._pool = None


_shared = _Shared()
os.register_at_fork(after_in_child=_shared.forget)


def shared_pool() -> LocalSessionPool:
    """The pool that this process shares, started on first use and closed at exit.

    Raises:
        SandboxUnavailableError: User code cannot be isolated on this machine.
    """
    return _shared.get()


def _check_choices(
    kind: Kind, isolation: Isolation, launcher: LauncherName | None, preload: Sequence[str] | None
) -> None:
    if kind not in {"python", "shell"}:
        raise ValueError("kind is 'python' or 'shell'")
    if isolation not in {"sandbox", "none"}:
        raise ValueError("isolation is 'sandbox' or 'none'")
    if launcher not in {None, "fork", "spawn"}:
        raise ValueError("launcher is 'fork' or 'spawn', or None for the faster one that works")
    if isinstance(preload, str):
        raise ValueError("preload is a sequence of module names, not one of them")  # noqa: TRY004


def _check_access(
    host: str, port: int, token: str | None, *, isolation: Isolation, tls: bool
) -> None:
    if isolation == "none" and not _is_loopback(host):
        raise ValueError("without a sandbox a pool listens on a loopback address only")
    if token is not None and not _TOKEN.fullmatch(token):
        raise ValueError("a token is one or more printable ASCII characters without blanks")
    if not 0 <= port <= MAX_PORT:
        raise ValueError(f"a port is between 0 and {MAX_PORT}")
    if tls and not can_be_issued():
        raise ValueError("tls needs: pip install 'dynamic-sessions-local[tls]'")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol spelled out, since asyncio turns off Nagle's algorithm only where it
    # reads TCP; otherwise every answer on a kept connection is 40 milliseconds late.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise OSError(
            error.errno, f"cannot listen on {host} port {port}: {error.strerror}"
        ) from error
    return listener
