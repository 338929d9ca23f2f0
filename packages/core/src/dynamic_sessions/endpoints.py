"""Where a session pool is and how to sign in to it, from arguments and environment."""

import ipaddress
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Protocol, cast
from urllib.parse import urlsplit

from dynamic_sessions.credentials import (
    AsyncTokenProvider,
    Credential,
    TokenProvider,
    token_provider,
)

ENDPOINT_VARIABLE = "DYNAMIC_SESSIONS_ENDPOINT"
TOKEN_VARIABLE = "DYNAMIC_SESSIONS_TOKEN"  # noqa: S105 - a variable's name, not a token
LOCAL = "local"

_ENTRY_POINT_GROUP = "dynamic_sessions.endpoints"


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A session pool's address and the provider of its tokens."""

    url: str
    provider: TokenProvider | AsyncTokenProvider


class _EmbeddedPool(Protocol):
    @property
    def endpoint(self) -> str: ...

    @property
    def credential(self) -> TokenProvider: ...


def choose_endpoint(endpoint: str | None, *, environment: Mapping[str, str] = os.environ) -> str:
    """Return the endpoint to use: the argument, else the environment's.

    Nothing falls back to the local pool by itself: a forgotten variable must not run a model's
    code on a production host.

    Raises:
        ValueError: There is none, or it is not the URL of a session pool.
    """
    chosen = (endpoint or environment.get(ENDPOINT_VARIABLE, "")).strip()
    if not chosen:
        raise ValueError(
            "No session pool was named. Pass the pool management endpoint of an Azure session "
            f'pool, or "local" for a sandboxed pool on this machine, or set {ENDPOINT_VARIABLE} '
            "to either."
        )
    if chosen != LOCAL:
        _check_url(chosen)
    return chosen


def resolve_endpoint(
    chosen: str,
    credential: Credential | None,
    *,
    environment: Mapping[str, str] = os.environ,
) -> Endpoint:
    """Find the pool behind an endpoint; for "local", start it. Blocks while that happens.

    Args:
        chosen: A URL, or "local".
        credential: None means a static token from the environment, else azure-identity's
            DefaultAzureCredential. The local pool has its own, whatever is given here.
        environment: Where the static token is looked up.

    Raises:
        ValueError: The local pool or azure-identity is needed and not installed.
    """
    if chosen == LOCAL:
        pool = _start_embedded_pool()
        return Endpoint(url=pool.endpoint, provider=pool.credential)
    if credential is None:
        credential = environment.get(TOKEN_VARIABLE) or _default_azure_credential()
    return Endpoint(url=chosen, provider=token_provider(credential))


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is this machine's own loopback interface."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_url(endpoint: str) -> None:
    parts = urlsplit(endpoint)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(
            f"{endpoint!r} is not the URL of a session pool: expected https://..., or the word "
            f'"{LOCAL}".'
        )
    if parts.query or parts.fragment or "?" in endpoint or "#" in endpoint:
        raise ValueError("The endpoint must have no query and no fragment: end it at the path.")
    if parts.username or parts.password:
        raise ValueError("The endpoint must hold no user name or password.")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError(
            "Over http:// the access token would be readable on the network; use https:// "
            "(http:// is for pools on this machine)."
        )


def _start_embedded_pool() -> _EmbeddedPool:
    for entry_point in entry_points(group=_ENTRY_POINT_GROUP, name=LOCAL):
        shared_pool = cast("Callable[[], _EmbeddedPool]", entry_point.load())
        return shared_pool()
    raise ValueError(
        'The endpoint "local" needs the package dynamic-sessions-local, which is not installed '
        "(the extra [local] of this package or of your framework's adapter brings it)."
    )


def _default_azure_credential() -> TokenProvider:
    # The synchronous class: its asynchronous twin needs aiohttp, which azure-identity does not
    # bring along. It runs in a worker thread.
    try:
        from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise ValueError(
            "No credential was given, and azure-identity, which would look for one, is not "
            f"installed. Pass credential=..., set {TOKEN_VARIABLE}, or install "
            "dynamic-sessions[azure]."
        ) from error
    return DefaultAzureCredential()
