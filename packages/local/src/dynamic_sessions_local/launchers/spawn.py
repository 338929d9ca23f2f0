"""One bubblewrap per session."""

import os
import platform
from collections.abc import Awaitable, Callable, Sequence

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
        profile, limits = self._profile, self._profile.limits
        files = {path: text.encode() for path, text in small_files(identity).items()}
        with memory_files({"": self._filter}) as seccomp, memory_files(files) as inherited:
            command = Command(
                arguments=profile.command(
                    identity, module="worker", seccomp=seccomp[""], files=inherited
                ),
                configuration={
                    "data": DATA,
                    "watched": [DATA, *TEMPORARY],
                    "resources": resources(limits),
                    "preload": self._preload,
                },
                environment={},
                descriptors=[*seccomp.values(), *inherited.values()],
            )
            process, started = await start_process(command, watched=1 + len(TEMPORARY))
        self._report.log(started.failures)
        try:
            return self._kernel(started, identity, reap=lambda: reap(process))
        except BaseException:
            await started.abandon()
            await reap(process)
            raise

    def _kernel(
        self, started: Started, identity: Identity, *, reap: Callable[[], Awaitable[None]]
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
        namespace = Namespace(
            started.first,
            watch=watch,
            reap=reap,
            on_release=lambda: self._identities.give_back(identity),
        )
        return Kernel(started.channel, namespace, interrupt_grace=limits.interrupt_grace)
