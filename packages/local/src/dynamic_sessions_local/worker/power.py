"""What a session gives up before any user code runs in it, for good."""

import contextlib
import ctypes
import os
import resource
import struct
from collections.abc import Mapping
from pathlib import Path

from .system import call

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
CAPABILITY_VERSION = 0x20080522
CAPABILITIES = 64
INSTRUCTION_BYTES = 8


def yield_to_others() -> None:
    """Take the processor after the server, and be the first that dies where memory runs out."""
    os.nice(10)
    for name, value in (("autogroup", "10"), ("oom_score_adj", "1000")):
        with contextlib.suppress(OSError):
            Path(f"/proc/self/{name}").write_text(value)


def limit_resources(resources: Mapping[str, int]) -> None:
    """Limit this process and all that it starts, by the names of resource.RLIMIT_*."""
    for name, wanted in resources.items():
        kind: int = getattr(resource, f"RLIMIT_{name}")
        _, ceiling = resource.getrlimit(kind)
        limit = wanted if ceiling == resource.RLIM_INFINITY else min(wanted, ceiling)
        resource.setrlimit(kind, (limit, limit))


def drop_capabilities() -> None:
    """Have no capability and no way to get one."""
    for capability in range(CAPABILITIES):
        try:
            call("prctl", PR_CAPBSET_DROP, capability, 0, 0, 0)
        except OSError:
            break  # the last one that this kernel knows was before
    call("prctl", PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    call("capset", struct.pack("Ii", CAPABILITY_VERSION, 0), bytes(24))
    call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def filter_system_calls(program: bytes) -> None:
    """Let the kernel refuse what this classic BPF program refuses."""
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxQ", len(program) // INSTRUCTION_BYTES, ctypes.addressof(code))
    call("prctl", PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header, 0, 0)
