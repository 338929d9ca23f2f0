"""Access tokens: fetched when needed, kept while valid, shared by all who wait."""

import inspect
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import anyio
import anyio.to_thread

from dynamic_sessions.background import BackgroundTask
from dynamic_sessions.credentials import (
    TOKEN_SCOPE,
    AccessToken,
    AsyncTokenProvider,
    TokenProvider,
)
from dynamic_sessions.errors import ServiceError

REFRESH_EARLY_SECONDS = 300.0
REFRESH_LATE_SECONDS = 30.0

# A token that a credential has just handed out is not expired, whatever this machine's clock says.
_LIFE_BY_A_WRONG_CLOCK_SECONDS = 300.0

# A failed early refresh is not tried again by every call that comes along.
_PAUSE_SECONDS = 10.0

# Threads for credentials alone: those that files use may all be busy. More than one, since a
# credential that hangs keeps its thread.
_THREADS = 4


class TokenCache:
    """One token of the service's scope, and at most one refresh of it at a time.

    In the last five minutes of a token's life it is refreshed in the background, which may fail;
    in the last thirty seconds callers wait for the refresh, which must succeed. A caller that is
    cancelled leaves the refresh to the others.

    Args:
        provider: Yields tokens. A synchronous one runs in a worker thread.
        clock: Seconds since the epoch, which a token's end is told in.
        monotonic: Seconds that no correction of the clock can set back.
    """

    def __init__(
        self,
        provider: TokenProvider | AsyncTokenProvider,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._provider = provider
        self._clock = clock
        self._monotonic = monotonic
        self._threads: anyio.CapacityLimiter | None = None
        self._token: _CachedToken | None = None
        self._refresh: _Refresh | None = None
        self._paused_until = 0.0

    @property
    def cached(self) -> str | None:
        """The token that is at hand, if it is still valid."""
        return self._token.text if self._token and self._seconds_left(self._token) > 0 else None

    async def get(self) -> str:
        """Return a token that is valid for a while yet.

        Raises:
            ServiceError: The credential failed.
        """
        token = self._token
        if token is None or self._seconds_left(token) < REFRESH_LATE_SECONDS:
            return await self._refreshed(None)
        if self._seconds_left(token) < REFRESH_EARLY_SECONDS:
            self._refresh_in_background()
        return token.text

    async def replace(self, rejected: str, *, claims: str | None = None) -> str:
        """Return another token than the one that the service rejected, if there is one.

        Args:
            rejected: The token that the service answered with 401.
            claims: What the service asks the next token to claim, as JSON.

        Raises:
            ServiceError: The credential failed.
        """
        if self._token is not None and self._token.text != rejected:
            return self._token.text
        self._token = None
        return await self._refreshed(claims)

    def forget(self, token: str) -> None:
        """Have the next call fetch another token than this one."""
        if self._token is not None and self._token.text == token:
            self._token = None

    async def close(self) -> None:
        """End a refresh that is under way."""
        if self._refresh is not None:
            await self._refresh.task.cancel()

    def _seconds_left(self, token: "_CachedToken") -> float:
        # By either clock: one stands still while the machine sleeps, the other can be set.
        elapsed = max(
            self._clock() - token.fetched_at, self._monotonic() - token.fetched_at_monotonic
        )
        return token.life - elapsed

    def _refresh_in_background(self) -> None:
        if self._refresh is None and self._monotonic() >= self._paused_until:
            self._begin(None)

    async def _refreshed(self, claims: str | None) -> str:
        refresh = self._refresh
        if refresh is None or refresh.claims != claims:
            refresh = self._begin(claims)
        await refresh.task.wait()
        if refresh.token is None:
            raise ServiceError(
                f"The credential yielded no access token: {refresh.error}. Sign in anew (for "
                "example with `az login`), or pass another credential=...",
                operation="get token",
            ) from refresh.error
        return refresh.token

    def _begin(self, claims: str | None) -> "_Refresh":
        refresh = _Refresh(claims=claims)
        self._refresh = refresh
        refresh.task = BackgroundTask(lambda: self._fetch_into(refresh))
        return refresh

    async def _fetch_into(self, refresh: "_Refresh") -> None:
        try:
            token = await self._fetch(refresh.claims)
        except Exception as error:  # noqa: BLE001 - a credential's own; those who wait get it
            refresh.error = error
            self._paused_until = self._monotonic() + _PAUSE_SECONDS
        else:
            refresh.token = token.token
            self._token = self._remembered(token)
        finally:
            if self._refresh is refresh:
                self._refresh = None

    def _remembered(self, token: AccessToken) -> "_CachedToken":
        now = self._clock()
        life = token.expires_on - now
        return _CachedToken(
            text=token.token,
            life=life if life > 0 else _LIFE_BY_A_WRONG_CLOCK_SECONDS,
            fetched_at=now,
            fetched_at_monotonic=self._monotonic(),
        )

    async def _fetch(self, claims: str | None) -> AccessToken:
        options = {} if claims is None else {"claims": claims}

        def get_token() -> AccessToken | Awaitable[AccessToken]:
            return self._provider.get_token(TOKEN_SCOPE, **options)

        if inspect.iscoroutinefunction(self._provider.get_token):
            outcome = get_token()
        else:
            if self._threads is None:
                self._threads = anyio.CapacityLimiter(_THREADS)
            outcome = await anyio.to_thread.run_sync(
                get_token, abandon_on_cancel=True, limiter=self._threads
            )
        return await outcome if inspect.isawaitable(outcome) else outcome


@dataclass(frozen=True, kw_only=True)
class _CachedToken:
    text: str = field(repr=False)
    life: float
    fetched_at: float
    fetched_at_monotonic: float


class _Refresh:
    task: BackgroundTask

    def __init__(self, *, claims: str | None) -> None:
        self.claims = claims
        self.token: str | None = None
        self.error: Exception | None = None
