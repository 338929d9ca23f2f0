"""Agent Framework's tool."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from benchmarks.executing import TOKEN, Execute
from benchmarks.programs import ADD
from maf_dynamic_sessions import DynamicSessionsTool


@asynccontextmanager
async def ours(endpoint: str) -> AsyncGenerator[Execute]:
    """Yield what executes by this project's tool."""
    async with DynamicSessionsTool(endpoint, TOKEN) as tool:

        async def execute() -> object:
            return (await tool.invoke(arguments={"code": ADD.code}))[0].text

        yield execute
