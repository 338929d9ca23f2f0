"""The header that a request is signed with."""

import base64
import binascii
import re
from collections.abc import AsyncGenerator
from http import HTTPStatus

import httpx

from dynamic_sessions.tokens import TokenCache

_CLAIMS = re.compile(r'\bclaims="([A-Za-z0-9+/=_-]+)"')


class BearerAuth(httpx.Auth):
    """Sends the cached token, and once another one after a 401.

    A 401 is answered before a request reaches a session, so that even user code may be sent again.
    """

    def __init__(self, tokens: TokenCache) -> None:
        self._tokens = tokens

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Sign the request; see httpx.Auth."""
        token = await self._tokens.get()
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code == HTTPStatus.FORBIDDEN:
            # A role that was granted since takes effect with a new token (field report).
            self._tokens.forget(token)
        if response.status_code != HTTPStatus.UNAUTHORIZED:
            return
        another = await self._tokens.replace(token, claims=_claims(response))
        if another != token:
            request.headers["Authorization"] = f"Bearer {another}"
            yield request


def _claims(response: httpx.Response) -> str | None:
    """Return the claims that a challenge of Microsoft Entra asks for, as JSON."""
    found = _CLAIMS.search(response.headers.get("www-authenticate", ""))
    if found is None:
        return None
    encoded = found[1].replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
