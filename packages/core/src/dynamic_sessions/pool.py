"""A session pool, in Azure or on this machine."""

import logging
import re
import uuid
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Self

import anyio
import httpx

from dynamic_sessions.credentials import Credential
from dynamic_sessions.endpoints import choose_endpoint, resolve_endpoint
from dynamic_sessions.errors import ServiceError
from dynamic_sessions.functions import FunctionModule, InjectableFunction
from dynamic_sessions.service import PoolService
from dynamic_sessions.session import AsyncSession, check_timeout
from dynamic_sessions.transport import Transport

logger = logging.getLogger("dynamic_sessions")

DEFAULT_API_VERSION = "2025-10-02-preview"
DEFAULT_TIMEOUT_SECONDS = 60.0
DEFAULT_OUTPUT_LIMIT = 1_000_000

# OpenAPI document of 2025-10-02-preview: 4 to 128 of these characters.
_IDENTIFIER = re.compile(r"""[A-Za-z0-9_|}{\[\]:";'<>?/.,@#$%^&*()\-+=!~`]{4,128}""")
_API_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-preview)?")
_CLOSING_SECONDS = 30.0


class AsyncSessionPool:
    """A pool of sessions behind one endpoint, over one pool of connections.

    Args:
        endpoint: The pool management endpoint of a session pool in Azure, or "local" for the
            sandboxed pool of this process, which starts on first use. By default the environment
            variable DYNAMIC_SESSIONS_ENDPOINT.
        credential: An object with azure-core's get_token, synchronous or not, or a static token.
            By default the environment variable DYNAMIC_SESSIONS_TOKEN, else azure-identity's
            DefaultAzureCredential. The local pool needs none.
        api_version: Chooses the dialect: versions before 2024-10-02-preview are the legacy one.
        timeout: Seconds that an execution may take where the call does not say; at most 220.
        output_limit: Characters of stdout and of stderr to ask the service for. Without it the
            service cuts both at 4096.
        transport: Takes the place of the network, for tests.

    Raises:
        ValueError: No endpoint was given or set, or an argument is out of range.

    A pool belongs to the event loop that first uses it. Sessions whose identifier the pool chose
    are deleted when it closes; sessions that the caller named live on until their idle time ends.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        credential: Credential | None = None,
        *,
        api_version: str = DEFAULT_API_VERSION,
        timeout: float = DEFAULT_TIMEOUT_SECONDS,
        output_limit: int = DEFAULT_OUTPUT_LIMIT,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        if not _API_VERSION.fullmatch(api_version):
            raise ValueError(
                f"{api_version!r} is not an API version such as {DEFAULT_API_VERSION}."
            )
        if output_limit < 1:
            raise ValueError("output_limit is a number of characters, at least 1.")
        self.endpoint = choose_endpoint(endpoint)
        self._timeout = check_timeout(timeout)
        self._service = PoolService(
            Transport(partial(resolve_endpoint, self.endpoint, credential), transport=transport),
            api_version=api_version,
            output_limit=output_limit,
        )
        self._unnamed_in_use: set[str] = set()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(endpoint={self.endpoint!r})"

    def session(
        self,
        identifier: str | None = None,
        *,
        functions: Sequence[InjectableFunction] | FunctionModule = (),
        functions_module: str = "functions",
        install_missing: bool = False,
    ) -> AsyncSession:
        """Return a session by its name, without a network call.

        Args:
            identifier: 4 to 128 letters, digits and common signs. The same name reaches the same
                session, from any program that may use the pool. By default a random one.
            functions: Functions of the caller's to have in the session before any code runs.
            functions_module: Name under which the code can import them.
            install_missing: Whether packages that functions require and the session lacks are
                installed there; the session needs a network for it.

        Raises:
            ValueError: The identifier is not valid.
            FunctionSourceError: A function cannot travel.
        """
        if not isinstance(functions, FunctionModule):
            functions = FunctionModule.from_functions(
                functions, name=functions_module, install_missing=install_missing
            )
        elif install_missing:
            functions = replace(functions, install_missing=True)
        name = str(uuid.uuid4()) if identifier is None else check_identifier(identifier)
        return AsyncSession(
            name,
            self._service,
            functions=functions,
            timeout=self._timeout,
            in_use=self._unnamed_in_use if identifier is None else set(),
        )

    async def close(self) -> None:
        """Delete the sessions whose identifiers the pool chose, and close all connections."""
        with anyio.move_on_after(_CLOSING_SECONDS, shield=True):
            async with anyio.create_task_group() as tasks:
                while self._service.is_connected and self._unnamed_in_use:
                    tasks.start_soon(self._delete_quietly, self._unnamed_in_use.pop())
        with anyio.CancelScope(shield=True):
            await self._service.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def _delete_quietly(self, identifier: str) -> None:
        try:
            await self._service.delete_session(identifier)
        except ServiceError as error:
            logger.warning("A session could not be deleted when its pool closed: %s", error)


def check_identifier(identifier: str) -> str:
    """Return a session's identifier that the service accepts.

    Raises:
        ValueError: It has a wrong length or a character that the service does not take.
    """
    if not _IDENTIFIER.fullmatch(identifier):
        raise ValueError(
            f"{identifier!r} is not a session identifier: 4 to 128 letters, digits and signs "
            "without blanks."
        )
    return identifier
