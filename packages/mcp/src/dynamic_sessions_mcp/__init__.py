"""MCP server that runs a model's Python in dynamic sessions, in Azure or on this machine."""

from dynamic_sessions_mcp.server import SessionServer, create_server
from dynamic_sessions_mcp.settings import ServerSettings

__all__ = ["ServerSettings", "SessionServer", "create_server"]

# Errors and reprs print the name under which callers import a class.
ServerSettings.__module__ = __name__
