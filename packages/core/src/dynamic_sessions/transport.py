"""The only module that sends: signing, deadlines, retries."""

import json
import logging
import os
import random
import ssl
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Sequence,
)
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.metadata import version
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
import httpx
from anyio.lowlevel import RunVar

from dynamic_sessions.bearer import BearerAuth
from dynamic_sessions.deadlines import Deadlines
from dynamic_sessions.endpoints import Endpoint, is_loopback
from dynamic_sessions.errors import ServiceError, ServiceProtocolError, ServiceTimeoutError
from dynamic_sessions.failures import transport_errors
from dynamic_sessions.lanes import Lanes
from dynamic_sessions.local_files import CHUNK_BYTES
from dynamic_sessions.parting import Access
from dynamic_sessions.responses import raise_for_response
from dynamic_sessions.retries import Retries, RetryPolicy
from dynamic_sessions.sending import Sending
from dynamic_sessions.telemetry import Attributes, CallRecord, Telemetry
from dynamic_sessions.tokens import TokenCache
from dynamic_sessions.trust import trust_for
from dynamic_sessions.uploads import MultipartFile, UploadContent
from dynamic_sessions.wire import Reply, RequestData

logger = logging.getLogger("dynamic_sessions")

KEEP_ALIVE_SECONDS = 60.0
LONGEST_REPLY_BYTES = 256 * 1024 * 1024
"""An answer that is read into memory is refused above this: output limits keep it far below."""

