"""What a session was asked to run, for a person who watches: within bounds, and as it happens."""

import asyncio
import contextlib
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from dynamic_sessions_local.limits import Limits
from dynamic_sessions_local.outcome import Outcome
from dynamic_sessions_local.programs import Command, Program

State = Literal["waiting", "running", "succeeded", "failed", "timed_out", "aborted", "canceled"]


class Changes:
    """Counts what happens in a pool, and wakes those who wait for more of it."""

    def __init__(self) -> None:
        self.count = 0
        self.closed = False
        self._next = asyncio.Event()

    def note(self) -> int:
        """Something happened; return its number."""
        self.count += 1
        self._next.set()
        self._next = asyncio.Event()
        return self.count

    def close(self) -> None:
        """Nothing more will happen."""
        self.closed = True
        self.note()

    async def wait(self, *, after: int, seconds: float) -> None:
        """Return when something happened after that number, or after so many seconds."""
        if self.count <= after and not self.closed:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._next.wait(), seconds)


@dataclass(kw_only=True, eq=False)
class Cell:
    """One execution, from the moment it was asked for.

    Attributes:
        number: Its place among all of its session, from 1.
        program: What was asked for.
        asked_at: When.
        begun_at: When its turn came; None while it waits, and where it never came.
        outcome: What came of it; None until it has ended, and where its caller gave it up.
        ended: Whether nothing more will come of it.
        change: The number of the latest thing that happened to it.
    """

    number: int
    program: Program
    asked_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    begun_at: datetime | None = None
    outcome: Outcome | None = None
    ended: bool = False
    change: int = 0

    @property
    def code(self) -> str:
        """The text of the program, for people."""
        if not isinstance(self.program, Command):
            return self.program.source
        arguments = self.program.arguments
        return arguments[2] if arguments[:2] == ("/bin/bash", "-c") else " ".join(arguments)

    @property
    def is_set_up(self) -> bool:
        """Whether it looks like what clients run of their own accord: one line that leaves no name.

        By its look alone, since the wire does not tell; whoever relies on it can be misled.
        """
        code = self.code
        return code.startswith(("exec('", 'exec("')) and code.endswith("})") and "\n" not in code

    @property
    def state(self) -> State:
        """What becomes of it."""
        if self.outcome is not None:
            return "canceled" if self.outcome.canceled else self.outcome.reply.status
        if self.ended:
            return "canceled"
        return "waiting" if self.begun_at is None else "running"

    @property
    def size(self) -> int:
        """About how many characters it holds."""
        size = len(self.code)
        if self.outcome is not None:
            reply = self.outcome.reply
            size += len(reply.stdout) + len(reply.stderr)
            size += len(str(reply.value.data)) + len(reply.value.html)
        return size


class History:
    """The executions of one session: all that wait and run, and the latest that have ended.

    Args:
        limits: How many, and how large, those that have ended may be.
        changes: Where to count what happens to them.

    Attributes:
        asked_count: How many there were in all.
    """

    def __init__(self, limits: Limits, changes: Changes) -> None:
        self._limits = limits
        self._changes = changes
        self.asked_count = 0
        self._cells: list[Cell] = []

    @property
    def cells(self) -> list[Cell]:
        """Those that are remembered, the oldest first."""
        return list(self._cells)

    @property
    def running(self) -> Cell | None:
        """The one whose turn it is."""
        return next((cell for cell in self._cells if cell.state == "running"), None)

    @contextlib.contextmanager
    def asked(self, program: Program) -> Generator[Cell]:
        """Remember an execution, which ends with the with-block."""
        self.asked_count += 1
        cell = Cell(number=self.asked_count, program=program)
        self._cells.append(cell)
        cell.change = self._changes.note()
        try:
            yield cell
        finally:
            cell.ended = True
            cell.change = self._changes.note()
            self._forget_oldest()

    def begin(self, cell: Cell) -> None:
        """Its turn has come."""
        cell.begun_at = datetime.now(UTC)
        cell.change = self._changes.note()

    def _forget_oldest(self) -> None:
        ended = [cell for cell in self._cells if cell.ended]
        room = self._limits.remembered_characters
        for number, cell in enumerate(reversed(ended)):
            room -= cell.size
            if number and (number >= self._limits.remembered_executions or room < 0):
                self._cells.remove(cell)
