"""Some calls at a time."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import anyio

T = TypeVar("T")


async def gather(calls: Sequence[Callable[[], Awaitable[T]]], at_once: int) -> Sequence[T]:
    """Make calls, some at a time, and return their results in order; the first error ends all."""
    if at_once < 1:
        raise ValueError("at_once is at least 1.")
    results: dict[int, T] = {}
    errors: list[Exception] = []
    limiter = anyio.Semaphore(at_once)

    async def call_in_turn(number: int, call: Callable[[], Awaitable[T]]) -> None:
        async with limiter:
            results[number] = await call()

    try:
        async with anyio.create_task_group() as tasks:
            for number, call in enumerate(calls):
                tasks.start_soon(call_in_turn, number, call)
    except* Exception as group:  # noqa: BLE001 - one of them is raised below
        errors.extend(group.exceptions)
    if errors:
        raise errors[0]
    return [results[number] for number in range(len(calls))]
