"""Attacks on a throw-away session, by which a way to start sessions shows that it isolates."""

import contextlib
import json
import os
import socket
import tempfile
from collections.abc import AsyncGenerator

from dynamic_sessions_local.kernel import Kernel

# Each attack that does not raise is a breach. Opening core_pattern is the attack; nothing is written.
ATTACKS = """
import ctypes, json, os, socket, sysconfig

def read(path):
    with open(path, "rb") as file:
        file.read(1)

def connect():
    with socket.create_connection(("127.0.0.1", target["port"]), timeout=2):
        pass

def inherit():
    with open("/proc/self/environ", "rb") as file:
        names = {entry.split(b"=")[0].decode() for entry in file.read().split(b"\\0") if entry}
    if names <= set(target["environment"]):
        raise PermissionError

def make_user_namespace():
    if ctypes.CDLL(None, use_errno=True).unshare(0x10000000):
        raise OSError(ctypes.get_errno(), "unshare")

def write_core_pattern():
    os.close(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY))

def write_packages():
    os.close(os.open(sysconfig.get_path("purelib") + "/breach.py", os.O_WRONLY | os.O_CREAT))

def be_root():
    if os.getuid() != 0:
        raise PermissionError

def breaches():
    attacks = {
        "reads a file of the host": lambda: read(target["file"]),
        "reads the server's environment": lambda: read(f"/proc/{target['server']}/environ"),
        "inherits the server's environment": inherit,
        "connects to a server on the host": connect,
        "makes a user namespace": make_user_namespace,
        "opens kernel.core_pattern for writing": write_core_pattern,
        "writes to the interpreter's packages": write_packages,
        "runs as root": be_root,
    }
    for name, attack in attacks.items():
        try:
            attack()
        except OSError:
            continue
        yield name

json.dumps(list(breaches()))
"""
ATTACK_SECONDS = 60.0


async def find_breaches(kernel: Kernel, *, environment: set[str]) -> list[str]:
    """Attack from inside a session and return what succeeded, in words; empty if nothing did.

    Args:
        kernel: A session that nobody will use.
        environment: The names of variables that it may have.
    """
    async with _targets() as (file, port):
        target = {
            "file": file,
            "port": port,
            "server": os.getpid(),
            # The shell sets the working directory's name.
            "environment": sorted(environment | {"PWD"}),
        }
        reply = await kernel.execute(
            f"target = {target!r}\n{ATTACKS}", timeout=ATTACK_SECONDS, output_limit=1 << 16
        )
    if reply.status != "succeeded" or not isinstance(reply.value.data, str):
        return [f"could not be tested: {reply.stderr or reply.status}"]
    return [str(name) for name in json.loads(reply.value.data)]


@contextlib.asynccontextmanager
async def _targets() -> AsyncGenerator[tuple[str, int]]:
    """Yield a file and a listening port of the host's for the session to try."""
    with tempfile.NamedTemporaryFile(prefix="dynamic-sessions-") as file:
        # The attack is to be stopped by the sandbox, not by the file's mode.
        os.fchmod(file.fileno(), 0o644)
        file.write(b"secret")
        file.flush()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            yield file.name, listener.getsockname()[1]
