"""One bubblewrap per session."""

import contextlib
import os
import platform
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from dynamic_sessions_local.errors import KernelStartError
from dynamic_sessions_local.kernel import Kernel
from dynamic_sessions_local.launchers.identities import Identities
from dynamic_sessions_local.launchers.namespace import Namespace
from dynamic_sessions_local.launchers.preload import PreloadReport
from dynamic_sessions_local.launchers.start import (
    Command,
    Started,
    memory_files,
    reap,
    start_process,
)
from dynamic_sessions_local.launchers.watch import Watch
from dynamic_sessions_local.sandbox.profile import (
    DATA,
    TEMPORARY,
    Identity,
    Profile,
    resources,
    small_files,
)
from dynamic_sessions_local.sandbox.seccomp import load_filter

if TYPE_CHECKING:
    import subprocess


class SpawnLauncher:
    """Starts each session as a process of its own, in a sandbox of its own.

    Args:
        profile: How to start it.
        setpriv: The program to become an unprivileged user with, where this process is root's.
    """

    name = "spawn"

    def __init__(self, profile: Profile, *, setpriv: str | None) -> None:
        self.isolation = profile.isolation(setpriv)
        self._profile = profile
        self._identities = Identities(setpriv)
        self._filter = load_filter(platform.machine())
        self._preload: tuple[str, ...] = ()
        self._report = PreloadReport()

    def prepare(self, preload: Sequence[str]) -> None:
        """Have every session import these modules before it says that it is ready."""
        self._preload = tuple(preload)

    async def launch(self) -> Kernel:
        """Return a ready kernel.

        Raises:
            KernelStartError: With what bubblewrap or the worker had to say.
        """
        identity = self._identities.take()
        try:
            return await self._launch(identity)
        except OSError as error:
            self._identities.give_back(identity)
            raise KernelStartError(str(error)) from error
        except BaseException:
            self._identities.give_back(identity)
            raise

    async def close(self) -> None:
        """Nothing outlives its kernel here."""

    async def _launch(self, identity: Identity) -> Kernel:
        far_end, lifeline = os.pipe()
        with contextlib.ExitStack() as undo:
            undo.callback(os.close, lifeline)
            try:
                process, started = await self._start(identity, lifeline=far_end)
            finally:
                os.close(far_end)
            self._report.log(started.failures)
            try:
                kernel = self._kernel(started, identity, lifeline, reap=lambda: reap(process))
            except BaseException:
                await started.abandon()
                await reap(process)
                raise
            undo.pop_all()
            return kernel

    async def _start(
        self, identity: Identity, *, lifeline: int
    ) -> "tuple[subprocess.Popen[bytes], Started]":
        profile = self._profile
        files = {path: text.encode() for path, text in small_files(identity).items()}
        with memory_files({"": self._filter}) as seccomp, memory_files(files) as inherited:
            command = Command(
                arguments=profile.command(
                    identity, module="worker", seccomp=seccomp[""], files=inherited
                ),
                configuration={
                    "data": DATA,
                    "lifeline": lifeline,
                    "watched": [DATA, *TEMPORARY],
                    "resources": resources(profile.limits),
                    "preload": self._preload,
                },
                environment={},
                descriptors=[lifeline, *seccomp.values(), *inherited.values()],
            )
            return await start_process(command, watched=1 + len(TEMPORARY))

    def _kernel(
        self,
        started: Started,
        identity: Identity,
        lifeline: int,
        *,
        reap: Callable[[], Awaitable[None]],
    ) -> Kernel:
        limits = self._profile.limits
        if identity.setpriv is not None:
            # Bubblewrap made it as root's; so it is the session's own, as in a user namespace.
            os.fchown(started.channel.data_directory, identity.uid, identity.uid)
        watch = Watch(
            [started.first],
            memory=limits.session_memory_bytes,
            sockets=limits.sockets,
            folders=started.watched,
            entries=limits.data_entries,
        )

        def release() -> None:
            os.close(lifeline)
            self._identities.give_back(identity)

        namespace = Namespace(started.first, watch=watch, reap=reap, on_release=release)
        return Kernel(started.channel, namespace, interrupt_grace=limits.interrupt_grace)
