"""A process that becomes one session."""

import json
import os
import signal
import socket
from typing import Any

from . import libraries, namespaces, power, streams
from .session import Session, introduce
from .system import call

PR_SET_PDEATHSIG = 1


def serve(configuration: str) -> None:
    """Get ready, hand the server its descriptors, then execute what it sends until it hangs up."""
    settings: dict[str, Any] = json.loads(configuration)
    control = socket.socket(fileno=settings["control"])
    control.set_inheritable(False)
    if settings["lifeline"] is None:
        call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    else:
        namespaces.leave_first_process(settings["lifeline"])
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)  # an interrupt is for the whole group, as from a keyboard
    power.yield_to_others()
    os.chdir(settings["data"])
    streams.replace_streams()
    session = Session()
    libraries.warm_up(session.shell)
    failures = libraries.preload(session.shell, settings["preload"])
    introduce(control, [settings["data"], *settings["watched"]], failures)
    # After that, see the zygote.
    power.limit_resources(settings["resources"])
    session.serve(control)
