"""What a caller may pass as a credential, and the provider of tokens that it becomes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, cast

TOKEN_SCOPE = "https://dynamicsessions.io/.default"  # noqa: S105 - a scope, not a token
"""Scope of the service's access tokens, from its OpenAPI document."""

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


TokenFunction: TypeAlias = Callable[[], str]
"""Returns the text of a valid access token; may block."""

Credential: TypeAlias = TokenProvider | AsyncTokenProvider | TokenFunction | str
"""A token provider, a function that returns tokens, or a static token as text."""


@dataclass(frozen=True, kw_only=True)
class _StaticAccessToken:
    token: str = field(repr=False)
    expires_on: int = _NEVER_EXPIRES


class _StaticTokenProvider:
    def __init__(self, token: str) -> None:
        self._token = _StaticAccessToken(token=token)

    async def get_token(self, *_scopes: str, **_kwargs: Any) -> AccessToken:
        return self._token


class _FunctionTokenProvider:
    def __init__(self, function: TokenFunction) -> None:
        self._function = function

    def get_token(self, *_scopes: str, **_kwargs: Any) -> AccessToken:
        # The function keeps its token fresh and does not say until when: ask it every time.
        return _StaticAccessToken(token=self._function(), expires_on=0)


def token_provider(credential: Credential) -> TokenProvider | AsyncTokenProvider:
    """Make a token provider of a credential.

    Raises:
        ValueError: The static token is empty.
        TypeError: The object has no get_token method and is no function.
    """
    if isinstance(credential, str):
        if not credential.strip():
            raise ValueError("The static token is empty.")
        return _StaticTokenProvider(credential)
    if callable(getattr(credential, "get_token", None)):
        return cast("TokenProvider | AsyncTokenProvider", credential)
    if callable(credential):
        return _FunctionTokenProvider(credential)
    raise TypeError(
        "A credential needs a get_token method, as those of azure.identity have, or is a function "
        f"that returns tokens; {type(credential).__name__} is neither."
    )
