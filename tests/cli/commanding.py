"""The real program: as a process with pipes, or on a terminal."""

import os
import subprocess
import sys
import uuid
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pexpect
from coverage import Coverage

ROOT = Path(__file__).parents[2]
COMMAND = str(Path(sys.executable).with_name("dynamic-sessions"))
TOKEN = "a-token-that-nobody-may-see"
PATIENCE = 60


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What a process came to."""

    status: int
    out: str
    err: str


@dataclass(frozen=True, kw_only=True)
class Command:
    """`dynamic-sessions` in a folder of its own, with an environment of its own."""

    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict[str, str])

    def __call__(self, *arguments: str, stdin: str = "", **variables: str) -> Ended:
        """Run it to its end."""
        done = subprocess.run(  # noqa: S603 - our own command
            [COMMAND, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env=self._environment(variables),
            timeout=PATIENCE,
        )
        assert TOKEN not in done.stdout + done.stderr
        assert "Traceback (most recent call last):\n  File" not in done.stderr
        return Ended(status=done.returncode, out=done.stdout, err=done.stderr)

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start it, with pipes."""
        return subprocess.Popen(  # noqa: S603 - our own command
            [COMMAND, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=self._environment({}),
        )

    @contextmanager
    def on_terminal(self, *arguments: str, **variables: str) -> Generator["pexpect.spawn[str]"]:
        """Start it on a terminal, and end it with the context."""
        terminal: pexpect.spawn[str] = pexpect.spawn(
            COMMAND,
            list(arguments),
            cwd=str(self.folder),
            # The terminal answers no questions about its cursor.
            env=self._environment({"TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"} | variables),
            encoding="utf-8",
            timeout=PATIENCE,
            dimensions=(50, 200),
        )
        try:
            yield terminal
        finally:
            terminal.close(force=True)

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        own = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("DYNAMIC_SESSIONS_")
            and name not in {"NO_COLOR", "FORCE_COLOR", "TMUX", "TERM_PROGRAM", "LC_TERMINAL"}
        }
        places = {
            "XDG_CONFIG_HOME": str(self.folder / "configuration"),
            "XDG_STATE_HOME": str(self.folder / "state"),
        }
        return {**own, **places, **_measured(), **self.variables, **more}


def _measured() -> dict[str, str]:
    """Return what makes coverage follow into the process, where this one is measured."""
    if Coverage.current() is None:
        return {}
    return {
        "COVERAGE_PROCESS_START": str(ROOT / "pyproject.toml"),
        # Of its own; they are combined at the end.
        "COVERAGE_FILE": str(ROOT / f".coverage.{uuid.uuid4()}"),
    }
