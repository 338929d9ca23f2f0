"""Notices that a run goes on, for clients that would lose patience."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio

from dynamic_sessions_mcp.clients import RequestContext


@asynccontextmanager
async def reported_progress(
    context: RequestContext, *, every: float, total: float
) -> AsyncGenerator[None]:
    """Tell the client from time to time that its call is at work, if it asked to be told.

    Args:
        context: The request.
        every: Seconds between two notices.
        total: Seconds after which the call ends in any case.
    """
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_report, context, every, total)
        yield
        tasks.cancel_scope.cancel()


async def _report(context: RequestContext, every: float, total: float) -> None:
    begin = anyio.current_time()
    while True:
        await anyio.sleep(every)
        passed = anyio.current_time() - begin
        await context.session.report_progress(passed, total, f"running for {passed:.0f} s")
