"""Moving many files, with a bar that tells how far that is."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from dynamic_sessions.downloads import Progress as Report
from dynamic_sessions.files import FILES_AT_ONCE
from dynamic_sessions.gathering import gather
from dynamic_sessions_cli.terminal import messages


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """One file to move."""

    size: int
    """Bytes."""
    move: Callable[[Report], Awaitable[str]]
    """Moves it, reports how far it is, and returns the name to show."""


async def move_all(verb: str, transfers: Sequence[Transfer]) -> Sequence[str]:
    """Move files, some at a time, and return their names; the first error ends all.

    Args:
        verb: What is done with them, for a person to read.
        transfers: The files.
    """
    with _Bar(verb, transfers) as bar:
        calls = [partial(bar.follow, number, transfer) for number, transfer in enumerate(transfers)]
        return await gather(calls, FILES_AT_ONCE)


class _Bar(AbstractContextManager["_Bar"]):
    """One bar for all files. Where standard error is no terminal there is none."""

    def __init__(self, verb: str, transfers: Sequence[Transfer]) -> None:
        console = messages()
        self._verb = verb
        self._moved = [0] * len(transfers)
        self._finished = 0
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        total = sum(transfer.size for transfer in transfers)
        self._task = self._progress.add_task(self._description(), total=total)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    async def follow(self, number: int, transfer: Transfer) -> str:
        name = await transfer.move(partial(self._report, number))
        self._finished += 1
        self._report(number, transfer.size, transfer.size)
        return name

    def _report(self, number: int, moved: int, _total: int | None) -> None:
        self._moved[number] = moved
        self._progress.update(
            self._task, completed=sum(self._moved), description=self._description()
        )

    def _description(self) -> str:
        return f"{self._verb} {self._finished}/{len(self._moved)}"
