"""The small dialect of `/.management`, which ends and lists sessions of any kind of pool."""

from collections.abc import Sequence
from datetime import timedelta

from dynamic_sessions_local.dialects.values import JsonObject, timestamp_of
from dynamic_sessions_local.session import Session

# The pool has no name of its own.
POOL_NAME = "local"


def session(found: Session, cooldown: float) -> JsonObject:
    """The body that answers `POST /.management/getSession`."""
    return {
        "identifier": found.identifier,
        "etag": found.guid,
        "expiresAt": timestamp_of(found.last_accessed_at + timedelta(seconds=cooldown)),
        "createdAt": timestamp_of(found.created_at),
        "lastAccessedAt": timestamp_of(found.last_accessed_at),
    }


def sessions(found: Sequence[Session], cooldown: float, next_link: str | None) -> JsonObject:
    """The body that answers `POST /.management/listSessions`."""
    return {
        "value": [session(each, cooldown) for each in found],
        "count": len(found),
        "nextLink": next_link,
    }


def stopped(identifier: str) -> str:
    """The text that answers `POST /.management/stopSession`."""
    return f"Session {identifier} in session pool {POOL_NAME} stopped."
