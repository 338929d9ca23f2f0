"""Each wheel stands alone: it installs beside only what it names. And all of them stand together."""

import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from distributions import IMPORT_NAMES, PROJECTS, ROOT
from uv_command import find_uv


def _run(*command: str | Path) -> str:
    done = subprocess.run(  # noqa: S603 - our own build tool and interpreter
        command, cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _named_requirements(distribution: str) -> list[str]:
    """Return what a distribution of this project and its extras require of others.

    uv takes the lowest versions only of what it is asked for by name.
    """
    wanted = Requirement(distribution)
    project = PROJECTS.get(wanted.name, {})
    extras = project.get("optional-dependencies", {})
    named = [
        *project.get("dependencies", []),
        *(item for name in wanted.extras for item in extras[name]),
    ]
    return [item for item in named if Requirement(item).name not in PROJECTS]


def test_every_command_is_brought_by_one_package() -> None:
    commands = [name for project in PROJECTS.values() for name in project.get("scripts", {})]

    assert sorted(commands) == ["dynamic-sessions", "dynamic-sessions-mcp"]


def _environment(released: Path, folder: Path, distributions: list[str], resolution: str) -> Path:
    """Install distributions into an environment of their own, and return its interpreter."""
    uv = find_uv()
    named = [item for name in distributions for item in _named_requirements(name)]
    environment = folder / "environment"
    python = environment / "bin" / "python"
    _run(uv, "venv", "--quiet", "--python", sys.executable, environment)
    _run(
        *(uv, "pip", "install", "--quiet", "--python", python, "--find-links", released),
        *("--resolution", resolution, *distributions, *named),
    )
    return python


@pytest.mark.slow
@pytest.mark.parametrize("resolution", ["highest", "lowest-direct"])
@pytest.mark.parametrize("distribution", IMPORT_NAMES)
def test_a_wheel_installs_alone_and_imports(
    released: Path, tmp_path: Path, distribution: str, resolution: str
) -> None:
    python = _environment(released, tmp_path, [distribution], resolution)
    name = IMPORT_NAMES[distribution]
    assert _run(python, "-W", "error", "-c", f"import {name}; print({name}.__all__)")


@pytest.mark.slow
@pytest.mark.parametrize("resolution", ["highest", "lowest-direct"])
def test_all_wheels_install_into_one_environment_and_import_in_one_process(
    released: Path, tmp_path: Path, resolution: str
) -> None:
    python = _environment(released, tmp_path, list(IMPORT_NAMES), resolution)
    _run(find_uv(), "pip", "check", "--quiet", "--python", python)
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
    released: Path, tmp_path: Path, distribution: str, module: str, resolution: str
) -> None:
    python = _environment(released, tmp_path, [distribution], resolution)
    assert _run(python, "-c", f"import {module}; print({module}.__name__)")


@pytest.mark.slow
@pytest.mark.parametrize("resolution", ["highest", "lowest-direct"])
def test_the_local_pool_brings_the_whole_command(
    released: Path, tmp_path: Path, resolution: str
) -> None:
    python = _environment(released, tmp_path, ["dynamic-sessions-local"], resolution)
    command = python.with_name("dynamic-sessions")
    assert _run(command, "run", "-e", "local", "-c", "6 * 7") == "42\n"
    assert "--max-sessions" in _run(command, "serve", "--help")


@pytest.mark.slow
def test_the_client_alone_says_what_its_command_needs(released: Path, tmp_path: Path) -> None:
    python = _environment(released, tmp_path, ["dynamic-sessions"], "highest")
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
def test_deep_agents_code_finds_the_sandboxes(released: Path, tmp_path: Path) -> None:
    wanted = ["langchain-dynamic-sessions[deepagents,local]", "deepagents-code"]
    python = _environment(released, tmp_path, wanted, "highest")
    assert _run(python, "-c", FIND_A_SANDBOX) == "found\n/mnt/data\n\n"
