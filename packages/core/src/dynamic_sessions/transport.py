"""The only module that sends: signing, deadlines, retries."""

import logging
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import TypeVar
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
import httpx

from dynamic_sessions.credentials import BearerAuth, TokenCache
from dynamic_sessions.endpoints import Endpoint, is_loopback
from dynamic_sessions.errors import (
    PoolExhaustedError,
    ServerError,
    ServiceConnectionError,
    ServiceError,
    ServiceProtocolError,
    ServiceTimeoutError,
)
from dynamic_sessions.responses import raise_for_response
from dynamic_sessions.uploads import CHUNK_BYTES, MultipartFile, UploadContent
from dynamic_sessions.wire import Reply, RequestData

logger = logging.getLogger("dynamic_sessions")

MAX_RETRIES = 2
CONNECT_SECONDS = 10.0
STALL_SECONDS = 60.0
KEEP_ALIVE_SECONDS = 60.0
_FIRST_DELAY_SECONDS = 0.5
_LONGEST_DELAY_SECONDS = 8.0
_LONGEST_RETRY_AFTER_SECONDS = 60.0

# Where nothing can have been sent, whatever the operation, it is safe to repeat it.
_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request and how far the transport may go with it."""

    operation: str
    request: RequestData
    deadline: float
    """Seconds until the answer's head must be here, repetitions included."""
    repeatable: bool
    """Whether a second sending does no harm; never true of user code."""
    content: UploadContent | None = None


class Transport:
    """Sends calls to one session pool over one pool of connections.

    Args:
        resolve: Finds the endpoint. Runs once, in a worker thread, before the first call.
        transport: Takes the place of the network, for tests.
        max_retries: Repetitions of a call, beyond the first sending.
        sleep: Waits between repetitions.
        jitter: Yields a number from 0 to 1 that spreads the waits of many clients.
    """

    def __init__(
        self,
        resolve: Callable[[], Endpoint],
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        max_retries: int = MAX_RETRIES,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._resolve = resolve
        self._transport = transport
        self._max_retries = max_retries
        self._sleep = sleep
        self._jitter = jitter
        self._lock = anyio.Lock()
        self._client: httpx.AsyncClient | None = None
        self._closed = False

    @property
    def is_connected(self) -> bool:
        """Whether the endpoint was found, so that something may have been sent there."""
        return self._client is not None

    async def send(self, call: Call) -> Reply:
        """Send a call and return its answer.

        Raises:
            ServiceError: There was no answer, or none of success.
        """
        return await self._repeat(call, self._exchange)

    @asynccontextmanager
    async def download(self, call: Call) -> AsyncGenerator[AsyncIterator[bytes]]:
        """Send a call and yield its answer's body piece by piece.

        Raises:
            ServiceError: There was no answer, none of success, or it broke off.
        """
        response = await self._repeat(call, self._open)
        try:
            yield _chunks(response, call)
        finally:
            await response.aclose()

    async def close(self) -> None:
        """Close all connections; calls are refused from then on."""
        self._closed = True
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _repeat(self, call: Call, attempt: Callable[[Call], Awaitable[T]]) -> T:
        ends_at = anyio.current_time() + call.deadline
        for retry in range(self._max_retries + 1):
            try:
                with _deadline(call, ends_at):
                    return await attempt(call)
            except ServiceError as error:
                logger.debug("%s: attempt %d: %s", call.operation, retry + 1, type(error).__name__)
                delay = self._delay(error, call, retry)
                if delay is None or anyio.current_time() + delay >= ends_at:
                    raise
            await self._sleep(delay)
        raise AssertionError("the last attempt returns or raises")

    def _delay(self, error: ServiceError, call: Call, retry: int) -> float | None:
        if retry == self._max_retries or not _may_repeat(error, call):
            return None
        if isinstance(error, PoolExhaustedError) and error.retry_after is not None:
            return min(error.retry_after, _LONGEST_RETRY_AFTER_SECONDS)
        delay = min(_FIRST_DELAY_SECONDS * 2**retry, _LONGEST_DELAY_SECONDS)
        return delay * (1 - 0.25 * self._jitter())

    async def _exchange(self, call: Call) -> Reply:
        client = await self._connected()
        with _transport_errors(call):
            response = await client.send(_build(client, call))
        raise_for_response(response, call.operation)
        return Reply(
            status_code=response.status_code,
            body=_json(response, call),
            headers={name.lower(): value for name, value in response.headers.items()},
        )

    async def _open(self, call: Call) -> httpx.Response:
        client = await self._connected()
        with _transport_errors(call):
            response = await client.send(_build(client, call), stream=True)
            if not response.is_success:
                await response.aread()
        raise_for_response(response, call.operation)
        return response

    async def _connected(self) -> httpx.AsyncClient:
        async with self._lock:
            if self._closed:
                raise RuntimeError("This session pool is closed.")
            if self._client is None:
                endpoint = await anyio.to_thread.run_sync(self._resolve)
                self._client = self._new_client(endpoint)
            return self._client

    def _new_client(self, endpoint: Endpoint) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=endpoint.url,
            auth=BearerAuth(TokenCache(endpoint.provider)),
            headers={"User-Agent": f"dynamic-sessions/{version('dynamic-sessions')}"},
            timeout=httpx.Timeout(STALL_SECONDS, connect=CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=None, keepalive_expiry=KEEP_ALIVE_SECONDS),
            transport=self._transport,
            # A proxy from the environment cannot reach this machine's own loopback interface.
            trust_env=not is_loopback(urlsplit(endpoint.url).hostname or ""),
        )


