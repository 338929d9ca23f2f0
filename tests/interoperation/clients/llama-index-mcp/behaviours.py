"""llama-index-tools-mcp, which connects anew for each call, with our server and the pool's own."""

import pytest
from llama_index.core.tools import FunctionTool
from llama_index.tools.mcp import BasicMCPClient, McpToolSpec

pytestmark = pytest.mark.anyio


async def tools_of(client: BasicMCPClient) -> dict[str, FunctionTool]:
    tools = await McpToolSpec(client).to_tool_list_async()
    return {tool.metadata.name: tool for tool in tools}


async def test_a_call_over_stdio_has_a_session_of_its_own(mcp_server) -> None:
    tools = await tools_of(
        BasicMCPClient(
            mcp_server.command, args=mcp_server.arguments, env=mcp_server.variables, timeout=60
        )
    )
    ran = await tools["run_python"].acall(code="6 * 7")
    assert ran.raw_output.structured_content["result"] == 42
    failed = await tools["run_python"].acall(code="1 / 0")
    assert failed.raw_output.is_error
    assert "ZeroDivisionError" in failed.content


async def test_a_session_with_a_name_outlives_a_call(mcp_server, identifier: str) -> None:
    client = BasicMCPClient(mcp_server.url, headers=mcp_server.headers(identifier), timeout=60)
    tools = await tools_of(client)
    await tools["run_python"].acall(code="x = 42")
    ran = await tools["run_python"].acall(code="x")
    assert ran.raw_output.structured_content["result"] == 42
    await tools["write_file"].acall(name="a.txt", content="text")
    read = await tools["read_file"].acall(name="a.txt")
    assert read.raw_output.content[0].text == "text"
    (resource,) = (await client.list_resources()).resources
    assert resource.uri == "session:///a.txt"
    await tools["reset_session"].acall()


async def test_a_picture_is_text_to_the_model(mcp_server) -> None:
    tools = await tools_of(
        BasicMCPClient(
            mcp_server.command, args=mcp_server.arguments, env=mcp_server.variables, timeout=60
        )
    )
    code = "import matplotlib.pyplot as plt; plt.plot([1, 2]); None"
    plotted = await tools["run_python"].acall(code=code)
    assert "iVBORw0KGgo" in plotted.content


async def test_the_pools_own_tools_can_be_called(endpoint: str, token: str) -> None:
    client = BasicMCPClient(f"{endpoint}mcp", headers={"x-ms-apikey": token}, timeout=60)
    tools = await tools_of(client)
    launched = await tools["launchShell"].acall()
    ran = await tools["runPythonCodeInRemoteEnvironment"].acall(
        environmentId=launched.raw_output.structured_content["environmentId"],
        pythonCode="6 * 7",
    )
    assert ran.raw_output.structured_content["executionResult"] == 42
