"""LlamaIndex's tools, called as an agent calls them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from llama_index.core.tools import FunctionTool
from llama_index.tools.azure_code_interpreter import (  # pyright: ignore[reportMissingTypeStubs]
    AzureCodeInterpreterToolSpec,
)

from benchmarks.executing import TOKEN, Execute
from benchmarks.programs import ADD
from llama_index.tools.dynamic_sessions import DynamicSessionsToolSpec


@asynccontextmanager
async def ours(endpoint: str) -> AsyncGenerator[Execute]:
    """Yield what executes by this project's tool, with await."""
    async with DynamicSessionsToolSpec(endpoint, TOKEN) as spec:
        tool = spec.to_tool_list()[0]

        async def execute() -> object:
            return (await tool.acall(code=ADD.code)).content

        yield execute


@asynccontextmanager
async def ours_synchronous(endpoint: str) -> AsyncGenerator[Execute]:
    """Yield what executes by this project's tool, without await."""
    with DynamicSessionsToolSpec(endpoint, TOKEN) as spec:
        tool = spec.to_tool_list()[0]

        async def execute() -> object:
            return tool.call(code=ADD.code).content

        yield execute


@asynccontextmanager
async def theirs(endpoint: str) -> AsyncGenerator[Execute]:
    """Yield what executes by the tool of llama-index-tools-azure-code-interpreter, with await."""
    tool = _their_tool(endpoint)

    async def execute() -> object:
        return (await tool.acall(python_code=ADD.code)).content

    yield execute


@asynccontextmanager
async def theirs_synchronous(endpoint: str) -> AsyncGenerator[Execute]:
    """Yield what executes by the tool of llama-index-tools-azure-code-interpreter."""
    tool = _their_tool(endpoint)

    async def execute() -> object:
        return tool.call(python_code=ADD.code).content

    yield execute


def _their_tool(endpoint: str) -> FunctionTool:
    spec = AzureCodeInterpreterToolSpec(pool_management_endpoint=endpoint)
    # It takes no credential, but this attribute is public.
    spec.access_token_provider = lambda: TOKEN
    return spec.to_tool_list()[0]
