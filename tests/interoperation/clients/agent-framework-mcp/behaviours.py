"""Agent Framework's MCP tools, with our server and the pool's own."""

import json
from contextlib import AsyncExitStack

import httpx2
import pytest
from agent_framework import MCPStdioTool, MCPStreamableHTTPTool
from agent_framework.exceptions import ToolExecutionException

pytestmark = pytest.mark.anyio

PLOT = "import matplotlib.pyplot as plt; plt.plot([1, 2]); None"


async def connected(stack: AsyncExitStack, mcp_server, transport: str, **options: object):
    if transport == "stdio":
        tool = MCPStdioTool(
            "sessions",
            command=mcp_server.command,
            args=mcp_server.arguments,
            env=mcp_server.variables,
            **options,
        )
    else:
        http_client = await stack.enter_async_context(
            httpx2.AsyncClient(headers=mcp_server.headers(), timeout=60)
        )
        tool = MCPStreamableHTTPTool(
            "sessions", url=mcp_server.url, http_client=http_client, **options
        )
    return await stack.enter_async_context(tool)


@pytest.mark.parametrize("transport", ["stdio", "http"])
async def test_one_tool_keeps_its_session(mcp_server, transport: str) -> None:
    async with AsyncExitStack() as stack:
        tool = await connected(stack, mcp_server, transport)
        await tool.call_tool("run_python", code="x = 41")
        (ran,) = await tool.call_tool("run_python", code="x + 1")
        with pytest.raises(ToolExecutionException, match="ZeroDivisionError"):
            await tool.call_tool("run_python", code="1 / 0")
        names = {function.name for function in tool.functions}
    assert json.loads(ran.text)["result"] == 42
    assert {"run_python", "read_file", "write_file"} <= names


@pytest.mark.parametrize("transport", ["stdio", "http"])
async def test_pictures_arrive_where_content_comes_first(mcp_server, transport: str) -> None:
    async with AsyncExitStack() as stack:
        tool = await connected(stack, mcp_server, transport, tool_result_content="content_first")
        text, picture = await tool.call_tool("run_python", code=PLOT)
    assert text.type == "text"
    assert picture.media_type == "image/png"


async def test_by_its_default_a_picture_is_dropped(mcp_server) -> None:
    async with AsyncExitStack() as stack:
        tool = await connected(stack, mcp_server, "stdio")
        (only,) = await tool.call_tool("run_python", code=PLOT)
    assert only.type == "text"


async def test_the_pools_own_tools_can_be_called(endpoint: str, token: str) -> None:
    async with (
        httpx2.AsyncClient(headers={"x-ms-apikey": token}, timeout=60) as http_client,
        MCPStreamableHTTPTool(
            "pool", url=f"{endpoint}mcp", http_client=http_client, load_prompts=False
        ) as tool,
    ):
        (launched,) = await tool.call_tool("launchShell")
        (ran,) = await tool.call_tool(
            "runPythonCodeInRemoteEnvironment",
            environmentId=json.loads(launched.text)["environmentId"],
            pythonCode="6 * 7",
        )
    assert json.loads(ran.text)["executionResult"] == 42
