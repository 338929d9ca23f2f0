"""From a process that has been started to a kernel's channel, whatever isolates it."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from dynamic_sessions_local.errors import KernelStartError
from dynamic_sessions_local.kernel import Channel

START_SECONDS = 60.0
PREFIX = struct.Struct(">I")
MESSAGE_LIMIT = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Command:
    """How to start one process.

    Attributes:
        arguments: The command line up to the process's configuration.
        configuration: What the process is told, beside its end of the control socket.
        environment: Its environment.
        descriptors: What it inherits beside its own ends of the channel.
    """

    arguments: Sequence[str]
    configuration: Mapping[str, object]
    environment: Mapping[str, str]
    descriptors: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True)
class Started:
    """A process that has said that it is ready.

    Attributes:
        channel: The server's ends.
        first: A pidfd of the first process of its namespace.
        watched: Descriptors of folders beside the data directory.
        failures: Modules that it could not load beforehand, and why.
    """

    channel: Channel
    first: int
    watched: tuple[int, ...]
    failures: Mapping[str, str]

    async def abandon(self) -> None:
        """End everything in its namespace and close all descriptors, where no kernel came of it."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.first, signal.SIGKILL)
        await exited(self.first)
        channel = self.channel
        channel.control.close()
        close_all((channel.stdout, channel.stderr, channel.worker, channel.data_directory))
        close_all((self.first, *self.watched))


class Ends:
    """The near and far ends of a control socket and two output pipes."""

    def __init__(self) -> None:
        with contextlib.ExitStack() as undo:
            self.control, self._far_control = socket.socketpair()
            undo.callback(self.control.close)
            undo.callback(self._far_control.close)
            self.control.setblocking(False)
            self.stdout, self._far_stdout = os.pipe()
            undo.callback(close_all, (self.stdout, self._far_stdout))
            self.stderr, self._far_stderr = os.pipe()
            undo.pop_all()
        for descriptor in (self.stdout, self.stderr):
            os.set_blocking(descriptor, False)

    @property
    def far(self) -> tuple[int, int, int]:
        """The ends for the other process: control, stdout, stderr."""
        return self._far_control.fileno(), self._far_stdout, self._far_stderr

    def close_far(self) -> None:
        """Give up the far ends, once the other process has them."""
        self._far_control.close()
        os.close(self._far_stdout)
        os.close(self._far_stderr)

    def close_near(self) -> None:
        """Give up the near ends of a channel that nothing came of."""
        self.control.close()
        os.close(self.stdout)
        os.close(self.stderr)

    async def greeted(self, *, watched: int, end: Callable[[], Awaitable[object]]) -> Started:
        """Wait until the other process says that it is ready.

        Args:
            watched: How many folders it hands over beside the data directory.
            end: Ends that process, where it does not become ready.

        Raises:
            KernelStartError: It ended first, or said nothing in time; with what it wrote to stderr.
        """
        try:
            async with asyncio.timeout(START_SECONDS):
                message, descriptors = await self._greeting(3 + watched)
        except (EOFError, OSError) as error:
            await end()
            patience = f"no word within {START_SECONDS:.0f} s"
            reason = patience if isinstance(error, TimeoutError) else "it ended without a word"
            complaint = _read_all(self.stderr).strip() or reason
            self.close_near()
            raise KernelStartError(complaint) from error
        except BaseException:
            await end()
            self.close_near()
            raise
        worker, first, data_directory, *folders = descriptors
        return Started(
            channel=Channel(
                control=self.control,
                stdout=self.stdout,
                stderr=self.stderr,
                worker=worker,
                data_directory=data_directory,
            ),
            first=first,
            watched=tuple(folders),
            failures=failures_in(message),
        )

    async def _greeting(self, expected: int) -> tuple[dict[str, object], list[int]]:
        message, descriptors = await receive(self.control, descriptors=expected)
        if len(descriptors) != expected:
            close_all(descriptors)
            raise EOFError
        return message, descriptors


