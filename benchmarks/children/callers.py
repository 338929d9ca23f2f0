"""Callers of sessions, in a process whose environment says which certificates they trust.

Each question is the name of a method below and its arguments.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

from benchmarks.callers import CALLERS, Caller, Place


class _Sessions:
    """What is open, by the kind of its callers."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self._runner = runner
        self._open: dict[str, tuple[AsyncExitStack, Sequence[Caller]]] = {}

    def first(self, kind: str, *place: Any) -> float:
        """Open sessions; seconds until the first execution of each has its result."""

        async def open_and_execute() -> None:
            await self._enter(kind, place)
            await self._together(kind, lambda caller: caller.execute())

        return self._timed(open_and_execute)

    def start(self, kind: str, *place: Any) -> float:
        """Open sessions; seconds until all have started."""

        async def open_and_start() -> None:
            await self._enter(kind, place)
            await self._together(kind, lambda caller: caller.start())

        return self._timed(open_and_start)

    def execute(self, kind: str, count: int) -> list[float]:
        """Seconds until an execution in each session has its result, so many times."""

        async def execute() -> None:
            await self._together(kind, lambda caller: caller.execute())

        return [self._timed(execute) for _ in range(count)]

    def close(self, kind: str) -> None:
        """Close what is open."""
        stack, _ = self._open.pop(kind)
        self._runner.run(stack.aclose())

    async def _enter(self, kind: str, place: Sequence[Any]) -> None:
        endpoint, token, identifiers = place
        stack = AsyncExitStack()
        callers = await stack.enter_async_context(
            CALLERS[kind](Place(endpoint=endpoint, token=token, identifiers=identifiers))
        )
        self._open[kind] = stack, callers

    async def _together(self, kind: str, call: Callable[[Caller], Awaitable[None]]) -> None:
        _, callers = self._open[kind]
        await asyncio.gather(*(call(each) for each in callers))

    def _timed(self, work: Callable[[], Awaitable[None]]) -> float:
        async def timed() -> float:
            begun = time.perf_counter()
            await work()
            return time.perf_counter() - begun

        return self._runner.run(timed())


def main() -> None:
    """Answer questions until standard input ends."""
    with asyncio.Runner() as runner:
        sessions = _Sessions(runner)
        for line in sys.stdin:
            method, *arguments = json.loads(line)
            sys.stdout.write(json.dumps(getattr(sessions, method)(*arguments)) + "\n")
            sys.stdout.flush()


main()
