"""One session's kernel: execute, interrupt and kill what runs in a sandbox.

Whatever comes back from there is taken as hostile. Code in the session can reach the worker's end of
the socket, so a reply has a length cap, a shape and a deadline, and what breaks one of these ends the
session; it is never an exception and never a hang.
"""

import asyncio
import json
import os
import select
import signal
import socket
import struct
import time
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from dynamic_sessions_local.output import Output
from dynamic_sessions_local.programs import Program, PythonCode, request_of
from dynamic_sessions_local.replies import NO_VALUE, Value, WorkerReply, parse_reply

TIMED_OUT = "Request timed out waiting for code execution to complete"
ABORTED = "Execution aborted"

REPLY_LIMIT = 24 << 20
# PIDFD_SIGNAL_PROCESS_GROUP, since Linux 6.9.
WHOLE_GROUP = 4
PREFIX = struct.Struct(">I")

__all__ = ["Channel", "Kernel", "KernelReply", "Processes", "Value"]


@dataclass(frozen=True, kw_only=True)
class KernelReply:
    """What one execution came to.

    Attributes:
        status: How it ended: by itself ("succeeded", "failed"), at its time limit ("timed_out"), or
            with its worker ("aborted").
        stdout: What the code, and everything it started, wrote.
        stderr: Likewise, then the traceback where the code failed. At a time limit or an abort it is
            the service's documented sentence alone, or with the reason where a limit was exceeded.
        value: The value of the last expression.
        duration: Seconds.
        state_lost: True where the session's processes are dead: variables are gone, while the files
            can still be read.
        truncated: True where output or value were cut.
    """

    status: Literal["succeeded", "failed", "timed_out", "aborted"]
    stdout: str
    stderr: str
    value: Value
    duration: float
    state_lost: bool
    truncated: bool


class Processes(Protocol):
    """Everything that runs in one session, as far as it can be ended.

    Attributes:
        excess: What it used too much of, in words, where it was ended for that.
    """

    excess: str

    async def kill(self) -> None:
        """Return when every process of the session is dead; may be called again."""
        ...

    def memory(self) -> int:
        """Bytes that all its processes hold, what they share with others in proportion."""
        ...

    def release(self) -> None:
        """Give up what holds the dead processes; called once, after kill."""
        ...


@dataclass(frozen=True, kw_only=True)
class Channel:
    """The server's ends of a session, all owned by the kernel.

    Attributes:
        control: The connected socket, not blocking.
        stdout: The reading end of the session's standard output, not blocking.
        stderr: Likewise of its standard error.
        worker: A pidfd of the worker.
        data_directory: The session's /mnt/data.
    """

    control: socket.socket
    stdout: int
    stderr: int
    worker: int
    data_directory: int