# httpcore's name for the moment from which a request may have its effect.
_SENDING_EVENT = "send_request_headers.started"

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request and how far the transport may go with it."""

    operation: str
    request: RequestData
    deadline: float
    """Seconds until the answer must be here, repetitions included; of a download, until its head
    is here, and again until its end."""
    repeatable: bool
    """Whether a second sending does no harm; never true of user code."""
    once: bool = False
    """Whether a failure is told at once, to a caller who has another pool to try."""
    content: UploadContent | None = None
    sending: Sending = field(default_factory=Sending)
    attributes: Attributes = field(default_factory=dict[str, str | int | float | bool])
    """For traces."""


class Sender(Protocol):
    """Sends calls to one session pool or to several that act as one."""

    @property
    def pools(self) -> "Sequence[Sender]":
        """What sends to each pool alone."""
        ...

    @property
    def is_connected(self) -> bool:
        """Whether an endpoint was found, so that something may have been sent there."""
        ...

    def access(self) -> Sequence[Access]:
        """Return what a last, blocking call needs, for every pool that anything was sent to."""
        ...

    async def send(self, call: Call) -> Reply:
        """Send a call and return its answer.

        Raises:
            ServiceError: There was no answer, or none of success.
        """
        ...

    def download(self, call: Call) -> "AbstractAsyncContextManager[Download]":
        """Send a call and yield its answer, whose body is still to come.

        Raises:
            ServiceError: There was no answer, none of success, or it broke off.
        """
        ...

    async def close(self) -> None:
        """Close all connections; calls are refused from then on."""
        ...


class Transport:
    """Sends calls to one session pool; those at the same time each over their own connection.

    Args:
        resolve: Finds the endpoint. Runs once, in a worker thread, before the first call.
        transport: Takes the place of the network, for tests.
        deadlines: Bounds of the waits.
        retry_policy: How often and how soon calls are sent again.
        sleep: Waits between repetitions.
        jitter: Yields a number from 0 to 1 that spreads the waits of many clients.
    """

    def __init__(
        self,
        resolve: Callable[[], Endpoint],
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        deadlines: Deadlines | None = None,
        retry_policy: RetryPolicy | None = None,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._resolve = resolve
        self._transport = transport
        self._deadlines = deadlines or Deadlines()
        self._retries = Retries(retry_policy or RetryPolicy(), jitter=jitter)
        self._sleep = sleep
        self._telemetry = Telemetry()
        self._lock = anyio.Lock()
        self._lanes: Lanes | None = None
        self._tokens: TokenCache | None = None
        self._is_own_loop = RunVar("dynamic_sessions_transport", default=False)
        self._process_id = os.getpid()
        self._closed = False

    @property
    def pools(self) -> Sequence[Sender]:
        """See Sender."""
        return (self,)

    @property
    def is_connected(self) -> bool:
        """See Sender."""
        return self._lanes is not None

    def access(self) -> Sequence[Access]:
        """See Sender."""
        token = None if self._tokens is None else self._tokens.cached
        if self._lanes is None or token is None or self._transport is not None:
            return ()
        client = self._lanes.pattern
        url = str(client.base_url)
        return (Access(url=url, token=token, trusts_environment=client.trust_env),)

    async def send(self, call: Call) -> Reply:
        """See Sender."""
        with self._telemetry.call(call.operation, call.attributes) as record:
            return await self._repeat(call, record, self._exchange)

    @asynccontextmanager
    async def download(self, call: Call) -> AsyncGenerator["Download"]:
        """See Sender."""
        with self._telemetry.call(call.operation, call.attributes) as record:
            response = await self._repeat(call, record, self._send_request)
            try:
                with _deadline(call, anyio.current_time() + call.deadline):
                    yield Download(response, call, record)
            finally:
                await _close(response)

    async def close(self) -> None:
        """See Sender."""
        self._closed = True
        lanes, self._lanes = self._lanes, None
        if self._tokens is not None:
            await self._tokens.close()
        if lanes is not None:
            await lanes.aclose()

    async def _repeat(
        self, call: Call, record: CallRecord, attempt: Callable[[Call, CallRecord], Awaitable[T]]
    ) -> T:
        ends_at = anyio.current_time() + call.deadline
        while True:
            try:
                with _deadline(call, ends_at):
                    outcome = await attempt(call, record)
            except ServiceError as error:
                call.sending.has_begun = error.outcome_unknown
                logger.debug(
                    "%s: sending %d failed: %s",
                    call.operation,
                    record.retries + 1,
                    type(error).__name__,
                )
                delay = None
                if not call.once:
                    delay = self._retries.take(
                        error, repeatable=call.repeatable, retry=record.retries
                    )
                if delay is None or anyio.current_time() + delay >= ends_at:
                    raise
                record.retries += 1
            else:
                self._retries.record_success()
                logger.debug("%s: sending %d succeeded", call.operation, record.retries + 1)
                return outcome
            await self._sleep(delay)

    async def _exchange(self, call: Call, record: CallRecord) -> Reply:
        response = await self._send_request(call, record)
        try:
            content = await self._read(response, call, record)
        finally:
            await _close(response)
        return Reply(
            status_code=response.status_code,
            body=_json(content, call),
            headers=response.headers,
        )

    async def _send_request(self, call: Call, record: CallRecord) -> httpx.Response:
        """Return a response of success, its body still to be read."""
        lanes = await self._connected()
        request = self._build(lanes.pattern, call)
        _note_sending(request, call.sending)
        record.bytes_sent += int(request.headers.get("content-length", 0))
        with transport_errors(call.operation):
            response = await lanes.send(request)
        record.note_response(response.status_code, response.headers)
        if not response.is_success:
            try:
                content = await self._read(response, call, record)
            finally:
                await _close(response)
            raise_for_response(response, content, call.operation)
        return response

    async def _read(self, response: httpx.Response, call: Call, record: CallRecord) -> bytes:
        content = bytearray()
        with transport_errors(call.operation):
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > LONGEST_REPLY_BYTES:
                    raise ServiceProtocolError(
                        f"{call.operation}: the service's answer is over "
                        f"{LONGEST_REPLY_BYTES} bytes.",
                        operation=call.operation,
                        outcome_unknown=True,
                    )
        record.bytes_received += len(content)
        return bytes(content)

    async def _connected(self) -> Lanes:
        self._refuse_strangers()
        return self._lanes or await self._connect()

    async def _connect(self) -> Lanes:
        async with self._lock:
            if self._closed:
                raise RuntimeError("This session pool is closed.")
            if self._lanes is None:
                endpoint = await anyio.to_thread.run_sync(self._resolve)
                trust = await anyio.to_thread.run_sync(trust_for, endpoint.url)
                self._tokens = TokenCache(endpoint.provider)
                self._lanes = Lanes(
                    partial(self._new_client, endpoint, self._tokens, trust),
                    keep_alive=KEEP_ALIVE_SECONDS,
                )
                self._is_own_loop.set(True)
            return self._lanes

    def _refuse_strangers(self) -> None:
        if os.getpid() != self._process_id:
            raise RuntimeError(
                "This session pool was made before the process forked, and its connections are "
                "the parent's: make another pool in this process."
            )
        if self._lanes is not None and not self._is_own_loop.get():
            raise RuntimeError(
                "This session pool belongs to another event loop: make one for each, or use "
                "SessionPool, which may be called from anywhere."
            )

    def _new_client(
        self, endpoint: Endpoint, tokens: TokenCache, trust: ssl.SSLContext
    ) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=endpoint.url,
            auth=BearerAuth(tokens),
            headers={"User-Agent": _user_agent()},
            limits=httpx.Limits(max_connections=None, keepalive_expiry=KEEP_ALIVE_SECONDS),
            transport=None if self._transport is None else _Traced(self._transport),
            verify=trust,
            # A proxy from the environment cannot reach this machine's own loopback interface.
            trust_env=not is_loopback(urlsplit(endpoint.url).hostname or ""),
        )

    def _build(self, client: httpx.AsyncClient, call: Call) -> httpx.Request:
        request = call.request
        stall = self._deadlines.stall
        timeout = httpx.Timeout(
            stall,
            connect=self._deadlines.connect,
            # Until the answer's head comes, the service works on the call.
            read=stall if request.streams_reply else call.deadline,
        )
        if request.upload is None or call.content is None:
            return client.build_request(
                request.method,
                request.target,
                json=request.json,
                headers=dict(request.headers),
                timeout=timeout,
            )
        body = MultipartFile(call.content, request.upload.file_name)
        return client.build_request(
            request.method,
            request.target,
            content=body,
            headers=body.headers,
            timeout=timeout,
        )


class Download:
    """An answer of success whose body is read piece by piece."""

    def __init__(self, response: httpx.Response, call: Call, record: CallRecord) -> None:
        self.status_code = response.status_code
        self.headers = response.headers
        self._response = response
        self._call = call
        self._record = record

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the body.

        Raises:
            ServiceError: It broke off or stalled.
        """
        with transport_errors(self._call.operation):
            async for chunk in self._response.aiter_bytes(CHUNK_BYTES):
                self._record.bytes_received += len(chunk)
                yield chunk


