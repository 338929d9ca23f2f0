"""Whether the session behind an identifier is still the one that was there before."""

from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import anyio

from dynamic_sessions.executions import ExecutionReply
from dynamic_sessions.models import SessionStatus

# HTTP's dates have whole seconds, and servers put them together now and then.
_LEAST_TOLERANCE_SECONDS = 5.0


class Liveness:
    """What is known of one session's identity, from the answers so far.

    Args:
        cooldown: Seconds without a call after which the session may have ended.
        clock: Seconds that only grow; by default the running event loop's.
    """

    def __init__(self, cooldown: float, *, clock: Callable[[], float] = anyio.current_time) -> None:
        self._cooldown = cooldown
        self._clock = clock
        self._guid: str | None = None
        self._etag: str | None = None
        self._answered_at: float | None = None
        self._service_time: datetime | None = None

    def forget(self) -> None:
        """The session was deleted."""
        self._guid = self._etag = self._answered_at = self._service_time = None

    def note(self, reply: ExecutionReply) -> bool:
        """Take note of an answer; return whether another session gave it than the one before."""
        self._answered_at = self._clock()
        self._service_time = _read_date(reply.date) or self._service_time
        known, self._guid = self._guid, reply.session_guid or self._guid
        is_another = known is not None and known != self._guid
        if is_another:
            self._etag = None
        return is_another

    def is_in_doubt(self) -> bool:
        """Whether it was idle for longer than it may live."""
        return self._answered_at is not None and (
            self._clock() - self._answered_at > self._cooldown
        )

    def is_same(self, status: SessionStatus | None) -> bool:
        """Tell from the service's own account whether it is the same session.

        Args:
            status: What stands behind the identifier; None if nothing does.
        """
        if status is None:
            return False
        self._answered_at = self._clock()
        known, self._etag = self._etag, status.etag
        if known is not None and status.etag is not None:
            return known == status.etag
        if status.created_at is None or self._service_time is None:
            return True
        # A successor was made after the cooldown, the session itself before our last answer.
        tolerance = max(self._cooldown / 2, _LEAST_TOLERANCE_SECONDS)
        return status.created_at <= self._service_time + timedelta(seconds=tolerance)


def _read_date(text: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
