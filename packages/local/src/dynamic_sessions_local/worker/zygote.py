"""A process that loads the libraries once and becomes a session as often as it is asked to, by forking.

It has one thread, nothing secret, and runs no user code: each fork gives up its rights before it takes any.
"""

import json
import os
import signal
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from . import framing, libraries, namespaces, power, streams
from .namespaces import Folder, Nursery
from .session import Session, introduce

REQUEST_DESCRIPTORS = 3


def serve(configuration: str) -> None:
    """Get ready, hand the server its descriptors, then do what it asks until it hangs up."""
    settings: dict[str, Any] = json.loads(configuration)
    control = socket.socket(fileno=settings["control"])
    control.set_inheritable(False)
    program = _read_all(settings["filter"])
    outermost = os.pidfd_open(1)
    nursery = namespaces.found_nursery()
    streams.replace_streams()
    session = Session()
    libraries.warm_up(session.shell)
    libraries.freeze()
    introduce(control, [settings["data"]], first=outermost)
    # What a library says from now on is for nobody, and must not fill a pipe that nobody reads.
    silence = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(silence, descriptor)
    os.close(silence)
    zygote = _Zygote(settings, session, control, nursery, program)
    while (message := framing.receive_with_descriptors(control, REQUEST_DESCRIPTORS)) is not None:
        zygote.answer(*message)


@dataclass(frozen=True)
class _Zygote:
    settings: dict[str, Any]
    session: Session
    control: socket.socket
    nursery: Nursery
    program: bytes

    def answer(self, request: dict[str, Any], descriptors: list[int]) -> None:
        if "preload" in request:
            failures = libraries.preload(
                self.session.shell, request["preload"], threads_allowed=False
            )
            libraries.freeze()
            usable = libraries.threads() == 1
            framing.send(self.control, {"failures": failures, "usable": usable})
            return
        try:
            first = self._fork(descriptors)
        except OSError as error:
            framing.send(self.control, {"error": str(error)})
        else:
            framing.send(self.control, {}, descriptors=[first])
            os.close(first)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _fork(self, descriptors: list[int]) -> int:
        """Return a pidfd of the first process of the session's namespace."""
        with self.nursery.new_processes() as first:
            pidfd = os.pidfd_open(first)
            try:
                child = os.fork()
            except OSError:
                os.kill(first, signal.SIGKILL)
                os.close(pidfd)
                raise
            if child == 0:
                os.close(pidfd)
                self._be_session(descriptors)
        return pidfd

    def _be_session(self, descriptors: list[int]) -> NoReturn:
        """In the fork, from which nothing may come back."""
        try:
            control, *outputs = descriptors
            for target, descriptor in zip((1, 2), outputs, strict=True):
                os.dup2(descriptor, target)
                os.close(descriptor)
            self.control.close()
            self.nursery.forget()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()
            self._give_up_power()
            os.chdir(self.settings["data"])
            libraries.part_ways()
            # Once here, so that the pages which every execution writes to are its own already.
            self.session.shell.rehearse("1 + 1")
            server = socket.socket(fileno=control)
            introduce(server, [self.settings["data"]])
            # After that: with few open files allowed, a session with many descriptors in flight could
            # keep another one of the same user from sending any.
            power.limit_resources(self.settings["resources"])
            self.session.serve(server)
        except BaseException as error:  # noqa: BLE001 - told to the server, by whoever reads stderr
            os.write(2, f"{type(error).__name__}: {error}\n".encode(errors="backslashreplace"))
            os._exit(1)
        os._exit(0)

    def _give_up_power(self) -> None:
        power.yield_to_others()
        namespaces.enter_session(
            [Folder(**folder) for folder in self.settings["folders"]],
            self.settings["kept"],
            self.settings["links"],
        )
        Path(os.environ["HOME"]).mkdir(exist_ok=True)
        namespaces.leave_rights_behind()
        power.drop_capabilities()
        power.filter_system_calls(self.program)


def _read_all(descriptor: int) -> bytes:
    with open(descriptor, "rb") as file:
        return file.read()
