"""Published clients, unmodified and with nothing of ours beside them, do all they can here.

What a client does is in its folder under `clients`, and runs in an environment of its own.
"""

import subprocess
import tomllib

import pytest

from .behaviours import behaviours_of
from .conftest import Outcomes
from .environments import CLIENTS, ROOT, python_for

NAMES = sorted(folder.name for folder in CLIENTS.iterdir() if (folder / "behaviours.py").exists())
BEHAVIOURS = [(client, behaviour) for client in NAMES for behaviour in behaviours_of(client)]
OURS = {
    tomllib.loads(project.read_text())["project"]["name"]
    for project in (ROOT / "packages").glob("*/pyproject.toml")
}

# The first one of a client waits for the environment and for all of the client's behaviours.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.mark.parametrize(("client", "behaviour"), BEHAVIOURS)
def test_a_published_client_behaves_as_ever(
    client: str, behaviour: str, outcomes: Outcomes
) -> None:
    runs = outcomes(client).get(behaviour, [])
    assert runs, "it did not run"
    assert not any(runs), "\n".join(runs)


@pytest.mark.parametrize("client", NAMES)
def test_a_client_has_nothing_of_ours(client: str) -> None:
    code = "import importlib.metadata as m; print(*(d.name for d in m.distributions()))"
    done = subprocess.run(  # noqa: S603 - a client's own interpreter
        [python_for(client), "-I", "-c", code],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    installed = {name.replace("_", "-").lower() for name in done.stdout.split()}
    assert "pytest" in installed
    assert installed.isdisjoint(OURS)
    assert "dynamic-sessions-local" in OURS
