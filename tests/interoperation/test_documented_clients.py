"""What docs/clients.md and docs/migrate show and say of published clients holds."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from .conftest import Variables
from .environments import CLIENTS, ROOT, python_for

PAGE = (ROOT / "docs" / "clients.md").read_text()
SECTION = re.compile(r"^## (\S+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| \[(\S+)\]\(#\1\) \| ([\d.]+)(?:, with (\S+) ([\d.]+))? \|", re.MULTILINE)

BEFORE = re.compile(
    r"^```python\n(# Needs a session pool in Azure, and (\S+)\.\n.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
ENDPOINT_IN_AZURE = "https://westus2.dynamicsessions.io/subscriptions/…/sessionPools/…"
STAND_IN = (ROOT / "tests" / "docs" / "azure_stand_in.py").read_text()

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def client_of(distribution: str) -> str:
    (client,) = (
        requirements.parent.name
        for requirements in CLIENTS.glob("*/requirements.in")
        if re.search(rf"^{distribution}\b[^-]", requirements.read_text(), re.MULTILINE)
    )
    return client


EXAMPLES = [
    pytest.param(client_of(distribution), block, id=f"{distribution}-{number}")
    for distribution, section in SECTION.findall(PAGE)
    for number, block in enumerate(BLOCK.findall(section), 1)
]


MIGRATED_FROM = [
    pytest.param(client_of(distribution), block, id=distribution)
    for page in sorted((ROOT / "docs" / "migrate").glob("*.md"))
    for block, distribution in BEFORE.findall(page.read_text())
]


def run(client: str, example: str, folder: Path, variables: Mapping[str, str]) -> str:
    script = folder / "example.py"
    script.write_text(example)
    done = subprocess.run(  # noqa: S603 - a client's own interpreter and our documentation
        [python_for(client), script],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **variables},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("client", "example"), EXAMPLES)
def test_an_example_runs_as_it_stands(
    client: str, example: str, variables: Variables, tmp_path: Path
) -> None:
    assert "42" in run(client, example, tmp_path, variables(client))


@pytest.mark.parametrize(("client", "example"), MIGRATED_FROM)
def test_what_a_program_was_before_runs_with_another_endpoint(
    client: str, example: str, variables: Variables, tmp_path: Path
) -> None:
    found = variables(client)
    example = example.replace(ENDPOINT_IN_AZURE, found["DYNAMIC_SESSIONS_ENDPOINT"])
    token = {"STAND_IN_TOKEN": found["DYNAMIC_SESSIONS_TOKEN"]}
    assert "42" in run(client, STAND_IN + example, tmp_path, found | token)


def test_every_client_is_shown() -> None:
    shown = {client_of(distribution) for distribution, *_ in ROW.findall(PAGE)}
    assert shown == {folder.parent.name for folder in CLIENTS.glob("*/requirements.in")}
    assert shown == {example.values[0] for example in EXAMPLES}


def test_the_versions_are_those_that_are_run() -> None:
    for distribution, version, beside, beside_version in ROW.findall(PAGE):
        requirements = CLIENTS / client_of(distribution) / "requirements.txt"
        pins = dict(re.findall(r"^([\w.-]+)==(\S+)", requirements.read_text(), re.MULTILINE))
        assert pins[distribution] == version
        assert not beside or pins[beside] == beside_version
