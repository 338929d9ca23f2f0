"""Whom sandboxed processes run as."""

import os

from dynamic_sessions_local.errors import KernelStartError
from dynamic_sessions_local.sandbox.profile import Identity

# Between what distributions give to people and what systemd gives to services.
UIDS = range(60_600, 61_100)


class Identities:
    """Users to run sandboxes as: one for each where this process is root's, else always the same.

    Args:
        setpriv: The program to become an unprivileged user with, where this process is root's.
    """

    def __init__(self, setpriv: str | None) -> None:
        self._setpriv = setpriv
        # Another pool of root's on this machine most likely starts elsewhere.
        start = os.getpid() % len(UIDS)
        self._free = [*UIDS[start:], *UIDS[:start]]

    def take(self) -> Identity:
        """Return one, to be given back.

        Raises:
            KernelStartError: All are taken.
        """
        if self._setpriv is None:
            return Identity()
        if not self._free:
            raise KernelStartError(f"All {len(UIDS)} user ids for sessions are taken.")
        return Identity(uid=self._free.pop(0), setpriv=self._setpriv)

    def give_back(self, identity: Identity) -> None:
        """Let another sandbox have it, now that no process has it any more."""
        if identity.setpriv is not None:
            self._free.append(identity.uid)
