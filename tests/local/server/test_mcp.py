"""The service's MCP tools, by JSON-RPC over HTTP, on real kernels."""

from collections.abc import Callable, Iterator
from typing import cast

import httpx
import pytest

from dynamic_sessions_local import LocalSessionPool

from .conftest import client_of

Rpc = Callable[..., httpx.Response]
Call = Callable[..., dict[str, object]]


def key_of(client: httpx.Client) -> str:
    return client.headers["authorization"].removeprefix("Bearer ")


def rpc_of(client: httpx.Client) -> Rpc:
    def send(method: str, params: object = None) -> httpx.Response:
        message = {"jsonrpc": "2.0", "id": "1", "method": method}
        return client.post(
            "mcp",
            headers={"x-ms-apikey": key_of(client)},
            json=message if params is None else message | {"params": params},
        )

    return send


def call_of(client: httpx.Client) -> Call:
    rpc = rpc_of(client)

    def call(tool: str, **arguments: object) -> dict[str, object]:
        return rpc("tools/call", {"name": tool, "arguments": arguments}).json()["result"]

    return call


def content(result: dict[str, object]) -> dict[str, object]:
    return cast("dict[str, object]", result["structuredContent"])


@pytest.fixture
def rpc(client: httpx.Client) -> Rpc:
    return rpc_of(client)


@pytest.fixture
def call(client: httpx.Client) -> Call:
    return call_of(client)


@pytest.fixture
def environment(client: httpx.Client, call: Call) -> Iterator[str]:
    identifier = str(content(call("launchShell"))["environmentId"])
    yield identifier
    client.delete("session", params={"identifier": identifier})


def test_the_tools_are_the_services_by_kind_of_pool(rpc: Rpc, shell: httpx.Client) -> None:
    assert rpc("initialize").json()["result"]["protocolVersion"] == "2025-03-26"
    names = [
        [tool["name"] for tool in each("tools/list").json()["result"]["tools"]]
        for each in (rpc, rpc_of(shell))
    ]
    commands = ["launchShell", "runShellCommandInRemoteEnvironment"]
    assert names == [[*commands, "runPythonCodeInRemoteEnvironment"], commands]
    refused = rpc_of(shell)("tools/call", {"name": "runPythonCodeInRemoteEnvironment"}).json()
    assert refused["error"]["code"] == -32602


def test_an_environment_keeps_files_and_variables(call: Call, environment: str) -> None:
    here = {"environmentId": environment}
    python = "runPythonCodeInRemoteEnvironment"
    first = call(
        python, **here, pythonCode="x = 40; open('f.txt', 'w').write('hello'); print('out')"
    )
    assert (content(first)["stdout"], first["isError"]) == ("out\n", False)
    assert content(call(python, **here, pythonCode="x + 2"))["executionResult"] == 42
    command = "runShellCommandInRemoteEnvironment"
    ran = call(command, **here, shellCommand="cat f.txt; echo err >&2; exit 3")
    assert ran["isError"] is False
    found = content(ran)
    assert (found["stdout"], found["stderr"], found["exitCode"]) == ("hello", "err\n", 3)
    words = call(command, **here, execCommandAndArgs=["echo", "$HOME"])
    assert content(words)["stdout"] == "$HOME\n"
    failed = call(python, **here, pythonCode="1 / 0")
    assert failed["isError"] is True
    assert "ZeroDivisionError" in str(content(failed)["stderr"])


def test_launching_allocates_nothing(client: httpx.Client, environment: str) -> None:
    assert client.get("session", params={"identifier": environment}).status_code == 400


def test_an_environment_that_is_unknown_or_has_ended_is_a_tool_error(
    client: httpx.Client, call: Call, environment: str
) -> None:
    command = "runShellCommandInRemoteEnvironment"
    unknown = call(command, environmentId="made-up-by-a-model", shellCommand="true")
    assert unknown["isError"] is True
    assert "launchShell" in str(unknown["content"])
    call(command, environmentId=environment, shellCommand="true")
    client.delete("session", params={"identifier": environment})
    ended = call(command, environmentId=environment, shellCommand="true")
    assert ended["isError"] is True
    assert "has ended" in str(ended["content"])


def test_a_full_pool_is_a_tool_error() -> None:
    with LocalSessionPool(max_sessions=1) as pool, client_of(pool) as client:
        client.post("executions", params={"identifier": "takes-it-all"}, json={"code": "1"})
        call = call_of(client)
        environment = content(call("launchShell"))["environmentId"]
        refused = call(
            "runShellCommandInRemoteEnvironment", environmentId=environment, shellCommand="true"
        )
        assert refused["isError"] is True


@pytest.mark.parametrize(
    ("arguments", "tool"),
    [
        ({}, "runShellCommandInRemoteEnvironment"),
        ({"environmentId": 1, "shellCommand": "true"}, "runShellCommandInRemoteEnvironment"),
        ({"environmentId": "e"}, "runShellCommandInRemoteEnvironment"),
        ({"environmentId": "e", "shellCommand": "a", "execCommandAndArgs": ["a"]},
         "runShellCommandInRemoteEnvironment"),
        ({"environmentId": "e", "execCommandAndArgs": []}, "runShellCommandInRemoteEnvironment"),
        ({"environmentId": "e", "shellCommand": "a\0"}, "runShellCommandInRemoteEnvironment"),
        ({"environmentId": "e"}, "runPythonCodeInRemoteEnvironment"),
        ({"environmentId": "e"}, "noSuchTool"),
    ],
)  # fmt: skip
def test_arguments_that_are_not_the_tools_are_refused(
    rpc: Rpc, arguments: dict[str, object], tool: str
) -> None:
    response = rpc("tools/call", {"name": tool, "arguments": arguments})
    assert response.json()["error"]["code"] == -32602


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", -32700),
        (b"[]", -32600),
        (b'{"id": 1, "method": "ping"}', -32600),
        (b'{"jsonrpc": "2.0", "id": [], "method": "ping"}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []}', -32602),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "no/such"}', -32601),
    ],
)
def test_what_is_no_request_gets_an_rpc_error(client: httpx.Client, body: bytes, code: int) -> None:
    response = client.post("mcp", headers={"x-ms-apikey": key_of(client)}, content=body)
    assert response.json()["error"]["code"] == code


def test_notifications_get_no_answer_and_other_methods_no_stream(client: httpx.Client) -> None:
    headers = {"x-ms-apikey": key_of(client)}
    notice = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    accepted = client.post("mcp", headers=headers, json=notice)
    assert (accepted.status_code, accepted.content) == (202, b"")
    for method in ("GET", "DELETE"):
        assert client.request(method, "mcp", headers=headers).status_code == 405


def test_the_key_is_asked_for_and_a_bearer_token_is_not_enough(client: httpx.Client) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    assert client.post("mcp", json=message).status_code == 401
    wrong = client.post("mcp", json=message, headers={"x-ms-apikey": "wrong"})
    assert wrong.status_code == 401
    without = httpx.post(
        f"{client.base_url}mcp", json=message, headers={"x-ms-apikey": key_of(client)}
    )
    assert without.json() == {"jsonrpc": "2.0", "id": 1, "result": {}}
    only_key = {"x-ms-apikey": key_of(client)}
    params = {"api-version": "2025-10-02-preview", "identifier": "with-a-key"}
    elsewhere = httpx.get(f"{client.base_url}files", params=params, headers=only_key)
    assert elsewhere.status_code == 401
