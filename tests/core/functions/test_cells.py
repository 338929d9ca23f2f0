"""Functions that were defined in a notebook or at a prompt, where every cell is a text of its own."""

import linecache
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dynamic_sessions import Execution, FunctionModule, FunctionSourceError

InSession = Callable[[FunctionModule, str], str]
RunCells = Callable[..., dict[str, Any]]

NAMES: list[Callable[[int], str]] = [
    lambda number: f"<ipython-input-{number}-0123456789ab>",
    lambda number: f"/tmp/ipykernel_99/{number}.py",  # noqa: S108 - ipykernel's name, no file
    lambda number: f"<python-input-{number}>",
]


@pytest.fixture(params=NAMES, ids=["ipython", "ipykernel", "python"])
def notebook(request: pytest.FixtureRequest) -> Iterator[RunCells]:
    """Runs cells in one namespace and keeps their texts, as notebooks and prompts do."""
    filenames: list[str] = []

    def run(*cells: str) -> dict[str, Any]:
        namespace: dict[str, Any] = {"__name__": "__main__"}
        for number, cell in enumerate(cells, 1):
            filename = request.param(number)
            lines = cell.splitlines(keepends=True)
            linecache.cache[filename] = (len(cell), None, lines, filename)
            filenames.append(filename)
            exec(compile(cell, filename, "exec"), namespace)  # noqa: S102 - as a notebook does
        return namespace

    yield run
    for filename in filenames:
        linecache.cache.pop(filename, None)


def test_a_function_is_read_from_its_cell(notebook: RunCells, in_session: InSession) -> None:
    cells = notebook("import math\nOFFSET = 1\ndef f(x):\n    return math.floor(x) + OFFSET\n")

    assert in_session(FunctionModule.from_functions([cells["f"]]), "print(f(2.5))") == "3"


def test_what_it_uses_of_other_cells_travels_too(notebook: RunCells, in_session: InSession) -> None:
    cells = notebook(
        "import math\nfrom math import sqrt as root\nfrom string import *\n",
        "OFFSET = 1\n",
        "OFFSET = 10\n",
        "def helper(x):\n    return math.floor(x) + OFFSET\n",
        "class Box:\n    size = OFFSET\n",
        "def f(x):\n    return helper(root(x)), Box.size, capwords('a b')\n",
    )

    module = FunctionModule.from_functions([cells["f"]])

    assert in_session(module, "print(f(16.5))") == repr(cells["f"](16.5))


def test_of_a_cell_that_was_run_again_the_latest_text_counts(
    notebook: RunCells, in_session: InSession
) -> None:
    cells = notebook(
        "def helper(): return 'old'", "def helper(): return 'new'", "def f(): return helper()"
    )

    assert in_session(FunctionModule.from_functions([cells["f"]]), "print(f())") == "new"


def test_a_later_cell_wins_over_the_functions_own(
    notebook: RunCells, in_session: InSession
) -> None:
    cells = notebook(
        "RATE = 1\ndef f(): return RATE, helper()\n", "def helper(): return 2\nRATE = 3"
    )

    assert in_session(FunctionModule.from_functions([cells["f"]]), "print(f())") == "(3, 2)"


def test_a_cell_that_is_no_python_stops_nothing(notebook: RunCells, in_session: InSession) -> None:
    cells = notebook("RATE = 1\ndef f(): return RATE\n")
    name = "<ipython-input-99-0123456789ab>"
    linecache.cache[name] = (6, None, ["def f(:\n"], name)

    module = FunctionModule.from_functions([cells["f"]])
    linecache.cache.pop(name)

    assert in_session(module, "print(f())") == "1"


def test_a_live_object_of_another_cell_is_refused(notebook: RunCells) -> None:
    cells = notebook("import sys\nstream = sys.stdout\n", "def f(): return stream\n")

    with pytest.raises(FunctionSourceError, match="'stream'"):
        FunctionModule.from_functions([cells["f"]])


_IN_IPYTHON = """
from IPython.core.interactiveshell import InteractiveShell
from dynamic_sessions import FunctionModule
shell = InteractiveShell.instance()
shell.run_cell("from dataclasses import dataclass\\nRATE = 2", store_history=True)
shell.run_cell("%time pass\\n@dataclass\\nclass Pair:\\n    left: int\\n    right: int = RATE")
shell.run_cell("def f(pair): return pair.left * RATE, Pair(1)")
module = FunctionModule.from_functions([shell.user_ns["f"], shell.user_ns["Pair"]])
print("set up:", module.set_up_code(working_directory="/nowhere"))
"""


def test_it_works_in_ipython_itself(run_cells: Callable[..., Execution], tmp_path: Path) -> None:
    done = subprocess.run(  # noqa: S603 - this interpreter and the script above
        [sys.executable, "-c", _IN_IPYTHON],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "IPYTHONDIR": str(tmp_path)},
    )
    set_up_code = done.stdout.partition("set up: ")[2]

    assert run_cells(set_up_code, "print(f(Pair(4)))").stdout.splitlines()[-1] == (
        "(8, Pair(left=1, right=2))"
    )
