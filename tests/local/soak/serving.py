"""The real command in a process of its own, with one above it that misses nothing."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Self

from . import processes
from .processes import Figures
from .service import PATIENCE, Address
from .world import until

COMMAND = Path(sys.executable).with_name("dynamic-sessions")
SUPERVISOR = Path(__file__).with_name("supervisor.py")


class Server:
    """`dynamic-sessions serve`. An async context manager; nothing is left of it in the end.

    Args:
        folder: For its temporary files and its log.
        arguments: What follows `serve`.
    """

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.temporary = folder / "temporary"
        self._log = folder / "stderr.txt"
        self._arguments = arguments

    async def __aenter__(self) -> Self:
        self.temporary.mkdir()
        with self._log.open("wb") as log:
            self._supervisor = await asyncio.create_subprocess_exec(
                sys.executable,
                SUPERVISOR,
                COMMAND,
                "serve",
                *self._arguments,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env={**os.environ, "TMPDIR": str(self.temporary), "PYTHONWARNINGS": "default"},
                start_new_session=True,
            )
        try:
            self.process = int(await self._line("process: "))
            self.address = Address(await self._line("endpoint: "), await self._line("token: "))
        except BaseException:
            await self._kill()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._kill()

    @property
    def log(self) -> str:
        """What it wrote to stderr."""
        return self._log.read_text()

    def figures(self) -> Figures:
        """What it and everything below it hold now; adopted orphans are below it, too."""
        return processes.look_at(self.process, self.supervisor)

    @property
    def supervisor(self) -> int:
        """The process that adopts what loses its parent below the server."""
        return self._supervisor.pid

    def terminate(self) -> None:
        """Ask it to end."""
        os.kill(self.process, signal.SIGTERM)

    async def ended(self, seconds: float) -> None:
        """Return when it has ended.

        Raises:
            AssertionError: It has not within so many seconds.
        """
        await until(lambda: not processes.is_alive(self.process), "the end", patience=seconds)

    async def exit_code(self) -> int:
        """How it ended, once every process that was ever below it has ended as well."""
        async with asyncio.timeout(PATIENCE):
            return await self._supervisor.wait()

    async def _line(self, name: str) -> str:
        assert self._supervisor.stdout
        async with asyncio.timeout(PATIENCE):
            line = (await self._supervisor.stdout.readline()).decode().rstrip("\n")
        assert line.startswith(name), self.log
        return line.removeprefix(name)

    async def _kill(self) -> None:
        for process in processes.descendants(self.supervisor):
            with processes.held(process, below=self.supervisor) as pidfd:
                if pidfd is not None:
                    processes.kill(pidfd)
        await self.exit_code()
