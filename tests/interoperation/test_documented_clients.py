"""What docs/clients.md shows and says of published clients holds."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from .conftest import Variables
from .environments import CLIENTS, ROOT, python_for

PAGE = (ROOT / "docs" / "clients.md").read_text()
SECTION = re.compile(r"^## (\S+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| \[(\S+)\]\(#\1\) \| ([\d.]+)(?:, with (\S+) ([\d.]+))? \|", re.MULTILINE)

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


@pytest.mark.parametrize(("client", "example"), EXAMPLES)
def test_an_example_runs_as_it_stands(
    client: str, example: str, variables: Variables, tmp_path: Path
) -> None:
    script = tmp_path / "example.py"
    script.write_text(example)
    done = subprocess.run(  # noqa: S603 - a client's own interpreter and our documentation
        [python_for(client), script],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **variables(client)},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "42" in done.stdout


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
