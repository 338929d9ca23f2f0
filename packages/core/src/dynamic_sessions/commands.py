"""Commands where a session pool takes none: Python code that runs them, and what comes of it.

The code starts a process of its own for each command, as a Shell pool does. Output goes through
files, so that a process that a command leaves in the background holds nothing up.
"""

import signal
from dataclasses import replace

from dynamic_sessions.files import DATA_DIRECTORY
from dynamic_sessions.models import Command, Execution, ExecutionStatus

TIME_LIMIT_EXIT_CODE = 124
"""As timeout(1) and Shell pools have it."""

_ABORTED_EXIT_CODE = 128 + signal.SIGKILL
_TIMED_OUT = "timed out"
_BYTES_PER_CHARACTER = 4

_PROGRAM = """
import os, shutil, signal, subprocess, sys, tempfile

def run(words, is_line, stdin, seconds, limit, directory, timed_out):
    if is_line:
        words = [shutil.which("bash") or "sh", "-c", *words]
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, \\
            tempfile.TemporaryFile() as err:
        given.write(stdin.encode("utf-8", "surrogateescape"))
        given.seek(0)
        try:
            process = subprocess.Popen(
                words, stdin=given, stdout=out, stderr=err, cwd=directory, start_new_session=True
            )
        except OSError as error:
            print(f"{words[0]}: {error.strerror}", file=sys.stderr)
            return 127 if isinstance(error, FileNotFoundError) else 126
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = timed_out
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        for kept, stream in ((out, sys.stdout), (err, sys.stderr)):
            kept.seek(0)
            stream.write(kept.read(limit).decode("utf-8", "replace"))
    return 128 - code if code != timed_out and code < 0 else code
"""


def command_code(command: Command, *, timeout: float, output_limit: int) -> str:
    """Return Python code that runs a command as a Shell pool does, in a process of its own.

    The code leaves no names behind. At the time limit it ends the command and not the kernel, so
    the run as a whole needs a little longer than that.

    Args:
        command: A line for Bash, or a program and its arguments.
        timeout: Seconds that the command may run.
        output_limit: Characters of stdout and of stderr that the session pool is asked for.
    """
    arguments = {
        "words": list(command.words),
        "is_line": isinstance(command.line, str),
        "stdin": command.stdin,
        "seconds": timeout,
        "limit": output_limit * _BYTES_PER_CHARACTER,
        "directory": DATA_DIRECTORY,
        "timed_out": _TIMED_OUT,
    }
    return f"(lambda names: (exec({_PROGRAM!a}, names), names['run'](**{arguments!a}))[1])({{}})"


def command_execution(execution: Execution) -> Execution:
    """Return what a Shell pool would have said of a command that command_code() ran."""
    if not execution.ok:
        return replace(execution, exit_code=_exit_code_without_result(execution.status))
    if execution.result == _TIMED_OUT:
        return replace(
            execution,
            status=ExecutionStatus.TIMED_OUT,
            exit_code=TIME_LIMIT_EXIT_CODE,
            result=None,
        )
    if not isinstance(execution.result, int):
        return replace(execution, result=None)
    status = ExecutionStatus.FAILED if execution.result else ExecutionStatus.SUCCEEDED
    return replace(execution, status=status, exit_code=execution.result, result=None)


def _exit_code_without_result(status: ExecutionStatus) -> int:
    if status is ExecutionStatus.TIMED_OUT:
        return TIME_LIMIT_EXIT_CODE
    return _ABORTED_EXIT_CODE if status is ExecutionStatus.ABORTED else 1
