import os
import subprocess
import sys
from pathlib import Path

import pytest

from distributions import ROOT
from uv_command import find_uv

REPOSITORY = "https://repository.test/sessions"


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of wheels and source distributions, built and checked as for a release."""
    folder = tmp_path_factory.mktemp("released")
    command = [sys.executable, ROOT / "scripts" / "build_packages.py", REPOSITORY, "--out", folder]
    done = subprocess.run(  # noqa: S603 - our own interpreter and script
        command,
        env={**os.environ, "UV": find_uv()},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder
