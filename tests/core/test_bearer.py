import base64
import time
from dataclasses import dataclass
from typing import Any

import httpx

from dynamic_sessions.bearer import BearerAuth
from dynamic_sessions.credentials import token_provider
from dynamic_sessions.tokens import TokenCache


@dataclass(frozen=True)
class Token:
    token: str
    expires_on: int


class CountingProvider:
    """Yields token-1, token-2, ..."""

    def __init__(self) -> None:
        self.claims: list[str | None] = []

    def get_token(self, *_scopes: str, **kwargs: Any) -> Token:
        self.claims.append(kwargs.get("claims"))
        return Token(f"token-{len(self.claims)}", int(time.time()) + 3600)


async def test_a_rejected_token_is_replaced_once_and_the_call_sent_again() -> None:
    provider = CountingProvider()
    seen: list[str] = []

    def service(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["Authorization"])
        return httpx.Response(401 if seen[-1].endswith("-1") else 200)

    auth = BearerAuth(TokenCache(provider))
    async with httpx.AsyncClient(auth=auth, transport=httpx.MockTransport(service)) as client:
        assert (await client.get("https://pool.test/")).status_code == 200
        assert (await client.get("https://pool.test/")).status_code == 200
    assert seen == ["Bearer token-1", "Bearer token-2", "Bearer token-2"]


async def test_a_second_rejection_is_final() -> None:
    auth = BearerAuth(TokenCache(CountingProvider()))
    handler = httpx.MockTransport(lambda _: httpx.Response(401))
    async with httpx.AsyncClient(auth=auth, transport=handler) as client:
        assert (await client.get("https://pool.test/")).status_code == 401


async def test_a_static_token_is_not_sent_again_after_it_was_rejected() -> None:
    requests: list[httpx.Request] = []

    def service(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(401)

    auth = BearerAuth(TokenCache(token_provider("static")))
    async with httpx.AsyncClient(auth=auth, transport=httpx.MockTransport(service)) as client:
        assert (await client.get("https://pool.test/")).status_code == 401
    assert len(requests) == 1


async def test_a_claims_challenge_reaches_the_credential() -> None:
    provider = CountingProvider()
    claims = '{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}'
    challenge = (
        'Bearer realm="", error="insufficient_claims", '
        f'claims="{base64.urlsafe_b64encode(claims.encode()).decode().rstrip("=")}"'
    )

    def service(request: httpx.Request) -> httpx.Response:
        if request.headers["Authorization"].endswith("-1"):
            return httpx.Response(401, headers={"WWW-Authenticate": challenge})
        return httpx.Response(200)

    auth = BearerAuth(TokenCache(provider))
    async with httpx.AsyncClient(auth=auth, transport=httpx.MockTransport(service)) as client:
        assert (await client.get("https://pool.test/")).status_code == 200
    assert provider.claims == [None, claims]