def _may_repeat(error: ServiceError, call: Call) -> bool:
    if isinstance(error, PoolExhaustedError):
        return True
    if isinstance(error, ServiceConnectionError):
        return call.repeatable or not error.outcome_unknown
    return call.repeatable and isinstance(error, ServerError)


def _build(client: httpx.AsyncClient, call: Call) -> httpx.Request:
    request = call.request
    timeout = httpx.Timeout(STALL_SECONDS, connect=CONNECT_SECONDS, read=call.deadline)
    if request.upload is None or call.content is None:
        return client.build_request(
            request.method, request.target, json=request.json, timeout=timeout
        )
    body = MultipartFile(call.content, request.upload.file_name)
    return client.build_request(
        request.method, request.target, content=body, headers=body.headers, timeout=timeout
    )


def _json(response: httpx.Response, call: Call) -> object:
    if not response.content:
        return None
    try:
        return response.json()
    except ValueError as error:
        raise ServiceProtocolError(
            f"{call.operation}: the service's answer is not JSON.",
            operation=call.operation,
            outcome_unknown=not call.repeatable,
        ) from error


async def _chunks(response: httpx.Response, call: Call) -> AsyncIterator[bytes]:
    with _transport_errors(call):
        async for chunk in response.aiter_bytes(CHUNK_BYTES):
            yield chunk


@contextmanager
def _deadline(call: Call, ends_at: float) -> Generator[None]:
    try:
        with anyio.fail_after(max(ends_at - anyio.current_time(), 0)):
            yield
    except ServiceError:
        raise
    except TimeoutError as error:
        raise _timeout(call) from error


@contextmanager
def _transport_errors(call: Call) -> Generator[None]:
    try:
        yield
    except _NOTHING_SENT as error:
        raise ServiceConnectionError(
            f"{call.operation}: no connection to the session pool: {error}",
            operation=call.operation,
        ) from error
    except httpx.TimeoutException as error:
        raise _timeout(call) from error
    except httpx.TransportError as error:
        raise ServiceConnectionError(
            f"{call.operation}: the connection to the session pool was lost: {error}",
            operation=call.operation,
            outcome_unknown=True,
        ) from error


def _timeout(call: Call) -> ServiceTimeoutError:
    return ServiceTimeoutError(
        f"{call.operation}: no answer within {call.deadline:g} seconds.",
        operation=call.operation,
        outcome_unknown=True,
    )
