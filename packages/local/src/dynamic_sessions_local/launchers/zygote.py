"""The server's side of a zygote: one sandboxed process from which sessions are forked."""

import asyncio
import contextlib
import json
import os
import select
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from dynamic_sessions_local.errors import KernelStartError
from dynamic_sessions_local.launchers.start import (
    PREFIX,
    START_SECONDS,
    Ends,
    Started,
    exited,
    failures_in,
    reap,
    receive,
)

if TYPE_CHECKING:
    import subprocess


class Zygote:
    """A zygote that has said that it is ready.

    Args:
        process: The child of this process, bubblewrap's.
        started: What the zygote handed over.
        on_close: Called when nothing of it is left.

    Attributes:
        sessions: How many that were forked from it are not released yet.
    """

    def __init__(
        self,
        process: "subprocess.Popen[bytes]",
        started: Started,
        *,
        on_close: Callable[[], object],
    ) -> None:
        self.sessions = 0
        self._on_close = on_close
        self._process = process
        self._channel = started.channel
        self._outermost = started.first
        self._turn = asyncio.Lock()
        self._is_lost = False
        self._closed = False

    @property
    def alive(self) -> bool:
        """False once it has ended, whatever became of its sessions."""
        if self._closed or self._is_lost:
            return False
        death = select.poll()
        death.register(self._channel.worker, select.POLLIN)
        return not death.poll(0)

    async def preload(self, names: Sequence[str]) -> tuple[dict[str, str], bool]:
        """Import modules.

        Returns:
            The modules that failed and why; and whether the zygote can still be forked.

        Raises:
            KernelStartError: The zygote did not survive it.
        """
        async with self._turn:
            self._send({"preload": list(names)})
            try:
                message, _ = await self._receive(descriptors=0)
            except asyncio.CancelledError:
                self._end()  # or its answer would be taken for another one
                raise
        return failures_in(message), bool(message.get("usable"))

    async def fork(self) -> Started:
        """Return a session that is ready.

        Raises:
            KernelStartError: It did not become ready, or there is no zygote any more.
        """
        ends = Ends()
        try:
            first = await self._begin_session(ends)
        except BaseException:
            ends.close_near()
            raise
        finally:
            ends.close_far()
        try:
            return await ends.greeted(watched=0, end=lambda: _end_session(first))
        finally:
            os.close(first)

    async def close(self) -> None:
        """End it and every session that was forked from it."""
        if self._closed:
            return
        self._closed = True
        _kill(self._outermost)
        await exited(self._outermost)
        await reap(self._process)
        channel = self._channel
        channel.control.close()
        for descriptor in (
            self._outermost,
            channel.worker,
            channel.stdout,
            channel.stderr,
            channel.data_directory,
        ):
            os.close(descriptor)
        self._on_close()

    async def _begin_session(self, ends: Ends) -> int:
        """Return a pidfd of the first process of the session's namespace."""
        async with self._turn:
            self._send({}, ends.far)
            answer = asyncio.ensure_future(self._receive(descriptors=1))
            try:
                message, descriptors = await asyncio.shield(answer)
            except asyncio.CancelledError:
                await _settle(answer)
                raise
        if not descriptors:
            # A descriptor that came without a word of error found no room here.
            reason = message.get("error", "this process has too many open files")
            raise KernelStartError(f"the zygote could not fork: {reason}")
        return descriptors[0]

    def _send(self, request: Mapping[str, object], descriptors: Sequence[int] = ()) -> None:
        body = json.dumps(request).encode("ascii")
        try:
            socket.send_fds(self._channel.control, [PREFIX.pack(len(body)) + body], descriptors)
        except ConnectionError as error:
            self._end()
            raise KernelStartError(f"the zygote has ended: {error}") from error
        except OSError as error:
            raise KernelStartError(f"the zygote could not be asked: {error}") from error

    async def _receive(self, *, descriptors: int) -> tuple[dict[str, object], list[int]]:
        try:
            async with asyncio.timeout(START_SECONDS):
                return await receive(self._channel.control, descriptors=descriptors)
        except TimeoutError as error:
            self._end()
            raise KernelStartError(f"no word within {START_SECONDS:.0f} s") from error
        except (EOFError, OSError) as error:
            self._end()
            raise KernelStartError("the zygote has ended") from error

    def _end(self) -> None:
        """End the zygote alone; its sessions live on."""
        # A process lets go of its sockets a moment before others can see that it has ended.
        self._is_lost = True
        _kill(self._channel.worker)


async def _settle(answer: "asyncio.Future[tuple[dict[str, object], list[int]]]") -> None:
    """Wait for an answer that nobody wants any more, and end the session that it brings."""
    while not answer.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({answer})
    if answer.exception() is None:
        for first in answer.result()[1]:
            _kill(first)
            os.close(first)


async def _end_session(first: int) -> None:
    _kill(first)
    await exited(first)


def _kill(pidfd: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
