"""Sessions of a pool that was never closed: deleted when it is collected or the program ends.

At that point there may be no event loop, and no thread can be started for one, so that this is
the one place beside the transport that sends: blocking, and once.
"""

import logging
import os
import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import httpx

from dynamic_sessions.trust import trust_for
from dynamic_sessions.wire import delete_session

logger = logging.getLogger("dynamic_sessions")

_SECONDS_EACH = 3.0
_MOST_FAILURES = 3


@dataclass(frozen=True, kw_only=True)
class Access:
    """What a last call needs of a transport."""

    url: str
    token: str = field(repr=False)
    trusts_environment: bool
    """Whether proxies that the environment names are used."""


class Ledger(Protocol):
    """Knows which sessions are somebody's to end."""

    @property
    def unnamed(self) -> tuple[str, ...]:
        """Their identifiers."""
        ...


def delete_at_parting(
    owner: object, ledger: Ledger, access: Callable[[], Sequence[Access]]
) -> "weakref.finalize[..., object]":
    """Delete the unnamed sessions of a ledger when its owner is collected or the program ends.

    Args:
        owner: The pool, which neither of the others may refer to.
        ledger: Knows the sessions.
        access: Yields what to delete them with, for every pool that anything was ever sent to.

    Returns:
        What to detach once the owner is closed.
    """
    return weakref.finalize(owner, _delete_left_behind, ledger, access, os.getpid())


def _delete_left_behind(
    ledger: Ledger, access: Callable[[], Sequence[Access]], process_id: int
) -> None:
    found = access()
    # A forked child has a copy of the ledger; the sessions are its parent's.
    if os.getpid() != process_id or not found or not ledger.unnamed:
        return
    if not threading.main_thread().is_alive():
        _delete(found, ledger.unnamed)
        return
    # The collector may run in an event loop's thread, which must not wait.
    threading.Thread(
        target=_delete, args=(found, ledger.unnamed), name="dynamic-sessions-parting"
    ).start()


def _delete(accesses: Sequence[Access], identifiers: tuple[str, ...]) -> None:
    # Where there are several pools, a session is in one of them, and the others do not mind.
    if sum(_delete_in_pool(access, identifiers) for access in accesses):
        logger.warning("Sessions of a pool that was not closed could not all be deleted.")


def _delete_in_pool(access: Access, identifiers: tuple[str, ...]) -> int:
    """Delete sessions and return how often that failed."""
    failures = 0
    with httpx.Client(
        base_url=access.url,
        headers={"Authorization": f"Bearer {access.token}"},
        timeout=_SECONDS_EACH,
        verify=trust_for(access.url),
        trust_env=access.trusts_environment,
    ) as client:
        for identifier in identifiers:
            try:
                client.delete(delete_session(identifier).target)
            except httpx.HTTPError:
                failures += 1
            if failures == _MOST_FAILURES:
                break
    return failures
