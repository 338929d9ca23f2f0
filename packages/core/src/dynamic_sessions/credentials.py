"""From what the caller passes as a credential to the header that is sent."""

import inspect
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol, TypeAlias

import anyio
import anyio.to_thread
import httpx

from dynamic_sessions.errors import ServiceError

TOKEN_SCOPE = "https://dynamicsessions.io/.default"  # noqa: S105 - a scope, not a token
"""Scope of the service's access tokens, from its OpenAPI document."""

REFRESH_EARLY_SECONDS = 300.0
REFRESH_LATE_SECONDS = 30.0
_NEVER_EXPIRES = 2**53


class AccessToken(Protocol):
    """What a token provider yields: azure-core's AccessToken has this shape."""

    @property
    def token(self) -> str:
        """The text that is sent as a bearer token."""
        ...

    @property
    def expires_on(self) -> int:
        """End of validity, in seconds since the epoch."""
        ...


class TokenProvider(Protocol):
    """A synchronous credential, such as those of azure.identity."""

    def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
        """Return a token for the scopes; may block."""
        ...


class AsyncTokenProvider(Protocol):
    """An asynchronous credential, such as those of azure.identity.aio."""

    async def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
        """Return a token for the scopes."""
        ...


Credential: TypeAlias = TokenProvider | AsyncTokenProvider | str
"""A token provider, or a static token as text."""


@dataclass(frozen=True, kw_only=True)
class _StaticAccessToken:
    token: str = field(repr=False)
    expires_on: int = _NEVER_EXPIRES


class _StaticTokenProvider:
    def __init__(self, token: str) -> None:
        self._token = _StaticAccessToken(token=token)

    async def get_token(self, *_scopes: str, **_kwargs: Any) -> AccessToken:
        return self._token


def token_provider(credential: Credential) -> TokenProvider | AsyncTokenProvider:
    """Make a token provider of a credential.

    Raises:
        ValueError: The static token is empty.
        TypeError: The object has no get_token method.
    """
    if isinstance(credential, str):
        if not credential.strip():
            raise ValueError("The static token is empty.")
        return _StaticTokenProvider(credential)
    if not callable(getattr(credential, "get_token", None)):
        raise TypeError(
            "A credential needs a get_token method, as those of azure.identity have; "
            f"{type(credential).__name__} has none."
        )
    return credential


class TokenCache:
    """One token, fetched when needed and shared by all who wait for it.

    In the last five minutes of a token's life a refresh is tried and may fail; in the last thirty
    seconds it must succeed.
    """

    def __init__(
        self,
        provider: TokenProvider | AsyncTokenProvider,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._provider = provider
        self._clock = clock
        self._token: AccessToken | None = None
        self._lock = anyio.Lock()

    async def get(self) -> str:
        """Return a token that is valid for a while yet."""
        if (token := self._fresh_token()) is not None:
            return token
        async with self._lock:
            if (token := self._fresh_token()) is not None:
                return token
            return await self._refresh()

    async def replace(self, rejected: str) -> str:
        """Return another token than the one that the service rejected."""
        async with self._lock:
            if self._token is not None and self._token.token != rejected:
                return self._token.token
            self._token = None
            return await self._refresh()

    def _fresh_token(self) -> str | None:
        if self._token is None or self._seconds_left(self._token) < REFRESH_EARLY_SECONDS:
            return None
        return self._token.token

    def _seconds_left(self, token: AccessToken) -> float:
        return token.expires_on - self._clock()

    async def _refresh(self) -> str:
        try:
            self._token = await self._fetch()
        except Exception as error:
            if self._token is None or self._seconds_left(self._token) < REFRESH_LATE_SECONDS:
                raise ServiceError(
                    f"The credential yielded no access token: {error}", operation="get token"
                ) from error
        return self._token.token

    async def _fetch(self) -> AccessToken:
        get_token: Callable[..., AccessToken | Awaitable[AccessToken]] = self._provider.get_token
        if inspect.iscoroutinefunction(get_token):
            return await get_token(TOKEN_SCOPE)
        outcome = await anyio.to_thread.run_sync(get_token, TOKEN_SCOPE, abandon_on_cancel=True)
        return await outcome if inspect.isawaitable(outcome) else outcome


class BearerAuth(httpx.Auth):
    """Sends the cached token, and once another one after a 401."""

    def __init__(self, tokens: TokenCache) -> None:
        self._tokens = tokens

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Sign the request; see httpx.Auth."""
        token = await self._tokens.get()
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            token = await self._tokens.replace(token)
            request.headers["Authorization"] = f"Bearer {token}"
            yield request
