"""What `doctor` tries of a session pool, one thing after the other."""

import base64
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, cast

import anyio.to_thread
import httpx

from dynamic_sessions import (
    AuthenticationError,
    DynamicSessionsError,
    NotFoundError,
    PermissionDeniedError,
)
from dynamic_sessions.credentials import TOKEN_SCOPE
from dynamic_sessions.endpoints import resolve_endpoint
from dynamic_sessions.tokens import TokenCache
from dynamic_sessions_cli.connections import open_pool
from dynamic_sessions_cli.profiles import Target
from dynamic_sessions_cli.statuses import CommandError

Verdict = Literal["works", "weaker", "missing"]

_SECONDS = 15.0
_USUAL = ("numpy", "pandas", "matplotlib")
_AUDIENCE = TOKEN_SCOPE.removesuffix("/.default")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was found out about one thing; see the local pool's of the same shape."""

    mechanism: str
    verdict: Verdict
    detail: str
    cure: str = ""


async def check_pool(target: Target) -> AsyncGenerator[Finding]:
    """Yield what is found of a session pool; the first thing that is missing is the last."""
    for check in (_reach, _sign_in, _be_let_in, _look_at_packages):
        finding = await check(target)
        yield finding
        if finding.verdict == "missing":
            return


async def _reach(target: Target) -> Finding:
    if target.is_own_process:
        return Finding(
            mechanism="endpoint",
            verdict="works",
            detail=f"{target.endpoint} (from {target.source}): a pool of the program's own",
        )
    try:
        async with httpx.AsyncClient(timeout=_SECONDS) as client:
            # Without a token: any answer shows that something is there.
            answer = await client.get(target.endpoint)
    except httpx.HTTPError as error:
        return Finding(
            mechanism="endpoint",
            verdict="missing",
            detail=f"{target.endpoint} (from {target.source}) gives no answer: {error or type(error).__name__}",
            cure="Is the address right, the pool running (`dynamic-sessions serve` for a local "
            "one), and no proxy or firewall in between?",
        )
    return Finding(
        mechanism="endpoint",
        verdict="works",
        detail=f"{target.endpoint} (from {target.source}) answers, over {answer.http_version}",
    )


async def _sign_in(target: Target) -> Finding:
    try:
        found = await anyio.to_thread.run_sync(resolve_endpoint, target.endpoint, target.token)
        token = await TokenCache(found.provider).get()
    except (DynamicSessionsError, ValueError) as error:
        return Finding(
            mechanism="token",
            verdict="missing",
            detail="no access token could be had",
            cure=" ".join(str(error).split()),
        )
    source = _source(target)
    claims = _claims(token)
    audience = claims.get("aud")
    if isinstance(audience, str) and audience.rstrip("/") != _AUDIENCE:
        return Finding(
            mechanism="token",
            verdict="missing",
            detail=f"the one {source} is for {audience!r}",
            cure=f"`az account get-access-token --resource {_AUDIENCE}` gives one for {_AUDIENCE}.",
        )
    return Finding(mechanism="token", verdict="works", detail=f"{source}{_validity(claims)}")


def _source(target: Target) -> str:
    if target.is_own_process:
        return "from the pool itself"
    return f"from {target.token_variable}" if target.token else "from azure-identity"


def _validity(claims: dict[str, Any]) -> str:
    expiry = claims.get("exp")
    if not isinstance(expiry, int):
        return ""
    return f", valid until {datetime.fromtimestamp(expiry, UTC).isoformat(timespec='minutes')}"


def _claims(token: str) -> dict[str, Any]:
    """Return what a token says of itself, unverified; nothing where it is no JSON web token."""
    parts = token.split(".")
    try:
        body = parts[1]
        claims = cast("object", json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))))
    except (IndexError, ValueError):
        return {}
    return cast("dict[str, Any]", claims) if isinstance(claims, dict) else {}


async def _be_let_in(target: Target) -> Finding:
    try:
        async with open_pool(target) as pool:
            found = await pool.list_sessions()
    except PermissionDeniedError as error:
        return _refused("the token is valid and lacks the role", error)
    except AuthenticationError as error:
        return _refused("the token was refused", error)
    except NotFoundError as error:
        return _refused("there is no session pool at this address", error)
    except (DynamicSessionsError, CommandError) as error:
        return _refused("the sessions could not be listed", error)
    return Finding(
        mechanism="role",
        verdict="works",
        detail=f"may use the pool, which has {len(found)} sessions",
    )


def _refused(detail: str, error: Exception) -> Finding:
    return Finding(
        mechanism="role", verdict="missing", detail=detail, cure=" ".join(str(error).split())
    )


async def _look_at_packages(target: Target) -> Finding:
    try:
        async with open_pool(target) as pool:
            packages = await pool.session().list_packages()
    except DynamicSessionsError as error:
        return Finding(
            mechanism="packages",
            verdict="weaker",
            detail="they could not be listed",
            cure=" ".join(str(error).split()),
        )
    missing = [name for name in _USUAL if name not in packages]
    if missing:
        return Finding(
            mechanism="packages",
            verdict="weaker",
            detail=f"{len(packages)}, without {', '.join(missing)}",
            cure="Code that analyses data will miss them: install dynamic-sessions-local[data] where "
            "the local pool runs, or use a pool in Azure of the kind PythonLTS.",
        )
    return Finding(
        mechanism="packages",
        verdict="works",
        detail=f"{len(packages)}, {', '.join(_USUAL)} among them",
    )
