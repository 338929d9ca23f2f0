"""The service's MCP tools, by the SDK's own client over streamable HTTP."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import cast

import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS, METHOD_NOT_FOUND, CallToolResult

from dynamic_sessions_local import LocalSessionPool

DEADLINE = 60
COMMAND = "runShellCommandInRemoteEnvironment"
PYTHON = "runPythonCodeInRemoteEnvironment"


@asynccontextmanager
async def connected(
    pool: LocalSessionPool, *, mode: str = "auto", header: str = "x-ms-apikey", prefix: str = ""
) -> AsyncGenerator[Client]:
    headers = {header: prefix + pool.credential.get_token().token}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=DEADLINE) as http_client,
        Client(
            streamable_http_client(f"{pool.endpoint}mcp", http_client=http_client),
            mode=mode,
            read_timeout_seconds=DEADLINE,
        ) as client,
    ):
        yield client


def content(result: CallToolResult) -> dict[str, object]:
    return cast("dict[str, object]", result.structured_content)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_strict_client_runs_commands_and_code(pool: LocalSessionPool, mode: str) -> None:
    async with connected(pool, mode=mode) as client:
        assert client.protocol_version == "2025-03-26"
        names = [tool.name for tool in (await client.list_tools()).tools]
        here = {"environmentId": content(await client.call_tool("launchShell"))["environmentId"]}
        await client.call_tool(PYTHON, {**here, "pythonCode": "x = 40; open('f', 'w').write('hi')"})
        value = await client.call_tool(PYTHON, {**here, "pythonCode": "x + 2"})
        command = await client.call_tool(COMMAND, {**here, "shellCommand": "cat f; exit 3"})
        failed = await client.call_tool(PYTHON, {**here, "pythonCode": "1 / 0"})
    assert names == ["launchShell", COMMAND, PYTHON]
    assert content(value)["executionResult"] == 42
    assert (content(command)["stdout"], content(command)["exitCode"]) == ("hi", 3)
    assert failed.is_error
    assert "ZeroDivisionError" in str(content(failed)["stderr"])


async def test_a_strict_client_of_a_shell_pool_has_no_tool_for_code(
    shell_pool: LocalSessionPool,
) -> None:
    async with connected(shell_pool) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        here = {"environmentId": content(await client.call_tool("launchShell"))["environmentId"]}
        words = await client.call_tool(COMMAND, {**here, "execCommandAndArgs": ["echo", "$HOME"]})
    assert names == ["launchShell", COMMAND]
    assert content(words)["stdout"] == "$HOME\n"


async def test_a_strict_client_reads_what_is_wrong(pool: LocalSessionPool) -> None:
    async with connected(pool) as client:
        unknown = await client.call_tool(COMMAND, {"environmentId": "x", "shellCommand": "true"})
        assert unknown.is_error
        with pytest.raises(MCPError) as raised:
            await client.call_tool(PYTHON, {"environmentId": "x"})
        assert raised.value.code == INVALID_PARAMS
        with pytest.raises(MCPError) as raised:
            await client.list_resources()
        assert raised.value.code == METHOD_NOT_FOUND


async def test_a_strict_client_without_the_key_cannot_connect(pool: LocalSessionPool) -> None:
    with pytest.raises(BaseExceptionGroup) as raised:
        async with connected(pool, header="Authorization", prefix="Bearer "):
            pytest.fail("it connected")
    assert raised.group_contains(MCPError)
