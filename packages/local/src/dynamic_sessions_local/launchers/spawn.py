"""One bubblewrap per session."""

import asyncio
import contextlib
import os
import platform
import signal
from collections.abc import Callable, Generator

from dynamic_sessions_local.errors import KernelStartError
from dynamic_sessions_local.kernel import Kernel
from dynamic_sessions_local.launchers.entry_limit import EntryLimit
from dynamic_sessions_local.launchers.start import Command, Started, exited, reap, start_worker
from dynamic_sessions_local.sandbox.profile import (
    DATA,
    TEMPORARY,
    WORKER,
    Identity,
    Profile,
    resources,
    small_files,
)
from dynamic_sessions_local.sandbox.seccomp import build_filter

# Between what distributions give to people and what systemd gives to services. One for each session:
# without a user namespace, the process limit counts all that a user runs on the machine.
UIDS = range(60_600, 61_100)


class SpawnLauncher:
    """Starts sessions by a profile.

    Args:
        isolation: The name of what the profile is.
        profile: How to start a session.
        setpriv: The program to become an unprivileged user with, where this process is root's.
    """

    def __init__(self, isolation: str, profile: Profile, *, setpriv: str | None) -> None:
        self.isolation = isolation
        self._profile = profile
        self._setpriv = setpriv
        self._filter = build_filter(platform.machine())
        # Another pool of root's on this machine most likely starts elsewhere.
        start = os.getpid() % len(UIDS)
        self._free_uids = [*UIDS[start:], *UIDS[:start]]

    async def launch(self) -> Kernel:
        """Return a ready kernel.

        Raises:
            KernelStartError: With what bubblewrap or the worker had to say.
        """
        identity = self._take_identity()
        try:
            started = await self._start(identity)
        except BaseException:
            self._give_back(identity)
            raise
        if identity.setpriv is not None:
            # Bubblewrap made it as root's; so it is the session's own, as in a user namespace.
            os.fchown(started.channel.data_directory, identity.uid, identity.uid)
        limits = self._profile.limits
        processes = _SandboxProcesses(
            started,
            entries=limits.data_entries,
            on_release=lambda: self._give_back(identity),
        )
        return Kernel(started.channel, processes, interrupt_grace=limits.interrupt_grace)

    async def close(self) -> None:
        """Nothing outlives its kernel here."""

    async def _start(self, identity: Identity) -> Started:
        with (
            _memory_files({"": self._filter}) as seccomp,
            _memory_files(
                {path: text.encode() for path, text in small_files(identity).items()}
            ) as files,
        ):
            interpreter = self._profile.interpreter
            isolated = self._profile.command(identity, seccomp=seccomp[""], files=files)
            command = Command(
                arguments=[*isolated, interpreter.executable, "-I", "-B", WORKER],
                data=DATA,
                watched=[DATA, *TEMPORARY],
                resources=resources(self._profile.limits),
                environment={},
                descriptors=[*seccomp.values(), *files.values()],
            )
            return await start_worker(command)

    def _take_identity(self) -> Identity:
        if self._setpriv is None:
            return Identity()
        if not self._free_uids:
            raise KernelStartError(f"All {len(UIDS)} user ids for sessions are taken.")
        return Identity(uid=self._free_uids.pop(0), setpriv=self._setpriv)

    def _give_back(self, identity: Identity) -> None:
        if identity.setpriv is not None:
            self._free_uids.append(identity.uid)


class _SandboxProcesses:
    """A session's process namespace, held by its first process: with it, everything dies."""

    def __init__(self, started: Started, *, entries: int, on_release: Callable[[], None]) -> None:
        self._process = started.process
        self._first = started.first
        self._on_release = on_release
        self._death: asyncio.Task[None] | None = None
        self._entries = EntryLimit(started.watched, limit=entries, on_excess=self._begin_to_kill)

    async def kill(self) -> None:
        await asyncio.shield(self._begin_to_kill())

    def release(self) -> None:
        self._entries.stop()
        os.close(self._first)
        self._on_release()

    def _begin_to_kill(self) -> "asyncio.Task[None]":
        if self._death is None:
            self._death = asyncio.create_task(self._kill())
        return self._death

    async def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._first, signal.SIGKILL)
        # The kernel reports the end of a namespace's first process after that of all the others.
        await exited(self._first)
        await reap(self._process)


@contextlib.contextmanager
def _memory_files(contents: dict[str, bytes]) -> Generator[dict[str, int]]:
    """Yield descriptors of files in memory, each at its beginning."""
    with contextlib.ExitStack() as stack:
        descriptors: dict[str, int] = {}
        for name, content in contents.items():
            descriptor = os.memfd_create("session")
            stack.callback(os.close, descriptor)
            os.write(descriptor, content)
            os.lseek(descriptor, 0, os.SEEK_SET)
            descriptors[name] = descriptor
        yield descriptors
