"""Our client without a framework around it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from benchmarks.executing import TOKEN, Execute
from benchmarks.programs import ADD
from dynamic_sessions import AsyncSessionPool, SessionPool


@asynccontextmanager
async def asynchronous(endpoint: str) -> AsyncGenerator[Execute]:
    """Yield what executes by AsyncSession."""

    async def execute() -> object:
        return (await session.execute(ADD.code)).result

    async with AsyncSessionPool(endpoint, TOKEN) as pool:
        session = pool.session()
        yield execute


@asynccontextmanager
async def synchronous(endpoint: str) -> AsyncGenerator[Execute]:
    """Yield what executes by Session."""

    async def execute() -> object:
        return session.execute(ADD.code).result

    with SessionPool(endpoint, TOKEN) as pool:
        session = pool.session()
        yield execute
