"""Attacks from inside a session, with the server run by root and by an ordinary user."""

import asyncio
import importlib.util
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from dynamic_sessions_local.sandbox.interpreter import inspect_interpreter
from dynamic_sessions_local.sandbox.profile import find_bubblewrap, worker_folder

from .attacks import ATTACKS

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[2]
# Nobody's: the attacks are the same from any user that the machine does not know.
ORDINARY = 12345
CANARY = "a-variable-of-the-host"
# What some users are given, for sound or for data bases: sessions should have nothing of it.
GENEROUS = """
import os, resource, sys
for name in ("RTPRIO", "NICE", "MEMLOCK", "CORE", "NPROC", "MSGQUEUE"):
    kind = {"RTPRIO": 14, "NICE": 13}.get(name) or getattr(resource, f"RLIMIT_{name}")
    try:
        most = 40 if name in ("RTPRIO", "NICE") else resource.RLIM_INFINITY
        resource.setrlimit(kind, (most, most))
    except ValueError:
        pass  # a root without the right to
os.execvp(sys.argv[1], sys.argv[1:])
"""
PRIVATE_FOLDERS = ["/tmp", "/dev/shm"]  # noqa: S108 - so that attacks see no shared one

Outcome = dict[str, Any]


@pytest.fixture(scope="module", params=["fork", "spawn"])
def launcher(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module", params=["root", "ordinary user"])
def outcome(request: pytest.FixtureRequest, launcher: str) -> Iterator[Outcome]:
    """What came of every attack, by its name."""
    by_root = os.geteuid() == 0
    if request.param == "root" and not by_root:
        pytest.skip("run the suite as root to attack the form of the sandbox that root gets")
    with tempfile.TemporaryDirectory() as folder:
        as_user: list[str] = []
        if request.param == "ordinary user" and by_root:
            as_user = as_ordinary_user(Path(folder))
        yield attack([sys.executable, "-c", GENEROUS, *as_user], launcher)


def attack(as_somebody: list[str], launcher: str, *names: str) -> Outcome:
    finished = subprocess.run(  # noqa: S603 - the words are ours
        # Without a session of its own, it could have no terminal of its own either.
        [*as_somebody, "setsid", "--wait", sys.executable, "-m", "attacks", launcher, *names],
        env={"PATH": os.environ["PATH"], "CANARY": CANARY, "PYTHONPATH": str(HERE)},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.timeout(300)
def test_the_attack_is_blocked(outcome: Outcome, name: str) -> None:
    assert outcome[name].startswith("blocked"), outcome[name]


@pytest.mark.timeout(300)
def test_the_attacks_left_another_session_alone(outcome: Outcome) -> None:
    assert outcome["another session"] == {
        "files": True,
        "processes": True,
        "priority": True,
        "name": "session",
        "terminal": "",
    }
    assert outcome["a later session"] == "2"


@pytest.mark.timeout(300)
def test_what_was_attacked_is_what_was_asked_for(outcome: Outcome, launcher: str) -> None:
    assert outcome["launcher"] == launcher
    assert outcome["isolation"].startswith("bubblewrap")


@pytest.mark.timeout(300)
def test_a_session_can_write_to_its_own_three_folders_and_nowhere_else(outcome: Outcome) -> None:
    assert outcome["writable"] == ["/dev/shm", "/mnt/data", "/tmp"]  # noqa: S108


@pytest.mark.timeout(300)
def test_no_two_sessions_draw_the_same_random_numbers(outcome: Outcome) -> None:
    one, other = outcome["random numbers"]
    assert one.keys() == other.keys()
    assert [kind for kind in one if one[kind] == other[kind]] == []


@pytest.mark.timeout(300)
def test_attacks_work_where_there_is_no_sandbox(tmp_path: Path) -> None:
    # Otherwise a broken attack would pass for a blocked one.
    names = [name for name, attack in ATTACKS.items() if attack.works_outside]
    found = attack(in_a_private_machine(tmp_path), "plain", *names)
    verdicts = {name: found[name].split(":")[0] for name in names}
    assert verdicts == dict.fromkeys(names, "open"), found


def as_ordinary_user(scratch: Path) -> list[str]:
    """Return what to put before a command of root's to run it as a user without any rights.

    The interpreter may be below a folder of root's own. It is made visible, in a mount namespace of
    the command's, at the same place. A few of its files are the user's own there, as where he has
    installed it himself, so that what keeps a session from writing to them is the sandbox.

    Args:
        scratch: A folder for copies of these files.
    """
    interpreter = asyncio.run(inspect_interpreter(None))
    folders = [*interpreter.folders, str(CHECKOUT)]
    closed = {str(top) for folder in folders for top in first_closed(Path(folder))}
    command = [find_bubblewrap()[0], "--dev-bind", "/", "/"]
    command += hiding(closed.union(PRIVATE_FOLDERS), but=folders)
    for number, file in enumerate(own_files(interpreter.executable)):
        copy = scratch / str(number)
        shutil.copy(file, copy)
        os.chown(copy, ORDINARY, ORDINARY)
        command += ["--bind", str(copy), str(file)]
    user = ["--reuid", str(ORDINARY), "--regid", str(ORDINARY), "--clear-groups", "--"]
    return [*command, "--", "setpriv", *user]


def hiding(tops: Iterable[str], *, but: Sequence[str]) -> list[str]:
    """Return what makes folders empty, except for what is to be seen below them."""
    words: list[str] = []
    for top in sorted(tops):
        words += ["--perms", "1777", "--tmpfs", top]
        words += [word for folder in but for word in shown(Path(folder), Path(top))]
    return words


def shown(folder: Path, top: Path) -> Iterator[str]:
    """Yield what makes a folder visible again where something above it was hidden."""
    if folder.is_relative_to(top):
        for parent in reversed(folder.parents):
            if parent.is_relative_to(top) and parent != top:
                yield from ("--perms", "0755", "--dir", str(parent))
        yield from ("--ro-bind", str(folder), str(folder))


def own_files(executable: str) -> list[Path]:
    package = importlib.util.find_spec("IPython")
    assert package is not None
    assert package.origin is not None
    return [
        Path(package.origin),
        worker_folder() / "__init__.py",
        Path(executable).resolve(),
        Path(find_bubblewrap()[0]).resolve(),
    ]


def in_a_private_machine(scratch: Path) -> list[str]:
    """Return what to put before a command so that it can harm nothing but itself."""
    alone = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--proc", "/proc"]
    if os.geteuid() == 0:
        program, *rest = as_ordinary_user(scratch)
        place = rest.index("--")
        return [program, *rest[:place], *alone, *rest[place:]]
    folders = [*asyncio.run(inspect_interpreter(None)).folders, str(CHECKOUT)]
    hidden = hiding(PRIVATE_FOLDERS, but=folders)
    return [find_bubblewrap()[0], "--dev-bind", "/", "/", *hidden, *alone, "--"]


def first_closed(folder: Path) -> Iterator[Path]:
    """Yield the outermost folder on the way that others may not pass, if there is one."""
    for step in (*reversed(folder.parents), folder):
        if not step.stat().st_mode & stat.S_IXOTH:
            yield step
            return
