"""What is imported, and used once, before a session begins.

The first use of a thing costs as much again as its import: the first error loads the traceback's formatter,
the first figure the fonts. What is used here is warm in every session.
"""

import gc
import importlib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .shell import SessionShell

TYPICAL = ("1 + 1", "print('', end='')", "raise Exception")
EXERCISES = {
    "numpy": "__import__('numpy').linalg.inv(__import__('numpy').eye(2))",
    "pandas": "__import__('pandas').DataFrame({'a': [1.5, 2.5], 'b': ['x', 'y']}).describe()",
    "matplotlib.pyplot": "__import__('matplotlib.pyplot').pyplot.plot([1, 2], label='a')",
}


def warm_up(shell: "SessionShell") -> None:
    """Do what nearly every session will do."""
    for code in TYPICAL:
        shell.rehearse(code)


def preload(
    shell: "SessionShell", names: Iterable[str], *, threads_allowed: bool = True
) -> dict[str, str]:
    """Import modules and use those that are known here.

    Args:
        shell: Where they are used; its namespace stays as it is.
        names: The modules.
        threads_allowed: False where this process is to be forked: a module that starts threads
            then counts as failed, and this process is of no more use.

    Returns:
        The modules that failed, and why.
    """
    failures: dict[str, str] = {}
    for name in names:
        try:
            importlib.import_module(name)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a module may do anything
            failures[name] = f"{type(error).__name__}: {error}"
            continue
        if name in EXERCISES:
            shell.rehearse(EXERCISES[name])
        if not threads_allowed and threads() > 1:
            failures[name] = "it starts threads, which a fork would not have"
            break
    return failures


def threads() -> int:
    """Return how many threads this process has, Python's or not."""
    return sum(1 for _ in Path("/proc/self/task").iterdir())


def freeze() -> None:
    """Put all objects out of the garbage collector's sight, so that forks go on sharing their pages."""
    gc.collect()
    gc.freeze()


def part_ways() -> None:
    """After a fork: have other random numbers and names than one's siblings."""
    random: Any = sys.modules.get("numpy.random")
    if random is not None:
        random.seed()
    tempfile: Any = sys.modules.get("tempfile")
    if tempfile is not None:
        # It tells forks from their parent by process number, which is the same in every namespace.
        tempfile._name_sequence = None  # noqa: SLF001
