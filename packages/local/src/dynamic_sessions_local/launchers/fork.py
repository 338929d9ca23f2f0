"""One bubblewrap around a zygote, and a fork of it per session."""

import asyncio
import contextlib
import logging
import platform
from collections.abc import Sequence
from dataclasses import asdict

from dynamic_sessions_local.errors import KernelStartError
from dynamic_sessions_local.kernel import Kernel
from dynamic_sessions_local.launchers.identities import Identities
from dynamic_sessions_local.launchers.namespace import Namespace
from dynamic_sessions_local.launchers.preload import PreloadReport
from dynamic_sessions_local.launchers.start import Command, Started, memory_files, start_process
from dynamic_sessions_local.launchers.watch import Watch
from dynamic_sessions_local.launchers.zygote import Zygote
from dynamic_sessions_local.sandbox.profile import (
    DATA,
    Identity,
    Profile,
    resources,
    small_files,
    writable_folders,
)
from dynamic_sessions_local.sandbox.seccomp import load_filter

_logger = logging.getLogger(__name__)


class ForkLauncher:
    """Forks each session from a process that has the libraries loaded.

    Where that process ends, its sessions go on, and the next session comes from a new one.

    Args:
        profile: How to start it.
        setpriv: The program to become an unprivileged user with, where this process is root's.
    """

    name = "fork"

    def __init__(self, profile: Profile, *, setpriv: str | None) -> None:
        self.isolation = profile.isolation(setpriv)
        self._profile = profile
        self._identities = Identities(setpriv)
        self._filter = load_filter(platform.machine())
        self._preload: tuple[str, ...] = ()
        self._report = PreloadReport()
        self._zygote: Zygote | None = None
        self._holding_zygote = asyncio.Lock()
        self._preparing: asyncio.Task[None] | None = None
        self._retired: set[Zygote] = set()
        self._closing: set[asyncio.Task[None]] = set()

    def prepare(self, preload: Sequence[str]) -> None:
        """Begin to import these modules; sessions that are asked for meanwhile wait for it."""
        self._preload = tuple(preload)
        self._preparing = asyncio.create_task(self._prepare())

    async def launch(self) -> Kernel:
        """Return a ready kernel.

        Raises:
            KernelStartError: With what bubblewrap, the zygote or the worker had to say.
        """
        if self._preparing is not None:
            await asyncio.shield(self._preparing)
        zygote = await self._present_zygote()
        try:
            return await self._fork(zygote)
        except KernelStartError:
            if zygote.alive:
                raise
        return await self._fork(await self._present_zygote())

    async def close(self) -> None:
        """End the zygotes, and with them every session that is left."""
        if self._preparing is not None:
            self._preparing.cancel()
            await asyncio.wait({self._preparing})
        async with self._holding_zygote:
            if self._zygote is not None:
                self._retire(self._zygote)
                self._zygote = None
        await asyncio.gather(*(zygote.close() for zygote in self._retired), *self._closing)
        self._retired.clear()

    async def _fork(self, zygote: Zygote) -> Kernel:
        # Counted before it is there, so that its zygote is not given up meanwhile.
        zygote.sessions += 1
        try:
            started = await zygote.fork()
        except OSError as error:
            self._on_release(zygote)
            raise KernelStartError(str(error)) from error
        except BaseException:
            self._on_release(zygote)
            raise
        try:
            return self._kernel(started, zygote)
        except BaseException:
            await started.abandon()
            self._on_release(zygote)
            raise

    def _kernel(self, started: Started, zygote: Zygote) -> Kernel:
        limits = self._profile.limits
        watch = Watch(
            [started.first, started.channel.worker],
            memory=limits.session_memory_bytes,
            sockets=limits.sockets,
        )
        namespace = Namespace(
            started.first, watch=watch, on_release=lambda: self._on_release(zygote)
        )
        return Kernel(started.channel, namespace, interrupt_grace=limits.interrupt_grace)

    async def _prepare(self) -> None:
        async with self._holding_zygote:
            if self._zygote is not None and self._preload:
                # The next session has the failure to report, if there is one.
                with contextlib.suppress(KernelStartError):
                    self._zygote = await self._load(self._zygote)

    async def _present_zygote(self) -> Zygote:
        async with self._holding_zygote:
            if self._zygote is None or not self._zygote.alive:
                if self._zygote is not None:
                    _logger.warning(
                        "the process that sessions are forked from ended; restarting it"
                    )
                    self._retire(self._zygote)
                    self._zygote = None
                self._zygote = await self._load(await self._start())
            return self._zygote

    async def _load(self, zygote: Zygote) -> Zygote:
        """Return a zygote that has the modules loaded: this one, or else a successor."""
        try:
            failures, usable = await zygote.preload(self._preload)
        except KernelStartError:
            _logger.warning("sessions start with nothing preloaded: %s ended the process that imports"
                            " it", " or ".join(self._preload))  # fmt: skip
            self._preload = ()
            self._retire(zygote)
            return await self._start()
        except BaseException:
            self._retire(zygote)
            raise
        self._report.log(failures)
        if usable:
            return zygote
        self._preload = tuple(name for name in self._preload if name not in failures)
        self._retire(zygote)
        return await self._load(await self._start())

    async def _start(self) -> Zygote:
        identity = self._identities.take()
        try:
            return await self._start_as(identity)
        except BaseException:
            self._identities.give_back(identity)
            raise

    async def _start_as(self, identity: Identity) -> Zygote:
        profile, limits = self._profile, self._profile.limits
        interpreter = profile.interpreter
        folders = writable_folders(limits)
        files = {path: text.encode() for path, text in small_files(identity).items()}

        def hidden(path: str) -> bool:
            return any(path.startswith(f"{folder.path}/") for folder in folders)

        with memory_files({"": self._filter}) as seccomp, memory_files(files) as inherited:
            command = Command(
                arguments=profile.command(identity, module="zygote", seccomp=None, files=inherited),
                configuration={
                    "data": DATA,
                    "resources": resources(limits),
                    "filter": seccomp[""],
                    "folders": [asdict(folder) for folder in folders],
                    "kept": [folder for folder in interpreter.folders if hidden(folder)],
                    "links": {link: target for link, target in interpreter.links if hidden(link)},
                },
                environment={},
                descriptors=[*seccomp.values(), *inherited.values()],
            )
            process, started = await start_process(command, watched=0)
        return Zygote(process, started, on_close=lambda: self._identities.give_back(identity))

    def _on_release(self, zygote: Zygote) -> None:
        zygote.sessions -= 1
        if zygote in self._retired:
            self._close_if_unused(zygote)

    def _retire(self, zygote: Zygote) -> None:
        """Fork from it no more; it is closed with the last of its sessions."""
        self._retired.add(zygote)
        self._close_if_unused(zygote)

    def _close_if_unused(self, zygote: Zygote) -> None:
        if zygote.sessions == 0:
            self._retired.discard(zygote)
            closing = asyncio.create_task(zygote.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
