"""The worker's main loop: one request, one execution, one reply."""

import contextlib
import ctypes
import json
import os
import resource
import signal
import socket
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from . import framing, streams, values

PR_SET_PDEATHSIG = 1
TRACEBACK_LIMIT = 1 << 18


def serve(configuration: str) -> None:
    """Get ready, hand the server its descriptors, then execute what it sends until it hangs up."""
    settings: dict[str, Any] = json.loads(configuration)
    control = socket.socket(fileno=settings["control"])
    control.set_inheritable(False)
    _give_up_power(settings["resources"])
    os.chdir(settings["data"])
    streams.replace_streams()
    session = _Session()
    session.warm_up()
    _introduce(control, [settings["data"], *settings["watched"]])
    while (request := framing.receive(control)) is not None:
        framing.send(control, session.execute(request["id"], request["code"]))


class _Session:
    def __init__(self) -> None:
        try:
            # Here and not above: an interpreter without IPython gets a sentence, not a traceback.
            from .shell import create_shell  # noqa: PLC0415
        except ImportError as error:
            sys.exit(f"{sys.executable} cannot host a session: {error}. Install ipython there.")
        self.shell = create_shell()
        self.process = os.getpid()
        self.running = False
        self._take_interrupts()

    def warm_up(self) -> None:
        """Run an error: the first one imports a good deal."""
        self.shell.run("raise Exception", remember=False)

    def execute(self, identity: int, code: str) -> dict[str, Any]:
        shell = self.shell
        streams.open_streams()
        shell.start_record()
        succeeded = self._run(code)
        self._take_interrupts()
        if os.getpid() != self.process:
            # A fork of the user's came back from the cell: the reply is not its to give.
            os._exit(0 if succeeded else 1)
        value, cut = values.fit(shell.record.image or shell.record.value)
        return {
            "id": identity,
            "succeeded": succeeded,
            "value": value if succeeded or value["kind"] == "image" else values.NO_VALUE,
            "traceback": shell.take_traceback()[-TRACEBACK_LIMIT:],
            "truncated": cut,
        }

    def _run(self, code: str) -> bool:
        """Return whether the code succeeded. KeyboardInterrupt is raised in here and nowhere else.

        An interrupt that comes late finds `running` false and is dropped, so it cannot hit the
        next execution.
        """
        try:
            self.running = True
            error = self.shell.run(code)
            self.running = False
        except KeyboardInterrupt:
            self.running = False
            self.shell.record.tracebacks.append("KeyboardInterrupt")
            return False
        return error is None or (isinstance(error, SystemExit) and error.code in (None, 0))

    def _take_interrupts(self) -> None:
        """Handle the signal here; after each execution anew, since user code may have changed it."""
        signal.signal(signal.SIGINT, self._on_interrupt)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})

    def _on_interrupt(self, _signal: int, _frame: FrameType | None) -> None:
        if self.running:
            raise KeyboardInterrupt


def _give_up_power(resources: dict[str, int]) -> None:
    """Limit this process and all that it starts, for good."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)  # an interrupt is for the whole group, as from a keyboard
    os.nice(10)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    for name, wanted in resources.items():
        kind: int = getattr(resource, f"RLIMIT_{name}")
        _, ceiling = resource.getrlimit(kind)
        limit = wanted if ceiling == resource.RLIM_INFINITY else min(wanted, ceiling)
        resource.setrlimit(kind, (limit, limit))


def _introduce(control: socket.socket, folders: list[str]) -> None:
    """Hand over this process, the first one of its namespace, and folders."""
    descriptors = [os.pidfd_open(os.getpid()), os.pidfd_open(1)]
    descriptors += [os.open(folder, os.O_RDONLY | os.O_DIRECTORY) for folder in folders]
    framing.send(control, {"ready": True}, descriptors=descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
