"""Output beyond what an answer holds: kept in files of the session, and fetched from there.

What Python code writes to sys.stdout and sys.stderr is kept; what its child processes write goes
past these and stays cut.
"""

from dataclasses import replace

from dynamic_sessions.models import Execution, ExecutionStatus

_END_PROGRAM = """
import os, sys
kept = sys.modules.pop("_dynamic_sessions_output")
for name, tee in kept.tees.items():
    if getattr(sys, name) is tee:
        setattr(sys, name, kept.streams[name])
    tee._file.close()
    if not needed:
        os.unlink(kept.paths[name])
"""

_PROGRAM = """
import sys

# Of a run whose end nobody saw.
if "_dynamic_sessions_output" in sys.modules:
    exec(end_program, {"needed": False})

class Tee:
    def __init__(self, stream, path):
        self._stream = stream
        self._file = open(path, "w", encoding="utf-8", errors="surrogateescape", newline="")

    def write(self, text):
        self._file.write(text)
        return self._stream.write(text)

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def flush(self):
        self._file.flush()
        self._stream.flush()

    def __getattr__(self, name):
        return getattr(self._stream, name)

sys.modules["_dynamic_sessions_output"] = kept = type(sys)("_dynamic_sessions_output")
kept.paths = paths
kept.streams = {name: getattr(sys, name) for name in paths}
kept.tees = {name: Tee(stream, paths[name]) for name, stream in kept.streams.items()}
for name, tee in kept.tees.items():
    setattr(sys, name, tee)
"""


def file_names(execution_id: str) -> dict[str, str]:
    """Return the names of the files that one run's output is kept in, by stream."""
    return {stream: f".{execution_id}.{stream}" for stream in ("stdout", "stderr")}


def begin_code(paths: dict[str, str]) -> str:
    """Return code after which output is also kept in files.

    Args:
        paths: The files' paths in the session, by the name of the stream.
    """
    names = {"paths": paths, "end_program": _END_PROGRAM}
    return f"exec({_PROGRAM!a}, {names!a})"


def end_code(*, needed: bool) -> str:
    """Return code that ends the keeping of output.

    Args:
        needed: Whether the files stay.
    """
    return f"exec({_END_PROGRAM!a}, {{'needed': {needed!a}}})"


def with_whole_output(execution: Execution, kept: dict[str, bytes]) -> Execution:
    """Return the execution with the output that was kept, where it is more than came back.

    An error's traceback is not part of what code writes, so that a failed run's stderr may still
    be cut at its end.
    """
    stdout = _longer(execution.stdout, kept["stdout"])
    stderr = _longer(execution.stderr, kept["stderr"])
    is_whole = stdout is not None and (
        stderr is not None or execution.status is ExecutionStatus.SUCCEEDED
    )
    return replace(
        execution,
        stdout=execution.stdout if stdout is None else stdout,
        stderr=execution.stderr if stderr is None else stderr,
        truncated=execution.truncated and not is_whole,
    )


def _longer(came_back: str, kept: bytes) -> str | None:
    whole = kept.decode("utf-8", errors="replace")
    return whole if whole.startswith(came_back) else None