async def start_process(
    command: Command, *, watched: int
) -> "tuple[subprocess.Popen[bytes], Started]":
    """Start a child of this process and wait until it is ready.

    Raises:
        KernelStartError: It ended first, or said nothing in time; with what it wrote to stderr.
    """
    ends = Ends()
    try:
        process = _spawn(command, ends)
    except OSError as error:
        ends.close_near()
        raise KernelStartError(str(error)) from error
    finally:
        ends.close_far()
    with _whole_group_ends_with(process):
        return process, await ends.greeted(watched=watched, end=lambda: _end(process))


async def receive(
    control: socket.socket, *, descriptors: int
) -> tuple[dict[str, object], list[int]]:
    """Return the next message of a process that runs no user code, and up to so many descriptors.

    Raises:
        EOFError: There was none, or it is not one.
    """
    await readable(control.fileno())
    frame, received, _, _ = socket.recv_fds(control, MESSAGE_LIMIT, descriptors)
    message = _parse(frame)
    if message is None:
        close_all(received)
        raise EOFError
    return message, received


def close_all(descriptors: Iterable[int]) -> None:
    """Close descriptors."""
    for descriptor in descriptors:
        os.close(descriptor)


def failures_in(message: Mapping[str, object]) -> dict[str, str]:
    """Return what a process says of modules that it could not load."""
    return cast("dict[str, str]", message.get("failures", {}))


async def exited(pidfd: int) -> None:
    """Return when the process of this pidfd has ended."""
    await readable(pidfd)


async def readable(descriptor: int) -> None:
    """Return when there is something to read, or the other side has gone."""
    loop = asyncio.get_running_loop()
    event = asyncio.Event()
    loop.add_reader(descriptor, event.set)
    try:
        await event.wait()
    finally:
        loop.remove_reader(descriptor)


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


@contextlib.contextmanager
def memory_files(contents: Mapping[str, bytes]) -> Generator[dict[str, int]]:
    """Yield descriptors of files in memory, each at its beginning."""
    with contextlib.ExitStack() as stack:
        descriptors: dict[str, int] = {}
        for name, content in contents.items():
            descriptor = os.memfd_create("session")
            stack.callback(os.close, descriptor)
            os.write(descriptor, content)
            os.lseek(descriptor, 0, os.SEEK_SET)
            descriptors[name] = descriptor
        yield descriptors


def _parse(frame: bytes) -> dict[str, object] | None:
    if len(frame) < PREFIX.size or len(frame) - PREFIX.size != PREFIX.unpack_from(frame)[0]:
        return None
    try:
        message: object = json.loads(frame[PREFIX.size :])
    except ValueError:
        return None
    return cast("dict[str, object]", message) if isinstance(message, dict) else None


def _spawn(command: Command, ends: Ends) -> "subprocess.Popen[bytes]":
    """Start the process in the calling thread: it is killed when that thread ends."""
    control, stdout, stderr = ends.far
    configuration = {"control": control, **command.configuration}
    return subprocess.Popen(  # noqa: S603 - no shell, and every argument is ours
        [*command.arguments, json.dumps(configuration)],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        env=dict(command.environment),
        pass_fds=[control, *command.descriptors],
        start_new_session=True,
    )


@contextlib.contextmanager
def _whole_group_ends_with(process: "subprocess.Popen[bytes]") -> Generator[None]:
    """Let nobody hold the control socket, without a word, when a child of ours has ended early."""
    loop = asyncio.get_running_loop()
    pidfd = os.pidfd_open(process.pid)

    def on_exit() -> None:
        loop.remove_reader(pidfd)
        _kill_group(process)

    loop.add_reader(pidfd, on_exit)
    try:
        yield
    finally:
        loop.remove_reader(pidfd)
        os.close(pidfd)


async def _end(process: "subprocess.Popen[bytes]") -> None:
    _kill_group(process)
    await reap(process)


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    # Until its namespaces are made, bubblewrap's own child waits for bubblewrap and is not yet
    # bound to die with it.
    if process.returncode is None:  # or its number may be somebody else's by now
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _read_all(descriptor: int) -> str:
    with contextlib.suppress(BlockingIOError):
        return os.read(descriptor, MESSAGE_LIMIT).decode("utf-8", "replace")
    return ""
