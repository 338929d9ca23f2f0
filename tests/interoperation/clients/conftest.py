"""Where the pools are. This and what is beside it runs in environments that have nothing of ours."""

import os
import uuid
from dataclasses import dataclass, field

import pytest


@pytest.fixture(scope="session")
def endpoint() -> str:
    return os.environ["DYNAMIC_SESSIONS_ENDPOINT"]


@pytest.fixture(scope="session")
def token() -> str:
    return os.environ["DYNAMIC_SESSIONS_TOKEN"]


@pytest.fixture
def identifier() -> str:
    """One that no other test uses."""
    return str(uuid.uuid4())


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@dataclass(frozen=True, kw_only=True)
class McpServer:
    """Our MCP server: how to start one, and where one runs."""

    command: str
    arguments: list[str]
    variables: dict[str, str]
    url: str
    token: str = field(repr=False)

    def headers(self, identifier: str | None = None) -> dict[str, str]:
        """What its HTTP clients send: their token and, if they like, the name of a session."""
        named = {} if identifier is None else {"dynamic-sessions-identifier": identifier}
        return {"Authorization": f"Bearer {self.token}", **named}


@pytest.fixture(scope="session")
def mcp_server(endpoint: str, token: str) -> McpServer:
    return McpServer(
        command=os.environ["DYNAMIC_SESSIONS_MCP_PYTHON"],
        arguments=["-m", "dynamic_sessions_mcp"],
        variables={"DYNAMIC_SESSIONS_ENDPOINT": endpoint, "DYNAMIC_SESSIONS_TOKEN": token},
        url=os.environ["DYNAMIC_SESSIONS_MCP_URL"],
        token=os.environ["DYNAMIC_SESSIONS_MCP_TOKEN"],
    )
