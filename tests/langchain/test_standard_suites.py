"""LangChain's own suites for tools, on real sessions."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from langchain_core.tools import BaseTool
from langchain_tests.integration_tests import ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests

from dynamic_sessions_local import LocalSessionPool
from langchain_dynamic_sessions import SessionsBashTool, SessionsPythonREPLTool


class TestPythonTool(ToolsUnitTests):
    @property
    def tool_constructor(self) -> type[BaseTool]:
        return SessionsPythonREPLTool

    @property
    def tool_constructor_params(self) -> dict[str, Any]:
        return {"pool_management_endpoint": "local"}

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"code": "print('hello world')"}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        expected = {"pool_management_endpoint": "local"}
        return {"DYNAMIC_SESSIONS_ENDPOINT": "local"}, {}, expected


class TestPythonToolOnASession(ToolsIntegrationTests):
    @pytest.fixture
    async def tool(self) -> AsyncIterator[BaseTool]:
        async with SessionsPythonREPLTool("local") as tool:
            yield tool

    @property
    def tool_constructor(self) -> type[BaseTool]:
        return SessionsPythonREPLTool

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"code": "print('hello world')"}


class TestBashTool(ToolsUnitTests):
    @property
    def tool_constructor(self) -> type[BaseTool]:
        return SessionsBashTool

    @property
    def tool_constructor_params(self) -> dict[str, Any]:
        return {"pool_management_endpoint": "local"}

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"command": "echo hello"}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        expected = {"pool_management_endpoint": "local"}
        return {"DYNAMIC_SESSIONS_ENDPOINT": "local"}, {}, expected


class TestBashToolOnASession(ToolsIntegrationTests):
    @pytest.fixture
    async def tool(self, shell_pool: LocalSessionPool) -> AsyncIterator[BaseTool]:
        async with SessionsBashTool(shell_pool.endpoint, shell_pool.credential) as tool:
            yield tool

    @property
    def tool_constructor(self) -> type[BaseTool]:
        return SessionsBashTool

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"command": "echo hello"}
