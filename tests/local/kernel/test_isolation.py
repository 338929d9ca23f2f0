"""Attacks from inside a session, with the server run by root and by an ordinary user."""

import asyncio
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dynamic_sessions_local.sandbox.interpreter import inspect_interpreter
from dynamic_sessions_local.sandbox.profile import find_bubblewrap

from .attacks import ATTACKS, CANARY

PROGRAM = Path(__file__).with_name("attacks.py")
CHECKOUT = Path(__file__).parents[3]
# Nobody's: the attacks are the same from any user that the machine does not know.
ORDINARY = "12345"
# Those that can be tried without a sandbox and do no harm.
HARMLESS = [
    "read a file of the host",
    "read the checkout",
    "learn the host's users",
    "read the host's environment",
    "signal the server",
    "connect to the host's loopback",
    "connect to a unix socket",
    "connect to an abstract unix socket",
    "see another session's processes",
    "make memory files",
]


@pytest.fixture(scope="module", params=["root", "ordinary user"])
def outcome(request: pytest.FixtureRequest) -> dict[str, str]:
    """What came of every attack, by its name."""
    by_root = os.geteuid() == 0
    if request.param == "root" and not by_root:
        pytest.skip("run the suite as root to attack the form of the sandbox that root gets")
    as_user = as_ordinary_user() if request.param == "ordinary user" and by_root else []
    return attack([*as_user, sys.executable, str(PROGRAM), "sandbox"])


def attack(command: list[str]) -> dict[str, str]:
    finished = subprocess.run(  # noqa: S603 - the words are ours
        command,
        env={"PATH": os.environ["PATH"], "CANARY": CANARY},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.timeout(300)
def test_the_attack_is_blocked(outcome: dict[str, str], name: str) -> None:
    assert outcome[name].startswith("blocked"), outcome[name]


@pytest.mark.timeout(300)
def test_the_attacks_left_another_session_alone(outcome: dict[str, str]) -> None:
    assert outcome["another session"] == "2"
    assert outcome["isolation"].startswith("bubblewrap")


def test_the_harmless_attacks_work_where_there_is_no_sandbox() -> None:
    # Otherwise a broken attack would pass for a blocked one.
    outcome = attack([sys.executable, str(PROGRAM), "none", *HARMLESS])
    assert {name: outcome[name].split(":")[0] for name in HARMLESS} == dict.fromkeys(
        HARMLESS, "open"
    )


def as_ordinary_user() -> list[str]:
    """Return what to put before a command of root's to run it as a user without any rights.

    The interpreter may be below a folder of root's own. It is made visible, in a mount namespace of the
    command's, at the same place.
    """
    interpreter = asyncio.run(inspect_interpreter(None))
    folders = [*interpreter.folders, str(CHECKOUT)]
    closed = sorted({str(top) for folder in folders for top in first_closed(Path(folder))})
    command = [find_bubblewrap()[0], "--dev-bind", "/", "/"]
    for top in closed:
        command += ["--tmpfs", top]
        for folder in folders:
            if Path(folder).is_relative_to(top):
                for parent in sorted(Path(folder).parents):
                    if parent.is_relative_to(top) and parent != Path(top):
                        command += ["--perms", "0755", "--dir", str(parent)]
                command += ["--ro-bind", folder, folder]
    user = ["setpriv", "--reuid", ORDINARY, "--regid", ORDINARY, "--clear-groups", "--"]
    return [*command, "--", *user]


def first_closed(folder: Path) -> Iterator[Path]:
    """Yield the outermost folder on the way that others may not pass, if there is one."""
    for step in (*reversed(folder.parents), folder):
        if not step.stat().st_mode & stat.S_IXOTH:
            yield step
            return
