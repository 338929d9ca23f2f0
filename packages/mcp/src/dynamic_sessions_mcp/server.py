"""The MCP server: its tools and resources, over one session for each client connection."""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version
from typing import TypeAlias

import mcp.types as types
from mcp.server.lowlevel.server import Server
from mcp.shared.exceptions import MCPError
from mcp.types.version import MODERN_PROTOCOL_VERSIONS

from dynamic_sessions import (
    AsyncSessionPool,
    Credential,
    FunctionModule,
    InjectableFunction,
)
from dynamic_sessions_mcp import resources
from dynamic_sessions_mcp.clients import (
    ClientSessions,
    RequestContext,
    SessionSource,
    check_has_connections,
)
from dynamic_sessions_mcp.errors import REPORTED_ERRORS, error_text
from dynamic_sessions_mcp.execution_tools import execution_tools
from dynamic_sessions_mcp.file_tools import file_tools
from dynamic_sessions_mcp.results import failed_result
from dynamic_sessions_mcp.settings import ServerSettings
from dynamic_sessions_mcp.shared_folder_tools import shared_folder_tools
from dynamic_sessions_mcp.tools import ToolCall

logger = logging.getLogger("dynamic_sessions_mcp")

SessionServer: TypeAlias = "Server[ClientSessions]"

_NAME = "dynamic-sessions"
_INSTRUCTIONS = {
    "python": "Runs Python in an isolated session that keeps variables and files from call to "
    "call. Use it wherever something can be computed, and look at each result before you go on.",
    "shell": "Runs Bash commands in an isolated session that keeps files from call to call. Look "
    "at each result before you go on.",
}


def create_server(
    endpoint: str | None = None,
    credential: Credential | None = None,
    *,
    session_pool: AsyncSessionPool | None = None,
    session_identifier: str | None = None,
    functions: Sequence[InjectableFunction] | FunctionModule = (),
    settings: ServerSettings | None = None,
) -> SessionServer:
    """Return an MCP server, to be run over a transport of the SDK's or connected to in memory.

    Args:
        endpoint: The pool management endpoint of a session pool in Azure, or "local" for the
            sandboxed pool of this process. By default DYNAMIC_SESSIONS_ENDPOINT.
        credential: See AsyncSessionPool.
        session_pool: A pool of the caller's, who closes it, in place of an endpoint.
        session_identifier: Name of one session for all clients, which outlives them. By default
            each client has one of its own, which ends with the connection.
        functions: Functions of the caller's to have in every session.
        settings: What sessions run, and the bounds of what clients can do.

    Raises:
        ValueError: No session pool was named, or two were, or the identifier is not valid.
        FunctionSourceError: A function cannot travel.
    """
    source = SessionSource(
        endpoint=endpoint,
        credential=credential,
        session_pool=session_pool,
        identifier=session_identifier,
        functions=function_module(functions),
    )
    return build_server(settings or ServerSettings(), source.functions, source.open)


def function_module(functions: Sequence[InjectableFunction] | FunctionModule) -> FunctionModule:
    """Return functions as the module that sessions have.

    Raises:
        FunctionSourceError: A function cannot travel.
    """
    if isinstance(functions, FunctionModule):
        return functions
    return FunctionModule.from_functions(functions)


def build_server(
    settings: ServerSettings,
    functions: FunctionModule,
    open_sessions: Callable[[], AbstractAsyncContextManager[ClientSessions]],
) -> SessionServer:
    """Return an MCP server over sessions that are opened when it begins to run.

    Args:
        settings: The bounds of what clients can do.
        functions: What the sessions have, for the tools' descriptions.
        open_sessions: Holds the sessions as long as the server runs.
    """
    calls = _Calls(settings, functions)
    server = Server(
        _NAME,
        version=version("dynamic-sessions-mcp"),
        title="Dynamic sessions",
        instructions=_INSTRUCTIONS[settings.kind],
        lifespan=lambda _: open_sessions(),
        on_list_tools=calls.list_tools,
        on_call_tool=calls.call_tool,
        on_list_resources=calls.list_resources,
        on_list_resource_templates=calls.list_resource_templates,
        on_read_resource=calls.read_resource,
    )

    async def discover(
        context: RequestContext, params: types.RequestParams
    ) -> types.DiscoverResult:
        del params
        check_has_connections(context)
        return types.DiscoverResult(
            supported_versions=list(MODERN_PROTOCOL_VERSIONS),
            capabilities=server.get_capabilities(protocol_version=context.protocol_version),
            instructions=server.instructions,
        )

    server.add_request_handler("server/discover", types.RequestParams, discover)
    return server


class _Calls:
    """The server's answers."""

    def __init__(self, settings: ServerSettings, functions: FunctionModule) -> None:
        self._settings = settings
        tools = [
            *execution_tools(settings, functions),
            *file_tools(),
            *shared_folder_tools(settings),
        ]
        self._tools = {tool.definition.name: tool for tool in tools}

    async def list_tools(
        self, context: RequestContext, params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        del context, params
        return types.ListToolsResult(tools=[tool.definition for tool in self._tools.values()])

    async def call_tool(
        self, context: RequestContext, params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        tool = self._tools.get(params.name)
        if tool is None:
            return failed_result(f"There is no tool {params.name!r}.")
        try:
            return await tool.call(await self._call(context), params.arguments or {})
        except REPORTED_ERRORS as error:
            logger.info("%s failed: %s", params.name, type(error).__name__)
            return failed_result(error_text(error))

    async def list_resources(
        self, context: RequestContext, params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        del params
        try:
            found = await resources.list_resources(await self._call(context))
        except REPORTED_ERRORS as error:
            raise MCPError(types.INTERNAL_ERROR, error_text(error)) from error
        return types.ListResourcesResult(resources=found)

    async def list_resource_templates(
        self, context: RequestContext, params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        del context, params
        return types.ListResourceTemplatesResult(resource_templates=[resources.TEMPLATE])

    async def read_resource(
        self, context: RequestContext, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        try:
            return await resources.read_resource(await self._call(context), params.uri)
        except REPORTED_ERRORS as error:
            raise MCPError(types.INTERNAL_ERROR, error_text(error)) from error

    async def _call(self, context: RequestContext) -> ToolCall:
        client = await context.lifespan_context.of(context)
        return ToolCall(client=client, context=context, settings=self._settings)
