"""Pools for published clients to use: their endpoints and token are all that clients get."""

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache

import pytest

from dynamic_sessions_local import LocalSessionPool

from .behaviours import come_of

# Foreign: collected in the clients' own environments.
collect_ignore = ["clients"]

TOKEN = secrets.token_urlsafe()
# Most clients never delete a session.
MAX_SESSIONS = 500

Outcomes = Callable[[str], Mapping[str, list[str]]]
Variables = Callable[[str], dict[str, str]]


@pytest.fixture(scope="package")
def python_pool() -> Iterator[LocalSessionPool]:
    with LocalSessionPool(token=TOKEN, max_sessions=MAX_SESSIONS) as pool:
        yield pool


@pytest.fixture(scope="package")
def shell_pool() -> Iterator[LocalSessionPool]:
    with LocalSessionPool(token=TOKEN, max_sessions=MAX_SESSIONS, kind="shell") as pool:
        yield pool


@pytest.fixture(scope="package")
def tls_pool() -> Iterator[LocalSessionPool]:
    with LocalSessionPool(token=TOKEN, max_sessions=MAX_SESSIONS, tls=True) as pool:
        yield pool


@pytest.fixture(scope="package")
def served() -> Iterator[str]:
    """The endpoint of a pool that is a process of its own."""
    command = [sys.executable, "-m", "dynamic_sessions_cli", "serve", "--token", TOKEN]
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().removeprefix("endpoint: ").strip()
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture(scope="package")
def served_mcp(python_pool: LocalSessionPool) -> Iterator[str]:
    """The URL of our MCP server over HTTP."""
    command = [sys.executable, "-m", "dynamic_sessions_mcp", "--http", "--port", "0"]
    variables = {
        "DYNAMIC_SESSIONS_ENDPOINT": python_pool.endpoint,
        "DYNAMIC_SESSIONS_TOKEN": TOKEN,
        "DYNAMIC_SESSIONS_MCP_TOKEN": TOKEN,
    }
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stderr=subprocess.PIPE, text=True, env={**os.environ, **variables}
    ) as process:
        assert process.stderr is not None
        yield process.stderr.readline().removeprefix("endpoint: ").strip()
        process.terminate()


@pytest.fixture(scope="package")
def variables(request: pytest.FixtureRequest) -> Variables:
    """What a client finds in its environment; a pool is started when the first one needs it."""

    def pool(fixture: str) -> LocalSessionPool:
        return request.getfixturevalue(fixture)

    def variables(client: str) -> dict[str, str]:
        found = {"DYNAMIC_SESSIONS_TOKEN": TOKEN}
        match client:
            case "code-interpreter":
                found["DYNAMIC_SESSIONS_ENDPOINT"] = request.getfixturevalue("served")
            case "semantic-kernel":
                found["DYNAMIC_SESSIONS_ENDPOINT"] = pool("tls_pool").endpoint
                found["SSL_CERT_FILE"] = str(pool("tls_pool").certificate)
            case _:
                found["DYNAMIC_SESSIONS_ENDPOINT"] = pool("python_pool").endpoint
        if client == "langchain":
            found["DYNAMIC_SESSIONS_SHELL_ENDPOINT"] = pool("shell_pool").endpoint
        if client.endswith("-mcp"):
            found["DYNAMIC_SESSIONS_MCP_PYTHON"] = sys.executable
            found["DYNAMIC_SESSIONS_MCP_URL"] = request.getfixturevalue("served_mcp")
            found["DYNAMIC_SESSIONS_MCP_TOKEN"] = TOKEN
        return found

    return variables


@pytest.fixture(scope="package")
def outcomes(variables: Variables, tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """What came of a client's behaviours, all of which run together when one is asked for."""

    @cache
    def outcomes(client: str) -> Mapping[str, list[str]]:
        return come_of(client, tmp_path_factory.mktemp(client), **variables(client))

    return outcomes
