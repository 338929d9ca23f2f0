import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dynamic_sessions import (
    Execution,
    ExecutionError,
    ExecutionStatus,
    FunctionModule,
    SessionPool,
)

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


@pytest.fixture(scope="session")
def local_pool() -> Iterator[SessionPool]:
    with SessionPool("local") as pool:
        yield pool


@pytest.fixture
def in_session(local_pool: SessionPool) -> Callable[[FunctionModule, str], str]:
    """Runs code in a real session that has a module, and returns what the code printed."""

    def run(module: FunctionModule, code: str) -> str:
        session = local_pool.session(functions=module)
        execution = session.execute(code)
        session.delete()
        assert execution.ok, execution.stderr
        return execution.stdout.rstrip("\n")

    return run
