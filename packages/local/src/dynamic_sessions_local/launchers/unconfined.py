"""No isolation: the worker as a plain process of the server's user.

For code that is trusted. It sees the host's files and network, and /mnt/data is not there unless
somebody made it: the session's data directory is a temporary folder, where the code starts. Paths in
the code are not rewritten.
"""

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dynamic_sessions_local.kernel import Kernel
from dynamic_sessions_local.launchers.preload import PreloadReport
from dynamic_sessions_local.launchers.start import Command, Started, reap, start_process
from dynamic_sessions_local.launchers.watch import memory_of
from dynamic_sessions_local.limits import Limits
from dynamic_sessions_local.sandbox.interpreter import Interpreter
from dynamic_sessions_local.sandbox.profile import environment, resources, worker_folder

if TYPE_CHECKING:
    import subprocess

MARK = "DYNAMIC_SESSION"
RESCAN_SECONDS = 0.005


class UnconfinedLauncher:
    """Starts sessions as plain processes.

    Args:
        interpreter: What runs in them.
        limits: Those that a process can have on its own: memory, open files, file size.
    """

    name = "plain"
    isolation = "none"

    def __init__(self, interpreter: Interpreter, limits: Limits) -> None:
        self._interpreter = interpreter
        self._limits = limits
        self._preload: tuple[str, ...] = ()
        self._report = PreloadReport()

    def prepare(self, preload: Sequence[str]) -> None:
        """Have every session import these modules before it says that it is ready."""
        self._preload = tuple(preload)

    async def launch(self) -> Kernel:
        """Return a ready kernel.

        Raises:
            KernelStartError: With what the worker had to say.
        """
        folder = Path(tempfile.mkdtemp(prefix="dynamic-session-"))
        mark = secrets.token_hex(16)
        try:
            process, started = await start_process(self._command(folder, mark), watched=0)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self._report.log(started.failures)
        return Kernel(
            started.channel,
            _PlainProcesses(process, started, mark=mark, folder=folder),
            interrupt_grace=self._limits.interrupt_grace,
        )

    async def close(self) -> None:
        """Nothing outlives its kernel here."""

    def _command(self, folder: Path, mark: str) -> Command:
        data, home = folder / "data", folder / "home"
        data.mkdir()
        home.mkdir()
        bounds = resources(self._limits)
        # Outside a namespace of its own it would count all that the user runs.
        del bounds["NPROC"]
        return Command(
            arguments=[self._interpreter.executable, "-I", "-B", str(worker_folder()), "worker"],
            configuration={
                "data": str(data),
                "lifeline": None,
                "watched": [],
                "resources": bounds,
                "preload": self._preload,
            },
            environment={**environment(self._interpreter, home=str(home)), MARK: mark},
        )


class _PlainProcesses:
    """A worker and what it started, found again by process session or by a mark in the environment.

    Code that leaves both behind escapes; only a namespace would hold it.
    """

    excess = ""

    def __init__(
        self, process: "subprocess.Popen[bytes]", started: Started, *, mark: str, folder: Path
    ) -> None:
        self._process = process
        self._first = started.first
        self._mark = f"{MARK}={mark}".encode()
        self._folder = folder

    async def kill(self) -> None:
        while victims := list(self._living()):
            for victim in victims:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)
            await asyncio.sleep(RESCAN_SECONDS)
        await reap(self._process)

    def memory(self) -> int:
        return memory_of(self._living(), enough=0)

    def release(self) -> None:
        os.close(self._first)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _living(self) -> Iterator[int]:
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                # The name in brackets may hold anything; state, parent, group, session follow it.
                state, _, _, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
                ours = int(session) == self._process.pid
                if state not in "ZX" and (
                    ours or self._mark in (entry / "environ").read_bytes().split(b"\0")
                ):
                    yield int(entry.name)
