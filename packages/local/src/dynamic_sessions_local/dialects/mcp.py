"""The service's own MCP server: JSON-RPC in, tools that run commands and code in an environment.

Documented are the methods, the tools' names and arguments, the key's header and `structuredContent` with an
`environmentId` and `stdout`; the rest of the results is this pool's choice.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Literal, cast

from dynamic_sessions_local.dialects.values import JsonObject, milliseconds, stderr_text
from dynamic_sessions_local.outcome import Outcome
from dynamic_sessions_local.programs import Command, Program, PythonCode, bash

PROTOCOL_VERSION = "2025-03-26"

LAUNCH = "launchShell"
RUN_COMMAND = "runShellCommandInRemoteEnvironment"
RUN_PYTHON = "runPythonCodeInRemoteEnvironment"

PARSE_ERROR, INVALID_REQUEST, UNKNOWN_METHOD, INVALID_PARAMS = -32700, -32600, -32601, -32602

_ENVIRONMENT: JsonObject = {
    "environmentId": {"type": "string", "description": f"What {LAUNCH} returned"}
}
_RAN: JsonObject = {
    "stdout": {"type": "string"},
    "stderr": {"type": "string"},
    "executionTimeInMilliseconds": {"type": "integer"},
}


class RpcError(Exception):
    """A message that gets a JSON-RPC error for an answer."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class ToolError(Exception):
    """A tool call that fails in a way that the model should read about."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """One JSON-RPC message.

    Attributes:
        id: None for a notification, which gets no answer.
        method: What is asked for.
        params: With what.
    """

    id: str | int | None
    method: str
    params: Mapping[str, object]


def read_message(body: object) -> Message:
    """The message in a request's body.

    Raises:
        RpcError: It is none.
    """
    if not isinstance(body, dict):
        raise RpcError(INVALID_REQUEST, "a request is one JSON object")
    members = cast("dict[str, object]", body)
    method, identity, params = members.get("method"), members.get("id"), members.get("params")
    if members.get("jsonrpc") != "2.0" or not isinstance(method, str):
        raise RpcError(INVALID_REQUEST, 'a request has "jsonrpc": "2.0" and a method')
    if not isinstance(identity, str | int | None) or isinstance(identity, bool):
        raise RpcError(INVALID_REQUEST, "an id is a string or an integer")
    if not isinstance(params, dict | None):
        raise RpcError(INVALID_PARAMS, "params is an object")
    return Message(id=identity, method=method, params=cast("Mapping[str, object]", params or {}))


def answer(identity: str | int | None, result: Mapping[str, object]) -> JsonObject:
    """The body that answers a message."""
    return {"jsonrpc": "2.0", "id": identity, "result": result}


def refusal(identity: str | int | None, error: RpcError) -> JsonObject:
    """The body that refuses a message."""
    return {
        "jsonrpc": "2.0",
        "id": identity,
        "error": {"code": error.code, "message": error.message},
    }


def introduction() -> JsonObject:
    """The result of `initialize`, with the service's own spelling of its capabilities."""
    return {
        "protocolVersion": PROTOCOL_VERSION,
        "serverInfo": {
            "name": "dynamic-sessions-local",
            "version": version("dynamic-sessions-local"),
        },
        "capabilities": {"tools": {"call": True, "list": True}},
    }


def tools(kind: Literal["python", "shell"]) -> JsonObject:
    """The result of `tools/list`."""
    launch = _tool(
        LAUNCH, "Create an environment to run commands in; returns its id.", {}, _ENVIRONMENT
    )
    command = _tool(
        RUN_COMMAND,
        "Run a command in an environment, by Bash or, as a list of arguments, without a shell.",
        {
            **_ENVIRONMENT,
            "shellCommand": {"type": "string"},
            "execCommandAndArgs": {"type": "array", "items": {"type": "string"}},
        },
        {**_RAN, "exitCode": {"type": "integer"}},
    )
    python = _tool(
        RUN_PYTHON,
        "Run Python in an environment; variables stay for the next run.",
        {**_ENVIRONMENT, "pythonCode": {"type": "string"}},
        {**_RAN, "executionResult": {}},
        required=["environmentId", "pythonCode"],
    )
    return {"tools": [launch, command, python] if kind == "python" else [launch, command]}


def read_program(name: str, arguments: Mapping[str, object]) -> Program:
    """What a tool call asks to run.

    Raises:
        RpcError: The arguments are not the tool's.
    """
    if name == RUN_PYTHON:
        return PythonCode(source=_text(arguments, "pythonCode"))
    words = arguments.get("execCommandAndArgs")
    if (words is None) == (arguments.get("shellCommand") is None):
        raise RpcError(INVALID_PARAMS, "give either shellCommand or execCommandAndArgs")
    if words is None:
        return bash(_argument(arguments.get("shellCommand")))
    if not isinstance(words, list) or not words:
        raise RpcError(INVALID_PARAMS, "execCommandAndArgs is a list that is not empty")
    return Command(arguments=tuple(map(_argument, cast("list[object]", words))))


def read_environment(arguments: Mapping[str, object]) -> str:
    """Which environment a tool call is about.

    Raises:
        RpcError: It does not say.
    """
    return _text(arguments, "environmentId")


def launched(environment: str) -> JsonObject:
    """The result of the call that makes an environment."""
    return _result({"environmentId": environment}, failed=False)


def ran(program: Program, outcome: Outcome, value: object, exit_code: int) -> JsonObject:
    """The result of a call that ran something.

    Args:
        program: What was run.
        outcome: What came of it.
        value: What its last expression stands for in JSON.
        exit_code: A command's.
    """
    content: JsonObject = {
        "stdout": outcome.reply.stdout,
        "stderr": stderr_text(outcome),
        "executionTimeInMilliseconds": milliseconds(outcome.reply.duration),
    }
    if isinstance(program, Command):
        return _result({**content, "exitCode": exit_code}, failed=False)
    failed = outcome.reply.status != "succeeded"
    return _result({**content, "executionResult": value}, failed=failed)


def failed(error: ToolError) -> JsonObject:
    """The result of a call that ran nothing."""
    return {"content": [{"type": "text", "text": str(error)}], "isError": True}


def _result(content: JsonObject, *, failed: bool) -> JsonObject:
    text = json.dumps(content, ensure_ascii=False)
    return {
        "content": [{"type": "text", "text": text}],
        "structuredContent": content,
        "isError": failed,
    }


def _tool(
    name: str,
    description: str,
    arguments: JsonObject,
    results: JsonObject,
    *,
    required: list[str] | None = None,
) -> JsonObject:
    wanted = list(_ENVIRONMENT) if required is None and arguments else required or []
    return {
        "name": name,
        "description": description,
        "inputSchema": {"type": "object", "properties": arguments, "required": wanted},
        "outputSchema": {"type": "object", "properties": results, "required": list(results)},
    }


def _text(arguments: Mapping[str, object], name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str):
        raise RpcError(INVALID_PARAMS, f"{name} is a string that is required")
    return value


def _argument(value: object) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise RpcError(INVALID_PARAMS, "a command is text without NUL characters")
    return value
