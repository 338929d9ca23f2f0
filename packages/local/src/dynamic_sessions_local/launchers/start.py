"""From a command line to a kernel, whatever the command line isolates."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dynamic_sessions_local.errors import KernelStartError
from dynamic_sessions_local.kernel import Channel

START_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Command:
    """How to start one worker.

    Attributes:
        arguments: The command line up to the worker's configuration.
        data: The data directory as the worker sees it.
        watched: Further folders, as the worker sees them, of which the server wants a descriptor.
        resources: What the worker limits for itself.
        environment: Its environment; None leaves it to the arguments.
        descriptors: What it inherits beside its own ends of the channel.
    """

    arguments: Sequence[str]
    data: str
    resources: Mapping[str, int]
    environment: Mapping[str, str]
    watched: Sequence[str] = ()
    descriptors: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True)
class Started:
    """A process that has said that it is ready.

    Attributes:
        process: The child of this process.
        channel: The server's ends.
        first: A pidfd of process number 1 of the worker's namespace.
        watched: Descriptors of the further folders.
    """

    process: "subprocess.Popen[bytes]"
    channel: Channel
    first: int
    watched: tuple[int, ...]


async def start_worker(command: Command) -> Started:
    """Start a worker and wait until it is ready.

    Raises:
        KernelStartError: It ended first, or said nothing in time; with what it wrote to stderr.
    """
    process, control, stdout, stderr = _spawn(command)
    try:
        async with asyncio.timeout(START_SECONDS):
            worker, first, data_directory, *watched = await _greeting(
                control, expected=3 + len(command.watched)
            )
    except (EOFError, OSError, TimeoutError) as error:
        await _end(process)
        complaint = _read_all(stderr).strip() or f"no word within {START_SECONDS:.0f} s"
        _close(control, stdout, stderr)
        raise KernelStartError(complaint) from error
    except BaseException:
        await _end(process)
        _close(control, stdout, stderr)
        raise
    channel = Channel(
        control=control,
        stdout=stdout,
        stderr=stderr,
        worker=worker,
        data_directory=data_directory,
    )
    return Started(process=process, channel=channel, first=first, watched=tuple(watched))


async def exited(pidfd: int) -> None:
    """Return when the process of this pidfd has ended."""
    await _readable(pidfd)


def _spawn(command: Command) -> "tuple[subprocess.Popen[bytes], socket.socket, int, int]":
    """Start the process in the calling thread: it is killed when that thread ends."""
    with contextlib.ExitStack() as theirs:
        ours, control = socket.socketpair()
        theirs.enter_context(control)
        reading: list[int] = []
        writing: list[int] = []
        for _ in ("stdout", "stderr"):
            read_end, write_end = os.pipe()
            theirs.callback(os.close, write_end)
            os.set_blocking(read_end, False)
            reading.append(read_end)
            writing.append(write_end)
        ours.setblocking(False)
        configuration = {
            "control": control.fileno(),
            "data": command.data,
            "watched": command.watched,
            "resources": command.resources,
        }
        try:
            process = subprocess.Popen(  # noqa: S603 - no shell, and every argument is ours
                [*command.arguments, json.dumps(configuration)],
                stdin=subprocess.DEVNULL,
                stdout=writing[0],
                stderr=writing[1],
                env=dict(command.environment),
                pass_fds=[control.fileno(), *command.descriptors],
                start_new_session=True,
            )
        except OSError as error:
            _close(ours, *reading)
            raise KernelStartError(str(error)) from error
    return process, ours, reading[0], reading[1]


async def _greeting(control: socket.socket, *, expected: int) -> list[int]:
    await _readable(control.fileno())
    message, descriptors, _, _ = socket.recv_fds(control, 1024, expected)
    if len(descriptors) == expected and len(message) == 4 + struct.unpack(">I", message[:4])[0]:
        return descriptors
    _close(*descriptors)
    raise EOFError


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    event = asyncio.Event()
    loop.add_reader(descriptor, event.set)
    try:
        await event.wait()
    finally:
        loop.remove_reader(descriptor)


async def _end(process: "subprocess.Popen[bytes]") -> None:
    # The whole group: until its namespaces are made, bubblewrap's own child waits for bubblewrap
    # and is not yet bound to die with it.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await reap(process)


async def reap(process: "subprocess.Popen[bytes]") -> None:
    """Wait until a child of ours that is about to end has done so."""
    if process.poll() is not None:
        return
    pidfd = os.pidfd_open(process.pid)
    try:
        await exited(pidfd)
    finally:
        os.close(pidfd)
    process.wait()


def _read_all(descriptor: int) -> str:
    with contextlib.suppress(BlockingIOError):
        return os.read(descriptor, 1 << 16).decode("utf-8", "replace")
    return ""


def _close(*things: "int | socket.socket") -> None:
    for thing in things:
        if isinstance(thing, int):
            os.close(thing)
        else:
            thing.close()
