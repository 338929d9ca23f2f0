"""Each wheel stands alone: it installs beside only what it names, and imports there."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IMPORT_NAMES = {
    "dynamic-sessions": "dynamic_sessions",
    "dynamic-sessions-local": "dynamic_sessions_local",
    "autogen-ext-dynamic-sessions": "autogen_ext_dynamic_sessions",
    "maf-dynamic-sessions": "maf_dynamic_sessions",
}


def _run(*command: str | Path) -> str:
    done = subprocess.run(  # noqa: S603 - our own build tool and interpreter
        command, cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def uv() -> str:
    found = os.environ.get("UV") or shutil.which("uv") or shutil.which(ROOT / ".uv" / "bin" / "uv")
    assert found, "uv is neither on PATH nor in .uv/; run ./scripts/test, which gets it"
    return found


@pytest.fixture(scope="session")
def wheels(uv: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    _run(uv, "build", "--quiet", "--all-packages", "--wheel", "--out-dir", folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("resolution", ["highest", "lowest-direct"])
@pytest.mark.parametrize("distribution", IMPORT_NAMES)
def test_a_wheel_installs_alone_and_imports(
    uv: str, wheels: Path, tmp_path: Path, distribution: str, resolution: str
) -> None:
    environment = tmp_path / "environment"
    python = environment / "bin" / "python"
    _run(uv, "venv", "--quiet", "--python", sys.executable, environment)
    _run(
        *(uv, "pip", "install", "--quiet", "--python", python, "--find-links", wheels),
        *("--resolution", resolution, distribution),
    )
    name = IMPORT_NAMES[distribution]
    assert _run(python, "-W", "error", "-c", f"import {name}; print({name}.__all__)")


@pytest.mark.parametrize("distribution", IMPORT_NAMES)
def test_a_wheel_carries_its_licence_and_its_types(wheels: Path, distribution: str) -> None:
    (wheel,) = wheels.glob(f"{distribution.replace('-', '_')}-[0-9]*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert f"{IMPORT_NAMES[distribution]}/py.typed" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
