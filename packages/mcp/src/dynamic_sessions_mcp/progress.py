"""Notices that a call is at work, for clients that would lose patience."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from dynamic_sessions_mcp.clients import RequestContext

T = TypeVar("T")


async def reporting_progress(
    context: RequestContext, work: Callable[[], Awaitable[T]], *, every: float, total: float
) -> T:
    """Do some work, and tell the client from time to time that it goes on, if it asked to be told.

    Args:
        context: The request.
        work: What to await; its errors are raised as they are.
        every: Seconds between two notices.
        total: Seconds after which the work ends in any case.
    """
    results: list[T] = []
    errors: list[Exception] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_report, context, every, total)
        try:
            results.append(await work())
        except Exception as error:  # noqa: BLE001 - raised below, where no task group wraps it
            errors.append(error)
        tasks.cancel_scope.cancel()
    if errors:
        raise errors[0]
    return results[0]


async def _report(context: RequestContext, every: float, total: float) -> None:
    begin = anyio.current_time()
    while True:
        await anyio.sleep(every)
        passed = anyio.current_time() - begin
        await context.session.report_progress(passed, total, f"running for {passed:.0f} s")
