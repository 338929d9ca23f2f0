"""How the command ends, and the error that ends it."""

from enum import IntEnum

from dynamic_sessions import Execution, ExecutionStatus


class ExitStatus(IntEnum):
    """What the shell learns. Those of the code are as a shell's own commands have them."""

    OK = 0
    CODE_FAILED = 1
    """The code raised an exception. SystemExit with a number gives that number instead."""
    UNFIT = 1
    """Of `serve` and `doctor`: what they are for does not work here."""
    USAGE = 2
    CODE_TIMED_OUT = 124
    """As of the command timeout."""
    SERVICE_FAILED = 125
    """As of the commands that start containers: it is their own failure, not the program's."""
    INTERRUPTED = 130
    CODE_ABORTED = 137
    """As of a process that was killed."""


class CommandError(Exception):
    """Ends the command with a line, what to do about it, and a status."""

    def __init__(
        self, message: str, cure: str = "", *, status: ExitStatus = ExitStatus.USAGE
    ) -> None:
        super().__init__(message)
        self.cure = cure
        self.status = status


def status_of(run: Execution) -> int:
    """Return the exit status that follows from what the code came to."""
    if run.exit_code is not None and run.status in {
        ExecutionStatus.SUCCEEDED,
        ExecutionStatus.FAILED,
    }:
        return run.exit_code
    match run.status:
        case ExecutionStatus.SUCCEEDED:
            return ExitStatus.OK
        case ExecutionStatus.TIMED_OUT:
            return ExitStatus.CODE_TIMED_OUT
        case ExecutionStatus.ABORTED:
            return ExitStatus.CODE_ABORTED
        case _:
            return _asked_for(run) or ExitStatus.CODE_FAILED


def _asked_for(run: Execution) -> int:
    """Return the number in sys.exit(number), as an exit status can hold it; 0 where there is none."""
    if run.error is None or run.error.name != "SystemExit":
        return 0
    try:
        return int(run.error.message) & 0xFF
    except ValueError:
        return 0
