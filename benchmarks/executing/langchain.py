"""LangChain's tools, called as an agent calls them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import langchain_azure_dynamic_sessions
from langchain_core.messages import ToolCall
from langchain_core.tools import BaseTool

import langchain_dynamic_sessions
from benchmarks.executing import TOKEN, Execute
from benchmarks.programs import ADD


@asynccontextmanager
async def ours(endpoint: str) -> AsyncGenerator[Execute]:
    """Yield what executes by this project's tool, with await."""
    tool = langchain_dynamic_sessions.SessionsPythonREPLTool(endpoint, TOKEN)

    async def execute() -> object:
        return (await tool.ainvoke(_call(tool, code=ADD.code))).content

    yield execute
    await tool.aclose()


@asynccontextmanager
async def ours_synchronous(endpoint: str) -> AsyncGenerator[Execute]:
    """Yield what executes by this project's tool, without await."""
    tool = langchain_dynamic_sessions.SessionsPythonREPLTool(endpoint, TOKEN)

    async def execute() -> object:
        return tool.invoke(_call(tool, code=ADD.code)).content

    yield execute
    tool.close()


@asynccontextmanager
async def theirs(endpoint: str) -> AsyncGenerator[Execute]:
    """Yield what executes by the tool of langchain-azure-dynamic-sessions, with await."""
    tool = _their_tool(endpoint)

    async def execute() -> object:
        return (await tool.ainvoke(_call(tool, python_code=ADD.code))).content

    yield execute


@asynccontextmanager
async def theirs_synchronous(endpoint: str) -> AsyncGenerator[Execute]:
    """Yield what executes by the tool of langchain-azure-dynamic-sessions, without await."""
    tool = _their_tool(endpoint)

    async def execute() -> object:
        return tool.invoke(_call(tool, python_code=ADD.code)).content

    yield execute


def _their_tool(endpoint: str) -> BaseTool:
    return langchain_azure_dynamic_sessions.SessionsPythonREPLTool(
        pool_management_endpoint=endpoint, access_token_provider=lambda: TOKEN
    )


def _call(tool: BaseTool, **arguments: str) -> ToolCall:
    return ToolCall(name=tool.name, args=arguments, id="1", type="tool_call")
