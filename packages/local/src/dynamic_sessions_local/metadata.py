"""What every session of a pool has: its Python and the packages there."""

import asyncio
import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypedDict

from dynamic_sessions_local.errors import InterpreterError

PROBE_SECONDS = 60
PROBE = """
import importlib.metadata, json, platform
packages = {each.metadata["Name"]: each.version for each in importlib.metadata.distributions()}
print(json.dumps({
    "version": platform.python_version(),
    "packages": sorted(((name, version) for name, version in packages.items() if name),
                       key=lambda package: package[0].lower()),
}))
"""


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """An interpreter and what is installed there.

    Attributes:
        version: Python's, such as "3.12.7".
        packages: Name and version of each installed distribution, by name.
    """

    version: str
    packages: tuple[tuple[str, str], ...]

    @property
    def ipython_version(self) -> str:
        """The version of what runs the code."""
        return dict(self.packages).get("ipython", "")


class _Findings(TypedDict):
    version: str
    packages: list[tuple[str, str]]


class Metadata:
    """What a pool says of its sessions before there is one.

    Args:
        python: The interpreter that they run; the running one by default.

    Attributes:
        created_at: When the pool was started.
    """

    def __init__(self, python: str | None) -> None:
        self.created_at = datetime.now(UTC)
        self._python = python or sys.executable
        self._asking: asyncio.Task[Runtime] | None = None

    async def runtime(self) -> Runtime:
        """The interpreter and its packages, looked up once.

        Raises:
            InterpreterError: It does not run any more.
        """
        if self._asking is None or _failed(self._asking):
            self._asking = asyncio.create_task(_ask(self._python))
        return await asyncio.shield(self._asking)


def _failed(task: "asyncio.Task[Runtime]") -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


async def _ask(python: str) -> Runtime:
    process = await asyncio.create_subprocess_exec(
        python, "-I", "-c", PROBE,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(PROBE_SECONDS):
        stdout, stderr = await process.communicate()
    try:
        found: _Findings = json.loads(stdout)
    except ValueError as error:
        complaint = stderr.decode("utf-8", "replace").strip()
        raise InterpreterError(f"{python} does not run: {complaint}") from error
    return Runtime(
        version=found["version"],
        packages=tuple((name, version) for name, version in found["packages"]),
    )
