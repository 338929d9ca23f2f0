"""The behaviours of a published client: what they are called, and what came of them."""

import os
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree as Xml

from .environments import CLIENTS, NotMadeError, python_for

CLIENT_SECONDS = 240
# pytest's exit codes for success and for tests that failed.
RAN_TO_THE_END = {0, 1}
_DEFINITION = re.compile(r"^(?:async )?def (test_\w+)\(", re.MULTILINE)


def behaviours_of(client: str) -> list[str]:
    """The names of the client's behaviours, in the order of its file."""
    return _DEFINITION.findall(_file_of(client).read_text())


def come_of(client: str, folder: Path, **variables: str) -> Mapping[str, list[str]]:
    """Run a client's behaviours in its own environment.

    Args:
        client: Its folder's name.
        folder: An empty one, the home of the client while it runs.
        variables: The environment that the client finds, beside what every process needs.

    Returns:
        By behaviour, what each of its runs reported: "" for success, else the failure's text; the
        same text for all where they could not be run.
    """
    report = folder / "report.xml"
    try:
        failure = _run(client, folder, report, variables)
    except (NotMadeError, subprocess.TimeoutExpired) as error:
        failure = str(error)
    if failure:
        return {behaviour: [failure] for behaviour in behaviours_of(client)}
    outcomes: dict[str, list[str]] = defaultdict(list)
    for name, outcome in _outcomes(report):
        outcomes[name].append(outcome)
    return outcomes


def _run(client: str, folder: Path, report: Path, variables: Mapping[str, str]) -> str:
    """Return why there is no report, "" where there is one."""
    done = subprocess.run(  # noqa: S603 - a client's own interpreter
        [
            *(python_for(client), "-m", "pytest", "-c", CLIENTS / "pytest.ini", "-q"),
            *(f"--junitxml={report}", _file_of(client)),
        ],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **variables},
        check=False,
        capture_output=True,
        text=True,
        timeout=CLIENT_SECONDS,
    )
    return "" if done.returncode in RAN_TO_THE_END else done.stdout + done.stderr


def _file_of(client: str) -> Path:
    return CLIENTS / client / "behaviours.py"


def _outcomes(report: Path) -> Iterator[tuple[str, str]]:
    for case in Xml.parse(report).iter("testcase"):  # noqa: S314 - written by our own test run
        name = case.attrib["name"].partition("[")[0]
        # A skipped one is none that was shown.
        yield name, "\n".join(f"{problem.tag}: {problem.text}" for problem in case)
