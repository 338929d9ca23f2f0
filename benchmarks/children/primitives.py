"""What the operating system charges for the things that a pool is made of.

The command line names modules to import first: a process is forked the more slowly the more it has
in memory. Each question is the name of a function below and how often to do it.
"""

import importlib
import json
import os
import socket
import sys
import time
from collections.abc import Callable

MESSAGE = bytes(100)


def fork_and_wait(count: int) -> list[float]:
    """Fork a process that ends at once, and wait for it."""
    taken: list[float] = []
    for _ in range(count):
        begun = time.perf_counter()
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
        taken.append(time.perf_counter() - begun)
    return taken


def spawn_and_wait(count: int) -> list[float]:
    """Spawn /bin/true, and wait for it."""
    taken: list[float] = []
    for _ in range(count):
        begun = time.perf_counter()
        child = os.posix_spawn("/bin/true", ["true"], {})
        os.waitpid(child, 0)
        taken.append(time.perf_counter() - begun)
    return taken


def socket_round_trip(count: int) -> list[float]:
    """Send a message over a socket pair to another process, which sends it back."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        ours.close()
        _echo(theirs)
    theirs.close()
    taken: list[float] = []
    with ours:
        for _ in range(count):
            begun = time.perf_counter()
            ours.sendall(MESSAGE)
            ours.recv(len(MESSAGE), socket.MSG_WAITALL)
            taken.append(time.perf_counter() - begun)
    os.waitpid(child, 0)
    return taken


PRIMITIVES: dict[str, Callable[[int], list[float]]] = {
    each.__name__: each for each in (fork_and_wait, spawn_and_wait, socket_round_trip)
}


def main() -> None:
    """Answer questions until standard input ends."""
    for module in json.loads(sys.argv[1]):
        importlib.import_module(module)
    for line in sys.stdin:
        name, count = json.loads(line)
        sys.stdout.write(json.dumps(PRIMITIVES[name](count)) + "\n")
        sys.stdout.flush()


def _echo(connection: socket.socket) -> None:
    while message := connection.recv(len(MESSAGE), socket.MSG_WAITALL):
        connection.sendall(message)
    os._exit(0)


main()
