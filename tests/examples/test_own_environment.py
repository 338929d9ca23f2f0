import subprocess
import sys
from pathlib import Path

import pytest

from uv_command import find_uv

from .running import output_of


# Its packages may have to be fetched.
@pytest.mark.timeout(300)
def test_sql_runs_in_an_environment_that_this_one_does_not_have(tmp_path: Path) -> None:
    python = tmp_path / "analysis" / "bin" / "python"
    for command in (
        ("venv", "--quiet", "--python", sys.executable, tmp_path / "analysis"),
        ("pip", "install", "--quiet", "--python", python, "ipython", "duckdb"),
    ):
        subprocess.run([find_uv(), *command], check=True)  # noqa: S603 - our own build tool
    printed = output_of("own_environment", tmp_path, str(python))
    prefix, *table, packages = printed.strip().splitlines()
    assert prefix == str(tmp_path / "analysis")
    assert [line.split()[1::2][:3] for line in table if "Japan" in line] == [
        ["Japan", "79", "79.8"]
    ]
    assert "duckdb" in packages.split(", ")
    assert "pandas" not in packages.split(", ")
