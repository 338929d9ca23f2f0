"""The local pool's credential, in the form that azure-core's clients expect of one."""

import time
from dataclasses import dataclass, field

_LIFETIME = 24 * 60 * 60


@dataclass(frozen=True)
class AccessToken:
    """A bearer token and when to ask for it again, in seconds since the epoch."""

    token: str = field(repr=False)
    expires_on: int


class LocalCredential:
    """Yields the one token that a local pool accepts.

    Args:
        token: The bearer token.
    """

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *scopes: str, **kwargs: object) -> AccessToken:
        """The token; scopes and options are those of a real identity, and mean nothing here."""
        return AccessToken(self._token, int(time.time()) + _LIFETIME)

    def __repr__(self) -> str:
        return "LocalCredential(token=…)"
