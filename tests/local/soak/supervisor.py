"""Runs a command, says its number, adopts what its processes leave behind, and ends after them."""

import ctypes
import os
import signal
import subprocess
import sys

SET_CHILD_SUBREAPER = 36
SET_PARENT_DEATH_SIGNAL = 1


def run(command: list[str]) -> int:
    process_control = ctypes.CDLL(None).prctl
    process_control(SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def die_with_supervisor() -> None:
        process_control(SET_PARENT_DEATH_SIGNAL, signal.SIGTERM, 0, 0, 0)

    main = subprocess.Popen(  # noqa: S603 - a test's command
        command,
        preexec_fn=die_with_supervisor,  # noqa: PLW1509 - there are no threads here
    )
    sys.stdout.write(f"process: {main.pid}\n")
    sys.stdout.flush()
    while True:
        try:
            process, status = os.wait()
        except ChildProcessError:
            return main.returncode
        if process == main.pid:
            main.returncode = os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
