"""One session: a shell and the loop of one request, one execution, one reply."""

import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Any

from . import framing, stand_ins, streams, values
from .commands import run_command

TRACEBACK_LIMIT = 1 << 18
# A figure that was shown before an error, and the exit code of a command that failed.
KEPT = ("image", "json")


class Session:
    """A session's shell, from before it has a server to after the server has hung up."""

    def __init__(self) -> None:
        try:
            # Here and not above: an interpreter without IPython gets a sentence, not a traceback.
            from .shell import create_shell  # noqa: PLC0415
        except ImportError as error:
            sys.exit(f"{sys.executable} cannot host a session: {error}. Install ipython there.")
        self.shell = create_shell()
        stand_ins.offer()
        self._process = os.getpid()
        self._running = False
        self._take_interrupts()

    def serve(self, control: socket.socket) -> None:
        """Execute what the server sends until it hangs up."""
        self._process = os.getpid()
        # As in any notebook: what the session writes beside itself can be imported.
        sys.path.insert(0, "")
        self.shell.begin()
        while (request := framing.receive(control)) is not None:
            framing.send(control, self._execute(request))

    def _execute(self, request: dict[str, Any]) -> dict[str, Any]:
        shell = self.shell
        streams.open_streams()
        shell.start_record()
        shell.offer_html(request["html"])
        succeeded = self._interruptible(lambda: self._perform(request))
        self._take_interrupts()
        if os.getpid() != self._process:
            # A fork of the user's came back from the cell: the reply is not its to give.
            os._exit(0 if succeeded else 1)
        value, cut = values.fit(shell.record.image or shell.record.value)
        return {
            "id": request["id"],
            "succeeded": succeeded,
            "value": value if succeeded or value["kind"] in KEPT else values.NO_VALUE,
            "traceback": shell.take_traceback()[-TRACEBACK_LIMIT:],
            "truncated": cut,
        }

    def _perform(self, request: dict[str, Any]) -> bool:
        """Return whether what was asked for succeeded."""
        if "command" in request:
            code = run_command(request["command"], request["stdin"])
            self.shell.record.value = {"kind": "json", "data": code}
            return code == 0
        run = self.shell.run_in_empty_kernel if request["empty_kernel"] else self.shell.run
        error = run(request["code"])
        return error is None or (isinstance(error, SystemExit) and error.code in (None, 0))

    def _interruptible(self, perform: Callable[[], bool]) -> bool:
        """Return whether it succeeded. KeyboardInterrupt is raised in here and nowhere else.

        An interrupt that comes late finds `_running` false and is dropped, so it cannot hit the
        next execution.
        """
        try:
            self._running = True
            succeeded = perform()
            self._running = False
        except KeyboardInterrupt:
            self._running = False
            self.shell.record.tracebacks.append("KeyboardInterrupt")
            return False
        return succeeded

    def _take_interrupts(self) -> None:
        """Handle the signal here; after each execution anew, since user code may have changed it."""
        signal.signal(signal.SIGINT, self._on_interrupt)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})

    def _on_interrupt(self, _signal: int, _frame: FrameType | None) -> None:
        if self._running:
            raise KeyboardInterrupt


def introduce(
    control: socket.socket,
    folders: Sequence[str],
    failures: Mapping[str, str] | None = None,
    *,
    first: int | None = None,
) -> None:
    """Say that this process is ready, and hand over what the server holds it by.

    Args:
        control: The way to the server.
        folders: Of each, the server gets a descriptor.
        failures: Modules that could not be loaded beforehand, and why.
        first: A pidfd of the process whose end is the end of all; by default that of number 1.
    """
    descriptors = [os.pidfd_open(os.getpid()), os.pidfd_open(1) if first is None else first]
    descriptors += [os.open(folder, os.O_RDONLY | os.O_DIRECTORY) for folder in folders]
    framing.send(control, {"failures": dict(failures or {})}, descriptors=descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
