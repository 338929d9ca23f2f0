"""Runs an example as a reader would: in a folder of its own, with no key and no endpoint."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"
UNSET = {"OPENAI_API_KEY", "DYNAMIC_SESSIONS_ENDPOINT", "DYNAMIC_SESSIONS_TOKEN"}


def environment(added: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without a key and an endpoint, and with what is added."""
    return {key: value for key, value in os.environ.items() if key not in UNSET} | dict(added or {})


def output_of(
    name: str, folder: Path, *arguments: str, added: Mapping[str, str] | None = None
) -> str:
    """What an example prints in a folder.

    Raises:
        AssertionError: It failed.
    """
    done = _run(name, folder, arguments, added)
    assert done.returncode == 0, done.stderr
    return done.stdout


def failure_of(
    name: str, folder: Path, *arguments: str, added: Mapping[str, str] | None = None
) -> str:
    """What an example says as it gives up.

    Raises:
        AssertionError: It did not, or not in words of its own.
    """
    done = _run(name, folder, arguments, added)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def has_drawn(name: str, folder: Path, printed: str) -> bool:
    """Whether it ends by saying where its chart is, and a picture is there."""
    chart = folder / "out" / name / "chart.png"
    is_told = printed.rstrip().endswith(f"The chart is {chart}")
    return is_told and chart.read_bytes().startswith(b"\x89PNG")


def _run(
    name: str, folder: Path, arguments: tuple[str, ...], added: Mapping[str, str] | None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own interpreter and example
        [sys.executable, EXAMPLES / f"{name}.py", *arguments],
        cwd=folder,
        env=environment(added),
        check=False,
        capture_output=True,
        text=True,
    )
