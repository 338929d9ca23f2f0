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
    done = subprocess.run(  # noqa: S603 - our own interpreter and example
        [sys.executable, EXAMPLES / f"{name}.py", *arguments],
        cwd=folder,
        env=environment(added),
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
