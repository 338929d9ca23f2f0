"""Each wheel stands alone: it installs beside only what it names. And all of them stand together."""

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IMPORT_NAMES = {
    "dynamic-sessions": "dynamic_sessions",
    "dynamic-sessions-local": "dynamic_sessions_local",
    "autogen-ext-dynamic-sessions": "autogen_ext_dynamic_sessions",
    "dynamic-sessions-mcp": "dynamic_sessions_mcp",
    "langchain-dynamic-sessions": "langchain_dynamic_sessions",
    "llama-index-tools-dynamic-sessions": "llama_index.tools.dynamic_sessions",
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


def test_no_package_is_left_out() -> None:
    projects = [tomllib.loads(path.read_text()) for path in ROOT.glob("packages/*/pyproject.toml")]

    assert {item["project"]["name"] for item in projects} == set(IMPORT_NAMES)


def test_every_command_is_brought_by_one_package() -> None:
    projects = [tomllib.loads(path.read_text()) for path in ROOT.glob("packages/*/pyproject.toml")]
    commands = [name for item in projects for name in item["project"].get("scripts", {})]

    assert sorted(commands) == ["dynamic-sessions", "dynamic-sessions-mcp"]


def _environment(
    uv: str, wheels: Path, folder: Path, distributions: list[str], resolution: str
) -> Path:
    """Install distributions into an environment of their own, and return its interpreter."""
    environment = folder / "environment"
    python = environment / "bin" / "python"
    _run(uv, "venv", "--quiet", "--python", sys.executable, environment)
    _run(
        *(uv, "pip", "install", "--quiet", "--python", python, "--find-links", wheels),
        *("--resolution", resolution, *distributions),
    )
    return python


@pytest.mark.slow
@pytest.mark.parametrize("resolution", ["highest", "lowest-direct"])
@pytest.mark.parametrize("distribution", IMPORT_NAMES)
def test_a_wheel_installs_alone_and_imports(
    uv: str, wheels: Path, tmp_path: Path, distribution: str, resolution: str
) -> None:
    python = _environment(uv, wheels, tmp_path, [distribution], resolution)
    name = IMPORT_NAMES[distribution]
    assert _run(python, "-W", "error", "-c", f"import {name}; print({name}.__all__)")


@pytest.mark.slow
@pytest.mark.parametrize("resolution", ["highest", "lowest-direct"])
def test_all_wheels_install_into_one_environment_and_import_in_one_process(
    uv: str, wheels: Path, tmp_path: Path, resolution: str
) -> None:
    python = _environment(uv, wheels, tmp_path, list(IMPORT_NAMES), resolution)
    _run(uv, "pip", "check", "--quiet", "--python", python)
    for first in IMPORT_NAMES.values():
        others = [name for name in IMPORT_NAMES.values() if name != first]
        statements = [f"import {name}; assert {name}.__all__" for name in (first, *others)]
        _run(python, "-W", "error", "-c", "\n".join(statements))


@pytest.mark.slow
@pytest.mark.parametrize("resolution", ["highest", "lowest-direct"])
@pytest.mark.parametrize(
    ("distribution", "module"),
    [
        ("dynamic-sessions[cli]", "dynamic_sessions_cli.program"),
        ("langchain-dynamic-sessions[agents]", "langchain_dynamic_sessions.middleware"),
        ("langchain-dynamic-sessions[deepagents]", "langchain_dynamic_sessions.sandbox"),
    ],
)
def test_an_extra_brings_what_its_module_needs(
    uv: str, wheels: Path, tmp_path: Path, distribution: str, module: str, resolution: str
) -> None:
    python = _environment(uv, wheels, tmp_path, [distribution], resolution)
    assert _run(python, "-c", f"import {module}; print({module}.__name__)")


@pytest.mark.slow
@pytest.mark.parametrize("resolution", ["highest", "lowest-direct"])
def test_the_local_pool_brings_the_whole_command(
    uv: str, wheels: Path, tmp_path: Path, resolution: str
) -> None:
    python = _environment(uv, wheels, tmp_path, ["dynamic-sessions-local"], resolution)
    command = python.with_name("dynamic-sessions")
    assert _run(command, "run", "-e", "local", "-c", "6 * 7") == "42\n"
    assert "--max-sessions" in _run(command, "serve", "--help")


@pytest.mark.slow
def test_the_client_alone_says_what_its_command_needs(
    uv: str, wheels: Path, tmp_path: Path
) -> None:
    python = _environment(uv, wheels, tmp_path, ["dynamic-sessions"], "highest")
    done = subprocess.run(  # noqa: S603 - our own command
        [python.with_name("dynamic-sessions"), "run"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "pip install 'dynamic-sessions[cli]'" in done.stderr


FIND_A_SANDBOX = """
from deepagents_code.integrations.sandbox_registry import SandboxRegistry

registry = SandboxRegistry.load()
assert "dynamic-sessions" in registry.available_providers()
metadata = registry.provider_metadata("dynamic-sessions")
assert (metadata.working_dir, metadata.supports_sandbox_id) == ("/mnt/data", True)
provider = registry.create_provider("dynamic-sessions")
sandbox = provider.get_or_create(endpoint="local")
print(sandbox.execute("echo found; pwd").output)
provider.delete(sandbox_id=sandbox.id, endpoint="local")
sandbox.close()
"""


@pytest.mark.slow
def test_deep_agents_code_finds_the_sandboxes(uv: str, wheels: Path, tmp_path: Path) -> None:
    wanted = ["langchain-dynamic-sessions[deepagents,local]", "deepagents-code"]
    python = _environment(uv, wheels, tmp_path, wanted, "highest")
    assert _run(python, "-c", FIND_A_SANDBOX) == "found\n/mnt/data\n\n"


@pytest.mark.parametrize("distribution", IMPORT_NAMES)
def test_a_wheel_carries_its_licence_and_its_types(wheels: Path, distribution: str) -> None:
    (wheel,) = wheels.glob(f"{distribution.replace('-', '_')}-[0-9]*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    package = IMPORT_NAMES[distribution].replace(".", "/")
    assert f"{package}/py.typed" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


@pytest.mark.parametrize(
    "distribution", [item for item, import_name in IMPORT_NAMES.items() if "." in import_name]
)
def test_a_wheel_below_a_namespace_leaves_the_namespace_to_all(
    wheels: Path, distribution: str
) -> None:
    (wheel,) = wheels.glob(f"{distribution.replace('-', '_')}-[0-9]*.whl")
    package = Path(IMPORT_NAMES[distribution].replace(".", "/"))
    modules = [Path(name) for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".py")]
    assert modules
    assert [module for module in modules if not module.is_relative_to(package)] == []
