"""Installs what a session lacks. The text of this file runs inside the session, not on the host.

It is sent only where the caller lets missing packages be installed. It may use the standard
library alone, of any Python from 3.9 on.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def install(request: dict[str, Any], missing: list[list[str]], folder: str) -> str:
    """Install requirements into a folder of the session's own, and put that on the path.

    Args:
        request: As in set_up(); its distributions say what to hand to pip.
        missing: Requirements and imports, each with what is wrong with it.
        folder: Where to install; made if need be.

    Returns:
        Why it failed, or nothing.
    """
    wanted = request["distributions"]
    known = [(wanted[text], fault) for text, fault in missing if text in wanted]
    if not known:
        return ""
    prefix = Path(folder)
    everything = [name for name, _ in known]
    outdated = [name for name, fault in known if fault.startswith("is installed as")]
    # pip would uninstall an older version first, which lies where the session may not write.
    rounds = [["--ignore-installed", "--no-deps", *outdated]] if outdated else []
    for arguments in [*rounds, everything]:
        fault = _run_pip(prefix, arguments)
        _extend_path(prefix)
        if fault:
            return fault
    return ""


def _run_pip(prefix: Path, arguments: list[str]) -> str:
    command = [sys.executable, *_pip(), "install", "--prefix", str(prefix), "--quiet"]
    command += ["--no-input", "--disable-pip-version-check", "--no-warn-script-location"]
    path = os.pathsep.join([*_libraries(prefix), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(  # noqa: S603 - pip, and requirements that the client has checked
        [*command, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path.rstrip(os.pathsep)},
    )
    if done.returncode == 0:
        return ""
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    errors = [line[len("ERROR: ") :] for line in lines if line.startswith("ERROR: ")]
    return " ".join(errors or lines[-3:]) or "pip ended with exit code " + str(done.returncode)


def _pip() -> list[str]:
    """Return the arguments that run pip: the installed one, or the one that Python brings."""
    if importlib.util.find_spec("pip") is not None:
        return ["-m", "pip"]
    bundled = importlib.util.find_spec("ensurepip")
    folder = Path(bundled.origin).parent / "_bundled" if bundled and bundled.origin else Path()
    wheels = sorted(folder.glob("pip-*.whl"))
    return [str(wheels[-1] / "pip")] if wheels else ["-m", "pip"]


def _libraries(prefix: Path) -> list[str]:
    """Return the folders that hold modules; where they are under a prefix differs by system."""
    return [
        str(folder)
        for pattern in (
            "lib*/python*/*-packages",
            "local/lib*/python*/*-packages",
            "Lib/*-packages",
        )
        for folder in sorted(prefix.glob(pattern))
    ]


def _extend_path(prefix: Path) -> None:
    for folder in _libraries(prefix):
        if folder not in sys.path:
            sys.path.insert(0, folder)
    importlib.invalidate_caches()
