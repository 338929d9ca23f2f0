"""Which calls are sent again after which failure, when, and how often over all."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from dynamic_sessions.errors import (
    PoolExhaustedError,
    ServerError,
    ServiceConnectionError,
    ServiceError,
    ServiceResponseError,
)

_LONGEST_RETRY_AFTER_SECONDS = 60.0
_REFUND = 0.1
_REQUEST_TIMEOUT = 408


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How often and how soon a call is sent again, where that is safe.

    User code is sent again only where it cannot have started, whatever is set here.

    Raises:
        ValueError: A number is negative.
    """

    retries: int = 2
    """Repetitions of one call, beyond its first sending."""
    first_delay: float = 0.5
    """Seconds before the first repetition, doubled for each further one. Where the service says
    how long to wait, that counts instead, up to 60 seconds."""
    longest_delay: float = 8.0
    """Seconds at which the doubling ends."""
    budget: float = 20.0
    """Repetitions of all calls of a pool together that may be spent in a row; ten successful calls
    earn one back. So a service that is down is not asked three times as often as one that is up."""

    def __post_init__(self) -> None:
        if min(self.retries, self.first_delay, self.longest_delay, self.budget) < 0:
            raise ValueError("The numbers of a retry policy are not negative.")


class Retries:
    """Decides on the repetitions of a pool's calls.

    Args:
        policy: How often and how soon.
        jitter: Yields a number from 0 to 1 that spreads the waits of many clients.
    """

    def __init__(self, policy: RetryPolicy, *, jitter: Callable[[], float] = random.random) -> None:
        self._policy = policy
        self._jitter = jitter
        self._left = policy.budget

    def record_success(self) -> None:
        """Earn back a part of what repetitions cost."""
        self._left = min(self._left + _REFUND, self._policy.budget)

    def take(self, error: ServiceError, *, repeatable: bool, retry: int) -> float | None:
        """Return the seconds to wait before the next sending, or None if there must be none.

        Args:
            error: What came of the last sending.
            repeatable: Whether a second sending does no harm even if the first had its effect.
            retry: Repetitions of this call so far.
        """
        if retry >= self._policy.retries or not _may_repeat(error, repeatable=repeatable):
            return None
        if self._left < 1:
            return None
        self._left -= 1
        return self._delay(error, retry)

    def _delay(self, error: ServiceError, retry: int) -> float:
        if isinstance(error, ServiceResponseError) and error.retry_after is not None:
            return min(error.retry_after, _LONGEST_RETRY_AFTER_SECONDS)
        delay = min(self._policy.first_delay * 2**retry, self._policy.longest_delay)
        return delay * (1 - 0.25 * self._jitter())


def _may_repeat(error: ServiceError, *, repeatable: bool) -> bool:
    if isinstance(error, PoolExhaustedError):
        return True
    if isinstance(error, ServiceConnectionError):
        return repeatable or not error.outcome_unknown
    return repeatable and _is_passing(error)


def _is_passing(error: ServiceError) -> bool:
    if isinstance(error, ServiceResponseError) and error.status_code == _REQUEST_TIMEOUT:
        return True
    return isinstance(error, ServerError)