class _Traced(httpx.AsyncBaseTransport):
    """Tells of the sending as httpcore does, for transports that do not."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if trace := request.extensions.get("trace"):
            await trace(_SENDING_EVENT, {})
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        await self._transport.aclose()


@cache
def _user_agent() -> str:
    return f"dynamic-sessions/{version('dynamic-sessions')}"


def _note_sending(request: httpx.Request, sending: Sending) -> None:
    async def trace(event: str, _info: object) -> None:
        if event.endswith(_SENDING_EVENT):
            sending.has_begun = True
            # Nobody needs to be told of all the steps after this one.
            request.extensions.pop("trace", None)

    request.extensions["trace"] = trace


async def _close(response: httpx.Response) -> None:
    # One whose body was read to its end is closed already.
    if not response.is_closed:
        with anyio.CancelScope(shield=True):
            await response.aclose()


def _json(content: bytes, call: Call) -> object:
    if not content:
        return None
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ServiceProtocolError(
            f"{call.operation}: the service's answer is not JSON.",
            operation=call.operation,
            outcome_unknown=True,
        ) from error


@contextmanager
def _deadline(call: Call, ends_at: float) -> Generator[None]:
    with anyio.move_on_after(max(ends_at - anyio.current_time(), 0)) as scope:
        yield
    if scope.cancelled_caught:
        raise ServiceTimeoutError(
            f"{call.operation}: no answer within {call.deadline:g} seconds.",
            operation=call.operation,
            outcome_unknown=call.sending.has_begun,
        )
