"""Runs an example as a reader would: in a folder of its own, with no key and no endpoint."""

import os
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"
UNSET = {"OPENAI_API_KEY", "DYNAMIC_SESSIONS_ENDPOINT"}


def output_of(name: str, folder: Path) -> str:
    """What an example prints in a folder.

    Raises:
        AssertionError: It failed.
    """
    done = subprocess.run(  # noqa: S603 - our own interpreter and example
        [sys.executable, EXAMPLES / f"{name}.py"],
        cwd=folder,
        env={key: value for key, value in os.environ.items() if key not in UNSET},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def has_drawn(name: str, folder: Path, printed: str) -> bool:
    """Whether it ends by saying where its chart is, and a picture is there."""
    chart = folder / "out" / name / "chart.png"
    is_told = printed.rstrip().endswith(f"The chart is {chart}")
    return is_told and chart.read_bytes().startswith(b"\x89PNG")
