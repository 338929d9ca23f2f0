"""The Python that runs sessions, and which folders of the host it needs."""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from dynamic_sessions_local.errors import InterpreterError

# What most sessions of most users import.
USUAL = ("numpy", "pandas", "matplotlib.pyplot")
PROBE = """
import importlib.util, json, sys
def has(name):
    return importlib.util.find_spec(name.partition(".")[0]) is not None
prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
print(json.dumps({
    "executable": sys.executable,
    "prefixes": sorted(prefixes),
    "version": list(sys.version_info[:2]),
    "missing": [name for name in ("IPython", "matplotlib_inline") if not has(name)],
    "usual": [name for name in sys.argv[1:] if has(name)],
}))
"""
OLDEST = (3, 11)
PROBE_SECONDS = 60


class _Findings(TypedDict):
    executable: str
    prefixes: list[str]
    version: list[int]
    missing: list[str]
    usual: list[str]


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """A Python that can host sessions.

    Attributes:
        executable: Its path, which may be a virtual environment's symbolic link.
        folders: What must be readable at the same path for it to run, outermost first.
        links: Symbolic links outside these folders on the way from the path to the real file, with
            their targets.
        version: Major and minor.
        usual: Of the modules that most sessions import, those that it has.
    """

    executable: str
    folders: tuple[str, ...]
    links: tuple[tuple[str, str], ...]
    version: tuple[int, ...]
    usual: tuple[str, ...]


async def inspect_interpreter(python: str | None) -> Interpreter:
    """Run an interpreter, the running one by default, and return what a session needs of it.

    Raises:
        InterpreterError: It does not run, is too old, has no IPython, or its prefix holds the user's
            home folder, which must not be visible in a session.
    """
    executable = _locate(python or sys.executable)
    found = await _run_probe(executable)
    if tuple(found["version"]) < OLDEST:
        raise InterpreterError(f"{executable} is older than Python {OLDEST[0]}.{OLDEST[1]}.")
    if found["missing"]:
        missing = " and ".join(found["missing"])
        raise InterpreterError(
            f"{executable} cannot host sessions: it has no {missing}."
            " Install ipython and matplotlib-inline in its environment."
        )
    # Its own word for it: what was named may be a script that starts an interpreter.
    return _interpreter(found)


def _locate(python: str) -> str:
    executable = shutil.which(python)
    if executable is None:
        raise InterpreterError(f"There is no interpreter {python!r}.")
    # Not Path.resolve, which would follow a virtual environment's link out of it.
    return os.path.abspath(executable)  # noqa: PTH100


def _interpreter(found: _Findings) -> Interpreter:
    executable = found["executable"]
    hops = list(_hops(executable))
    folders = _folders(found["prefixes"], hops)
    # Not Path.home, which raises for a user that no list of users knows.
    home = os.path.expanduser("~")  # noqa: PTH111
    for folder in folders:
        if Path(home).is_relative_to(folder):
            raise InterpreterError(
                f"{executable} has the prefix {folder}, which holds the home folder: sessions would"
                " see it. Use a virtual environment."
            )
    links = tuple((hop, str(Path(hop).readlink())) for hop in hops if not _covered(hop, folders))
    return Interpreter(
        executable=executable,
        folders=folders,
        links=links,
        version=tuple(found["version"]),
        usual=tuple(found["usual"]),
    )


async def _run_probe(executable: str) -> _Findings:
    process = await asyncio.create_subprocess_exec(
        executable, "-I", "-c", PROBE, *USUAL,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(PROBE_SECONDS):
        stdout, stderr = await process.communicate()
    try:
        return json.loads(stdout)
    except ValueError as error:
        complaint = stderr.decode("utf-8", "replace").strip()
        raise InterpreterError(f"{executable} does not run: {complaint}") from error


def _hops(path: str) -> Iterator[str]:
    """Yield each symbolic link on the way from the path to the file that it stands for."""
    while os.path.islink(path):  # noqa: PTH114 - as text: every hop counts as it is written
        yield path
        path = os.path.normpath(Path(path).parent / Path(path).readlink())


def _folders(prefixes: Iterable[str], hops: Iterable[str]) -> tuple[str, ...]:
    wanted = set(prefixes)
    real = {os.path.realpath(prefix) for prefix in wanted}
    # A link may reach a prefix by another name, as with folders that stand for a minor version.
    aliases = {str(Path(hop).parent.parent) for hop in hops}
    wanted |= real | {alias for alias in aliases if os.path.realpath(alias) in real}
    if any(folder.startswith("/nix/store/") for folder in wanted):
        wanted.add("/nix/store")
    kept: list[str] = []
    for folder in sorted(wanted):
        if not _covered(folder, kept):
            kept.append(folder)
    return tuple(kept)


def _covered(path: str, folders: Iterable[str]) -> bool:
    return any(Path(path).is_relative_to(folder) for folder in ("/usr", *folders))
