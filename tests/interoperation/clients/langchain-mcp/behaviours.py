"""langchain-mcp-adapters, of the SDK's first age, with our MCP server and the pool's own tools."""

import base64

import pytest
from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools

pytestmark = pytest.mark.anyio

PLOT = "import matplotlib.pyplot as plt; plt.plot([1, 2]); None"


def client_of(mcp_server, transport: str, identifier: str | None = None) -> MultiServerMCPClient:
    connection = {
        "stdio": {
            "transport": "stdio",
            "command": mcp_server.command,
            "args": mcp_server.arguments,
            "env": mcp_server.variables,
        },
        "http": {
            "transport": "streamable_http",
            "url": mcp_server.url,
            "headers": mcp_server.headers(identifier),
        },
    }
    return MultiServerMCPClient({"sessions": connection[transport]})


async def called(tool: BaseTool, **arguments: object) -> ToolMessage:
    call = {"type": "tool_call", "id": "1", "name": tool.name, "args": arguments}
    return await tool.ainvoke(call)


def text_of(message: ToolMessage) -> str:
    return "".join(block.get("text", "") for block in message.content)


@pytest.mark.parametrize("transport", ["stdio", "http"])
async def test_one_connection_keeps_its_session(mcp_server, transport: str) -> None:
    async with client_of(mcp_server, transport).session("sessions") as session:
        tools = {tool.name: tool for tool in await load_mcp_tools(session)}
        await called(tools["run_python"], code="x = 41")
        ran = await called(tools["run_python"], code="x + 1")
        plotted = await called(tools["run_python"], code=PLOT)
        failed = await called(tools["run_python"], code="1 / 0")
        await called(tools["write_file"], name="a.txt", content="text")
        read = await called(tools["read_file"], name="a.txt")
    assert text_of(ran) == "42"
    assert ran.artifact["structured_content"]["result"] == 42
    (image,) = [block for block in plotted.content if block["type"] == "image"]
    assert base64.b64decode(image["base64"]).startswith(b"\x89PNG")
    assert failed.status == "error"
    assert "ZeroDivisionError" in text_of(failed)
    assert text_of(read) == "text"


async def test_tools_without_a_connection_find_a_session_by_its_name(
    mcp_server, identifier: str
) -> None:
    client = client_of(mcp_server, "http", identifier)
    tools = {tool.name: tool for tool in await client.get_tools()}
    await called(tools["run_python"], code="x = 42")
    assert text_of(await called(tools["run_python"], code="x")) == "42"
    await called(tools["reset_session"])


async def test_tools_without_a_connection_or_a_name_begin_anew_each_time(mcp_server) -> None:
    client = client_of(mcp_server, "http")
    tools = {tool.name: tool for tool in await client.get_tools()}
    await called(tools["run_python"], code="x = 42")
    assert "NameError" in text_of(await called(tools["run_python"], code="x"))


async def test_the_pools_own_tools_can_be_called(endpoint: str, token: str) -> None:
    connection = {
        "transport": "streamable_http",
        "url": f"{endpoint}mcp",
        "headers": {"x-ms-apikey": token},
    }
    client = MultiServerMCPClient({"sessions": connection})
    tools = {tool.name: tool for tool in await client.get_tools()}
    launched = await called(tools["launchShell"])
    environment = launched.artifact["structured_content"]["environmentId"]
    ran = await called(
        tools["runPythonCodeInRemoteEnvironment"],
        environmentId=environment,
        pythonCode="6 * 7",
    )
    assert ran.artifact["structured_content"]["executionResult"] == 42
