"""Environments of published clients, kept from run to run under the checkout."""

import fcntl
import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from uv_command import find_uv

ROOT = Path(__file__).parents[2]
CLIENTS = Path(__file__).parent / "clients"
KEPT = ROOT / ".interoperation"

MAKING_SECONDS = 300


class NotMadeError(Exception):
    """The environment of a client cannot be had."""


def python_for(client: str) -> Path:
    """The interpreter of an environment that has exactly what the client's requirements name.

    Raises:
        NotMadeError: uv said no; its own words are the message.
    """
    requirements = CLIENTS / client / "requirements.txt"
    digest = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:16]
    environment = KEPT / client / digest
    environment.parent.mkdir(parents=True, exist_ok=True)
    with (KEPT / f"{client}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not environment.exists():
            for outdated in environment.parent.iterdir():
                shutil.rmtree(outdated)
            _make(environment, requirements)
    return environment / "bin" / "python"


def _make(environment: Path, requirements: Path) -> None:
    """Make it beside its place first, so that what was broken off is never taken for whole."""
    uv = find_uv()
    with tempfile.TemporaryDirectory(dir=environment.parent) as folder:
        begun = Path(folder, "environment")
        _run(uv, "venv", "--quiet", "--relocatable", "--python", sys.executable, begun)
        _run(uv, "pip", "sync", "--quiet", "--python", begun / "bin" / "python", requirements)
        begun.rename(environment)


def _run(*command: str | Path) -> None:
    done = subprocess.run(  # noqa: S603 - our own build tool
        command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=MAKING_SECONDS
    )
    if done.returncode:
        raise NotMadeError(f"uv ended with {done.returncode}: {done.stderr}")
