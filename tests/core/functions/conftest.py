import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dynamic_sessions import Execution, ExecutionError, ExecutionStatus, FunctionModule

_RUN_CELLS = """
import json, sys
for cell in json.load(sys.stdin):
    exec(compile(cell, "<cell>", "exec"), globals())
"""

RunCells = Callable[..., Execution]


@pytest.fixture
def run_cells(tmp_path: Path) -> RunCells:
    """Runs cells one after the other in an interpreter of their own, as a session would."""

    def run(*cells: str, flags: tuple[str, ...] = ()) -> Execution:
        done = subprocess.run(  # noqa: S603 - this interpreter, and the cells of a test
            [sys.executable, *flags, "-c", _RUN_CELLS],
            input=json.dumps(cells),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=tmp_path,
        )
        failed = done.returncode != 0
        return Execution(
            status=ExecutionStatus.FAILED if failed else ExecutionStatus.SUCCEEDED,
            stdout=done.stdout,
            stderr=done.stderr,
            error=ExecutionError(name="Failed", message=done.stderr, traceback=done.stderr)
            if failed
            else None,
        )

    return run


@pytest.fixture
def in_session(run_cells: RunCells) -> Callable[[FunctionModule, str], str]:
    """Sets a module up, runs one cell after it, and returns what that cell printed."""

    def run(module: FunctionModule, code: str) -> str:
        set_up = module.set_up_code(working_directory="/nowhere/at/all")
        execution = run_cells(set_up, f"print('begin'); {code}")
        module.check_set_up(execution)
        return execution.stdout.partition("begin\n")[2].rstrip("\n")

    return run