class Kernel:
    """A running worker. Belongs to the event loop in which it was made."""

    def __init__(self, channel: Channel, processes: Processes, *, interrupt_grace: float) -> None:
        self.data_directory = channel.data_directory
        self._channel = channel
        self._processes = processes
        self._grace = interrupt_grace
        self._turn = asyncio.Lock()
        self._executions = 0
        self._streams: tuple[Output, Output] | None = None
        self._finished = False
        self._closed = False
        self._loop = asyncio.get_running_loop()
        self._worker_died = self._loop.create_future()
        self._aftermath: asyncio.Task[None] | None = None
        self._loop.add_reader(channel.worker, self._on_worker_death)
        self._death = select.poll()
        self._death.register(channel.worker, select.POLLIN)

    @property
    def alive(self) -> bool:
        """False once the worker is dead or was given up."""
        if self._finished or self._worker_died.done():
            return False
        # The event loop may not have come to hear of it yet.
        return not self._death.poll(0)

    async def execute(
        self, program: Program | str, *, timeout: float, output_limit: int, html: bool = False
    ) -> KernelReply:
        """Run a program and return what came of it; executions wait for one another.

        Args:
            program: What to run; a str is Python code.
            timeout: Seconds until it is interrupted, and killed if it does not react.
            output_limit: Characters kept of stdout, and again of stderr.
            html: Have the value in HTML too, where it can be.
        """
        if isinstance(program, str):
            program = PythonCode(source=program)
        async with self._turn:
            started = time.monotonic()
            if not self.alive:
                await self.kill()
                return self._ended("aborted", self._aborted(), "", started, truncated=False)
            with (
                Output(self._channel.stdout, output_limit) as stdout,
                Output(self._channel.stderr, output_limit) as stderr,
            ):
                self._streams = (stdout, stderr)
                try:
                    status, reply = await self._supervise(program, timeout, html=html)
                finally:
                    self._streams = None
                stdout.read_rest()
                stderr.read_rest()
            truncated = (
                stdout.truncated or stderr.truncated or (reply is not None and reply.truncated)
            )
            if status == "timed_out":
                return self._ended(status, TIMED_OUT, stdout.text, started, truncated=truncated)
            if reply is None:
                return self._ended(
                    "aborted", self._aborted(), stdout.text, started, truncated=truncated
                )
            return KernelReply(
                status="succeeded" if reply.succeeded else "failed",
                stdout=stdout.text,
                stderr=_append(stderr.text, reply.traceback),
                value=reply.value,
                duration=time.monotonic() - started,
                state_lost=not self.alive,
                truncated=truncated,
            )

    def written(self) -> tuple[str, str]:
        """What the execution under way has written to stdout and stderr so far."""
        if self._streams is None:
            return "", ""
        stdout, stderr = self._streams
        return stdout.text, stderr.text

    def memory(self) -> int:
        """Bytes that all processes of the session hold, what they share with others in proportion."""
        return 0 if self._closed else self._processes.memory()

    async def interrupt(self) -> None:
        """Raise KeyboardInterrupt in the code that runs; nothing happens where none does."""
        if not self.alive:
            return
        for flags in (WHOLE_GROUP, 0):
            try:
                signal.pidfd_send_signal(self._channel.worker, signal.SIGINT, None, flags)
            except ProcessLookupError:
                return
            except OSError:
                continue  # an older kernel knows no groups here
            return

    async def kill(self) -> None:
        """End every process of the session and return when they are dead."""
        self._finished = True
        if not self._closed:
            await self._processes.kill()

    async def close(self) -> None:
        """Kill, then close every descriptor, the data directory's too."""
        await self.kill()
        # An execution that was under way ends by the kill; until then it uses the descriptors.
        async with self._turn:
            if self._closed:
                return
            self._closed = True
            self._loop.remove_reader(self._channel.worker)
            self._processes.release()
            self._channel.control.close()
            for descriptor in (
                self._channel.stdout,
                self._channel.stderr,
                self._channel.worker,
                self.data_directory,
            ):
                os.close(descriptor)

    async def _supervise(
        self, program: Program, timeout: float, *, html: bool
    ) -> tuple[Literal["replied", "timed_out"], WorkerReply | None]:
        """Return the reply, None for one that did not come or was not acceptable."""
        self._executions += 1
        exchange = asyncio.ensure_future(self._exchange(self._executions, program, html))
        try:
            if await self._wait(exchange, timeout):
                return "replied", await self._accept(exchange)
            await self._stop(exchange)
        except asyncio.CancelledError:
            # Either way the kernel is left idle or dead, for whoever comes next.
            await (self._accept(exchange) if exchange.done() else self._stop(exchange))
            raise
        finally:
            await _discard(exchange)
        return "timed_out", None

    async def _wait(self, exchange: "asyncio.Future[WorkerReply | None]", timeout: float) -> bool:
        """Return False where neither a reply nor the worker's death came in time."""
        done, _ = await asyncio.wait(
            {exchange, self._worker_died}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED
        )
        return bool(done)

    async def _accept(self, exchange: "asyncio.Future[WorkerReply | None]") -> WorkerReply | None:
        if not exchange.done():
            # The worker died first. With every process dead nobody holds the socket's other end, so
            # what it sent before is all there is.
            await self.kill()
            await asyncio.wait({exchange}, timeout=self._grace)
        reply = exchange.result() if exchange.done() else None
        if reply is None:
            await self.kill()
        return reply

    async def _stop(self, exchange: "asyncio.Future[WorkerReply | None]") -> None:
        """Interrupt; leave the worker idle, or dead where it does not become so within the grace."""
        try:
            await self.interrupt()
            idle = await self._wait(exchange, self._grace) and exchange.done()
            if not idle or exchange.result() is None:
                await self.kill()
        except asyncio.CancelledError:
            await self.kill()
            raise

    async def _exchange(self, identity: int, program: Program, html: bool) -> WorkerReply | None:
        request = {"id": identity, "html": html, **request_of(program)}
        body = json.dumps(request).encode("ascii")
        try:
            await self._loop.sock_sendall(self._channel.control, PREFIX.pack(len(body)) + body)
            received = await self._receive(bytearray(), PREFIX.size)
            (size,) = PREFIX.unpack_from(received)
            if size > REPLY_LIMIT:
                return None
            received = await self._receive(received, PREFIX.size + size)
        except (EOFError, OSError):
            return None
        # More than was announced is the beginning of a reply that nobody asked for.
        whole = len(received) == PREFIX.size + size
        return parse_reply(bytes(received[PREFIX.size :]), identity=identity) if whole else None

    async def _receive(self, received: bytearray, least: int) -> bytearray:
        while len(received) < least:
            part = await self._loop.sock_recv(self._channel.control, 1 << 20)
            if not part:
                raise EOFError
            received += part
        return received

    def _on_worker_death(self) -> None:
        self._loop.remove_reader(self._channel.worker)
        self._worker_died.set_result(None)
        # What it started is of no use to anybody.
        self._aftermath = self._loop.create_task(self._processes.kill())

    def _aborted(self) -> str:
        excess = self._processes.excess
        return f"{ABORTED}\n(the session used {excess})" if excess else ABORTED

    def _ended(
        self,
        status: Literal["timed_out", "aborted"],
        sentence: str,
        stdout: str,
        started: float,
        *,
        truncated: bool,
    ) -> KernelReply:
        return KernelReply(
            status=status,
            stdout=stdout,
            stderr=sentence,
            value=NO_VALUE,
            duration=time.monotonic() - started,
            state_lost=not self.alive,
            truncated=truncated,
        )


async def _discard(future: "asyncio.Future[Any]") -> None:
    """Cancel what is no longer waited for, and wait until it is gone."""
    if future.cancel():
        await asyncio.wait({future})


def _append(written: str, traceback: str) -> str:
    gap = "\n" if written and traceback and not written.endswith("\n") else ""
    return written + gap + traceback
