"""Sessions to attack from, something to attack, and the verdicts."""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import termios
from collections.abc import AsyncGenerator, Generator, Sequence
from fcntl import ioctl
from pathlib import Path
from typing import Any, Literal

from dynamic_sessions_local.errors import KernelStartError
from dynamic_sessions_local.kernel import Kernel
from dynamic_sessions_local.launchers import Launcher, select_launcher
from dynamic_sessions_local.limits import MIB, Limits

from . import ATTACKS
from .attack import PRELUDE, Attack
from .neighbours import RANDOM_NUMBERS, UNHARMED, VICTIM

SMALL = Limits(
    memory_bytes=1024 * MIB,
    session_memory_bytes=512 * MIB,
    processes=32,
    open_files=256,
    sockets=125,
    file_bytes=24 * MIB,
    data_bytes=32 * MIB,
    temporary_bytes=16 * MIB,
    data_entries=2_000,
)
SECONDS = 60.0
WRITABLE = """
import json, os, tempfile
def can_be_written(folder):
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True
mounts = {line.split()[1] for line in open("/proc/mounts")}
json.dumps(sorted(place for place in mounts if os.path.isdir(place) and can_be_written(place)))
"""


async def attack(name: Literal["fork", "spawn", "plain"], names: Sequence[str]) -> dict[str, Any]:
    """Return what came of each of these attacks, and what else was seen on the way."""
    if name == "plain":
        launcher = await select_launcher(isolation="none", python=None, limits=SMALL)
    else:
        launcher = await select_launcher(
            isolation="sandbox",
            launcher=name,
            python=None,
            limits=SMALL,
            # Where each session pays for it, no more than what the attacks look at.
            preload=["numpy"] if name == "spawn" else None,
        )
    try:
        with targets() as target:
            return await _attack_with(launcher, target, names)
    finally:
        await launcher.close()


async def _attack_with(
    launcher: Launcher, target: dict[str, Any], names: Sequence[str]
) -> dict[str, Any]:
    async with _session(launcher) as victim:
        target |= json.loads(await _run(victim, f"target = {target!r}\n{VICTIM}"))
        target["writable"] = json.loads(await _run(victim, WRITABLE))
        campaign = _Campaign(launcher, victim, target)
        outcome: dict[str, Any] = {
            "launcher": launcher.name,
            "isolation": launcher.isolation,
            "writable": target["writable"],
            "random numbers": [await campaign.draw(), await campaign.draw()],
        }
        outcome |= await campaign.try_together([name for name in names if not ATTACKS[name].alone])
        for name in names:
            if ATTACKS[name].alone:
                outcome[name] = await campaign.try_alone(ATTACKS[name])
        outcome["another session"] = json.loads(await _run(victim, UNHARMED))
        outcome["a later session"] = await _run_in_new(launcher, "1 + 1")
    return outcome


class _Campaign:
    def __init__(self, launcher: Launcher, victim: Kernel, target: dict[str, Any]) -> None:
        self._launcher = launcher
        self._victim = victim
        self._prelude = f"target = {target!r}\n{PRELUDE}"
        self._writable: list[str] = target["writable"]

    async def draw(self) -> dict[str, object]:
        return json.loads(await _run_in_new(self._launcher, RANDOM_NUMBERS))

    async def try_together(self, names: Sequence[str]) -> dict[str, str]:
        """Try attacks that do not disturb one another, in one session."""
        outcome: dict[str, str] = {}
        async with _session(self._launcher) as kernel:
            for name in names:
                outcome[name] = await self._try_in(kernel, ATTACKS[name])
        return outcome

    async def try_alone(self, attack: Attack) -> str:
        outcome = ""
        for folder in self._writable if attack.everywhere else [""]:
            async with _session(self._launcher) as kernel:
                outcome = await self._try_in(kernel, attack, folder)
                if attack.meanwhile and outcome.startswith("open"):
                    outcome = await self._look_for_harm(attack.meanwhile)
            if not outcome.startswith("blocked"):
                return f"{outcome} {folder}".strip()
        return outcome

    async def _try_in(self, kernel: Kernel, attack: Attack, folder: str = "") -> str:
        code = f"{self._prelude}\nfolder = {folder!r}\n{attack.code}"
        reply = await kernel.execute(code, timeout=SECONDS, output_limit=10_000)
        if reply.status == "aborted" and attack.may_end:
            return "blocked: the session was ended"
        if reply.status != "succeeded":
            return f"{reply.status}: {reply.stderr}"
        return str(reply.value.data)

    async def _look_for_harm(self, code: str) -> str:
        """Return whether others cannot do any more what they should always be able to."""
        ours = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        )  # fmt: skip
        if ours.returncode:
            return f"open: the server's user is hit: {ours.stderr}"
        reply = await self._victim.execute(code, timeout=SECONDS, output_limit=10_000)
        if reply.status != "succeeded":
            return f"open: another session is hit: {reply.stderr}"
        try:
            await _run_in_new(self._launcher, code)
        except (KernelStartError, RuntimeError) as error:
            return f"open: a new session is hit: {error}"
        return "blocked: nobody is hit"


@contextlib.asynccontextmanager
async def _session(launcher: Launcher) -> AsyncGenerator[Kernel]:
    kernel = await launcher.launch()
    try:
        yield kernel
    finally:
        await kernel.close()


async def _run(kernel: Kernel, code: str) -> str:
    reply = await kernel.execute(code, timeout=SECONDS, output_limit=10_000)
    if reply.status != "succeeded":
        raise RuntimeError(reply.stderr)
    return str(reply.value.data)


async def _run_in_new(launcher: Launcher, code: str) -> str:
    async with _session(launcher) as kernel:
        return await _run(kernel, code)


@contextlib.contextmanager
def targets() -> Generator[dict[str, Any]]:
    """Yield what there is on the host to attack, and the limits to overstep."""
    mark = secrets.token_hex(4)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        file, unix = folder / "file", folder / "socket"
        file.write_text("secret")
        file.chmod(0o644)
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        for address in (str(unix), f"\0host-{mark}"):
            server = stack.enter_context(socket.socket(socket.AF_UNIX))
            server.bind(address)
            server.listen()
        stack.enter_context(_controlling_terminal())
        yield {
            "folder": str(folder),
            "file": str(file),
            "source": __file__,
            "server": os.getpid(),
            "port": listener.getsockname()[1],
            "unix": str(unix),
            "abstract": f"host-{mark}",
            "turned canary": os.environ["CANARY"][::-1],
            "turned secret": secrets.token_hex(16),
            "private": f"private-{mark}",
            "other": f"other-{mark}",
            "key": int(mark, 16) & 0x7FFFFFFF,
            "entries": SMALL.data_entries,
            "processes": SMALL.processes,
            "open_files": SMALL.open_files,
            "memory": SMALL.memory_bytes,
            "session_memory": SMALL.session_memory_bytes,
            "data": SMALL.data_bytes,
            "temporary": SMALL.temporary_bytes,
            "file_bytes": SMALL.file_bytes,
        }


@contextlib.contextmanager
def _controlling_terminal() -> Generator[None]:
    """Have a terminal, as a server that was started by hand; needs a process session of its own."""
    first, second = os.openpty()
    ioctl(second, termios.TIOCSCTTY, 0)
    try:
        yield
    finally:
        # Who loses its terminal is told so.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.close(first)
        os.close(second)
