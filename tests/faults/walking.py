"""Cancelling a call at each of its await points, one run of it after the other."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import Literal, TypeAlias

import anyio

How: TypeAlias = Literal["task", "scope"]
"""By asyncio's own cancellation, which comes once, or by a scope's, which goes on."""


class AwaitPoints:
    """Awaits something and, at one of its await points, cancels it."""

    def __init__(
        self, awaitable: Awaitable[object], *, at: int | None, cancel: Callable[[], object]
    ) -> None:
        self.count = 0
        self._awaitable = awaitable
        self._at = at
        self._cancel = cancel

    def __await__(self) -> Generator[object, object, object]:
        steps = self._awaitable.__await__()
        send: Callable[[], object] = lambda: next(steps)  # noqa: E731 - replaced in the loop
        while True:
            try:
                waiting_for = send()
            except StopIteration as stop:
                return stop.value
            if self.count == self._at:
                self._cancel()
            self.count += 1
            try:
                yield waiting_for
            except BaseException as error:  # noqa: BLE001 - handed on to where it belongs
                thrown = error
                send = lambda thrown=thrown: steps.throw(thrown)  # noqa: E731
            else:
                send = lambda: next(steps)  # noqa: E731


async def cancelled_at(call: Callable[[], Awaitable[object]], at: int, how: How) -> bool:
    """Make a call and cancel it at an await point; return whether there was one so late."""
    if how == "scope":
        with anyio.CancelScope() as scope:
            points = AwaitPoints(call(), at=at, cancel=scope.cancel)
            await points
            return at < points.count
        return True

    async def in_task() -> int:
        task = asyncio.current_task()
        assert task is not None
        points = AwaitPoints(call(), at=at, cancel=task.cancel)
        await points
        return points.count

    task = asyncio.create_task(in_task())
    try:
        return at < await task
    except asyncio.CancelledError:
        return True
