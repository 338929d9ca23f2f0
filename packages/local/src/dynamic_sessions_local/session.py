"""One identifier's kernel: its queue, its files, its successors."""

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime

from dynamic_sessions_local.errors import LocalPoolError
from dynamic_sessions_local.executions import Executions
from dynamic_sessions_local.files import copy_tree, in_thread
from dynamic_sessions_local.history import History
from dynamic_sessions_local.kernel import Kernel, KernelReply, Value
from dynamic_sessions_local.limits import Limits
from dynamic_sessions_local.outcome import Outcome
from dynamic_sessions_local.paths import FileError
from dynamic_sessions_local.programs import Program
from dynamic_sessions_local.warm import WarmKernels

_logger = logging.getLogger(__name__)


class SessionNotFoundError(LocalPoolError):
    """No session has this identifier, or it was deleted while the call went on."""


class Session:
    """One identifier's kernel and its successors, of which at most one is alive.

    Attributes:
        identifier: The caller's name for it.
        key: Its own name, which no other session has, before or after.
        created_at: When the identifier was first used.
        last_accessed_at: When its last call began or ended.
        executions: What it was asked to run, for those who ask by an id.
        history: The same for a person who watches; None where nobody may.
    """

    def __init__(
        self,
        identifier: str,
        kernels: WarmKernels,
        limits: Limits,
        history: History | None = None,
    ) -> None:
        self.identifier = identifier
        self.key = str(uuid.uuid4())
        self.executions = Executions(limits)
        self.history = history
        self._guid = _new_guid()
        self.created_at = self.last_accessed_at = datetime.now(UTC)
        self._kernels = kernels
        self._kernel: Kernel | None = None
        self._lost = False
        self._ended = False
        # asyncio's locks are fair: whoever asked first is served first.
        self._turn = asyncio.Lock()
        self._holding_kernel = asyncio.Lock()

    @property
    def guid(self) -> str:
        """Stands for the present kernel; another one as soon as that kernel is lost."""
        self._note_loss(lost=False)
        return self._guid

    @property
    def allocated(self) -> bool:
        """Whether a kernel was ever found."""
        return self._kernel is not None

    @property
    def ended(self) -> bool:
        """Whether it was deleted, or had its time."""
        return self._ended

    def memory(self) -> int:
        """Bytes that all its processes hold, what they share with others in proportion."""
        return 0 if self._kernel is None or self._ended else self._kernel.memory()

    def written(self) -> tuple[str, str]:
        """What the execution under way has written to stdout and stderr so far."""
        return ("", "") if self._kernel is None else self._kernel.written()

    async def interrupt(self) -> None:
        """Raise KeyboardInterrupt in the code that runs; nothing happens where none does."""
        if self._kernel is not None:
            await self._kernel.interrupt()

    async def execute(
        self,
        program: Program,
        *,
        timeout: float,
        output_limit: int,
        on_begin: Callable[[], object] = lambda: None,
    ) -> Outcome:
        """Run a program when all executions that came before have ended.

        A cancelled caller's program is stopped, by the kernel, before the next execution begins;
        one that was still waiting is never started.

        Args:
            program: What to run.
            timeout: Seconds from the moment it starts.
            output_limit: Characters that are kept of stdout, and again of stderr.
            on_begin: Called when its turn has come.
        """
        history = self.history
        if history is None:
            return await self._execute(program, timeout, output_limit, on_begin)
        with history.asked(program) as cell:

            def begin() -> None:
                history.begin(cell)
                on_begin()

            cell.outcome = await self._execute(program, timeout, output_limit, begin)
            return cell.outcome

    async def _execute(
        self,
        program: Program,
        timeout: float,
        output_limit: int,
        on_begin: Callable[[], object],
    ) -> Outcome:
        asked = time.perf_counter()
        async with self._turn:
            on_begin()
            waited = allocated = time.perf_counter()
            new_allocation = False
            try:
                async with self._holding_kernel:
                    before = self._kernel
                    kernel = await self._present_kernel()
                allocated = time.perf_counter()
                new_allocation = kernel is not before
                reply = await kernel.execute(
                    program,
                    timeout=timeout,
                    output_limit=output_limit,
                    html=self.history is not None,
                )
                self._note_loss(lost=reply.state_lost)
            except SessionNotFoundError:
                reply = _never_started()
        return Outcome(
            reply=reply,
            canceled=self._ended and reply.status == "aborted",
            guid=self.guid,
            new_allocation=new_allocation,
            waiting_seconds=waited - asked,
            allocation_seconds=allocated - waited,
        )

    @contextlib.asynccontextmanager
    async def directory(self) -> AsyncGenerator[int]:
        """The descriptor of /mnt/data, which stays that of the present kernel meanwhile.

        Raises:
            SessionNotFoundError: The session was deleted meanwhile.
        """
        async with self._holding_kernel:
            kernel = await self._present_kernel()
            yield kernel.data_directory

    async def end(self) -> None:
        """Kill the kernel at once, whatever it is doing, and forget its files."""
        self._ended = True
        self._guid = _new_guid()
        if self._kernel is not None:
            await self._kernel.kill()
        async with self._turn, self._holding_kernel:
            if self._kernel is not None:
                await self._kernel.close()

    async def _present_kernel(self) -> Kernel:
        self._refuse_if_ended()
        self._note_loss(lost=False)
        if self._kernel is not None and not self._lost:
            return self._kernel
        successor = await self._kernels.take()
        try:
            if self._kernel is not None:
                await self._hand_over_files(self._kernel, successor)
            self._refuse_if_ended()
        except BaseException:
            await successor.close()
            raise
        lost, self._kernel, self._lost = self._kernel, successor, False
        if lost is not None:
            await lost.close()
        return successor

    def _refuse_if_ended(self) -> None:
        if self._ended:
            raise SessionNotFoundError(f"session {self.identifier!r} was deleted")

    def _note_loss(self, *, lost: bool) -> None:
        """Name the successor as soon as a kernel is gone, so that this very call can tell."""
        if self._kernel is None or self._lost:
            return
        if lost or not self._kernel.alive:
            self._lost = True
            self._guid = _new_guid()

    async def _hand_over_files(self, lost: Kernel, successor: Kernel) -> None:
        await lost.kill()
        try:
            skipped = await in_thread(copy_tree, lost.data_directory, successor.data_directory)
        except FileError as error:
            _logger.warning("a restarted session did not get all of its files back: %s", error)
        else:
            if skipped:
                _logger.warning("a restarted session did not get %d files back", skipped)


def _new_guid() -> str:
    return str(uuid.uuid4())


def _never_started() -> KernelReply:
    return KernelReply(
        status="aborted",
        stdout="",
        stderr="",
        value=Value(kind="none", data=""),
        duration=0,
        state_lost=True,
        truncated=False,
    )
