"""Commands of a Shell session: each a process of its own, in a group of its own."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence

# What Bash says in these cases.
CANNOT_EXECUTE, NOT_FOUND = 126, 127
SIGNALLED = 128
# What a group has to end itself in after an interrupt. Well within what the server allows all of it.
GRACE_SECONDS = 0.5


def run_command(arguments: Sequence[str], stdin: str) -> int:
    """Run a command to its end and return its exit code, as a shell counts it.

    Raises:
        KeyboardInterrupt: It was interrupted, and nothing of its group is left.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 - what the user asked for, in a sandbox
            arguments,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            process_group=0,
        )
    except OSError as error:
        sys.stderr.write(f"{arguments[0]}: {error.strerror}\n")
        sys.stderr.flush()
        return NOT_FOUND if isinstance(error, FileNotFoundError) else CANNOT_EXECUTE
    try:
        # "surrogatepass": what came as JSON need not be Unicode text.
        process.communicate(stdin.encode("utf-8", "surrogatepass") if stdin else None)
    except KeyboardInterrupt:
        _end_group(process)
        raise
    code = process.returncode
    return code if code >= 0 else SIGNALLED - code


def _end_group(process: "subprocess.Popen[bytes]") -> None:
    for number in (signal.SIGINT, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
