"""The pool reached by the clients that people use, instead of by one that costs next to nothing."""

import asyncio
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from benchmarks.clock import Measure, repeated, timed_async
from benchmarks.pool import PoolUnderTest, new_identifier
from benchmarks.programs import ADD
from dynamic_sessions import (
    AsyncSession,
    AsyncSessionPool,
    Execution,
    FunctionModule,
    SessionPool,
)


@contextmanager
def httpx_executions(pool: PoolUnderTest) -> Generator[Measure]:
    """Yield what measures an execution by httpx."""
    identifier = new_identifier()
    with pool.httpx_client() as client:

        def execute() -> None:
            reply = client.post(
                "executions", params={"identifier": identifier}, json={"code": ADD.code}
            )
            if ADD.ours not in reply.content:
                raise RuntimeError(reply.text)

        yield repeated(execute)


@contextmanager
def synchronous_executions(pool: PoolUnderTest) -> Generator[Measure]:
    """Yield what measures an execution by SessionPool."""
    with SessionPool(pool.endpoint, pool.token) as client:
        session = client.session()
        yield repeated(lambda: _check(session.execute(ADD.code)))


@contextmanager
def asynchronous_executions(
    endpoint: str, token: str, runner: asyncio.Runner, *, functions: Sequence[str] = ()
) -> Generator[Measure]:
    """Yield what measures an execution by AsyncSessionPool.

    Args:
        endpoint: Of the pool.
        token: Its bearer token.
        runner: The event loop.
        functions: Texts of functions that the session has set up first.
    """
    module = FunctionModule.from_functions(functions)

    async def several(session: AsyncSession, count: int) -> list[float]:
        return [await timed_async(lambda: _execute(session)) for _ in range(count)]

    with _asynchronous_client(endpoint, token, runner) as client:
        session = client.session(functions=module)
        yield lambda count: runner.run(several(session, count))


@contextmanager
def asynchronous_first_results(
    pool: PoolUnderTest, runner: asyncio.Runner, *, functions: Sequence[str] = ()
) -> Generator[Measure]:
    """Yield what measures a new session's first execution by AsyncSessionPool.

    Args:
        pool: The pool.
        runner: The event loop.
        functions: Texts of functions that the session has set up first.
    """
    module = FunctionModule.from_functions(functions)

    async def once(session: AsyncSession) -> float:
        seconds = await timed_async(lambda: _execute(session))
        await session.delete()
        return seconds

    with _asynchronous_client(pool.endpoint, pool.token, runner) as client:

        def measure(count: int) -> list[float]:
            taken: list[float] = []
            for _ in range(count):
                pool.wait_until_idle()
                taken.append(runner.run(once(client.session(functions=module))))
            return taken

        yield measure


@contextmanager
def _asynchronous_client(
    endpoint: str, token: str, runner: asyncio.Runner
) -> Generator[AsyncSessionPool]:
    client = AsyncSessionPool(endpoint, token)
    try:
        yield client
    finally:
        runner.run(client.close())


async def _execute(session: AsyncSession) -> None:
    _check(await session.execute(ADD.code))


def _check(execution: Execution) -> None:
    if execution.result != ADD.value:
        raise RuntimeError(f"not {ADD.value}: {execution}")
