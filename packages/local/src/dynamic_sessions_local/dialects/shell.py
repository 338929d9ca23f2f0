"""What a Shell pool says instead: commands go in, and an exit code is the status."""

from collections.abc import Mapping
from typing import cast

from dynamic_sessions_local.dialects.errors import RequestError, cause, invalid
from dynamic_sessions_local.dialects.requests import SESSION_VERSIONS, members, read_run
from dynamic_sessions_local.dialects.values import JsonObject, milliseconds, stderr_text
from dynamic_sessions_local.executions import Execution
from dynamic_sessions_local.limits import Limits
from dynamic_sessions_local.outcome import Outcome
from dynamic_sessions_local.programs import Command, bash
from dynamic_sessions_local.runs import Run

# What timeout(1) and Bash say where a command has no exit code of its own. Clients read numbers.
TIMED_OUT, KILLED = 124, 137

_SHELL_MEMBERS = ("shellcommand", "execcommandandargs", "stdin")


def read_execution(body: object, version: str, limits: Limits) -> Run:
    """The body of `POST /executions` in a Shell pool.

    Raises:
        RequestError: It has no command, or more than one; or the version knows of none.
    """
    given = members(body)
    if version not in SESSION_VERSIONS and any(name in given for name in _SHELL_MEMBERS):
        raise RequestError(
            400,
            "SessionRequestNotSupported",
            f"Shell execution is not supported in API version {version}",
        )
    return read_run(given, _read_command(given), limits)


def execution(execution: Execution, *, identifier: str, version: str) -> JsonObject:
    """The body that answers `POST /executions` and `GET /executions/{id}` in a Shell pool."""
    outcome, word = execution.outcome, execution.run.execution_type
    body: JsonObject = {
        "id": execution.id,
        "identifier": identifier,
        **({"executionType": word} if word else {}),
        "status": _status(execution),
    }
    if execution.error is not None:
        body["error"] = cause(execution.error)
    if outcome is not None:
        body["result"] = {
            "stdout": outcome.reply.stdout,
            "stderr": stderr_text(outcome),
            "executionTimeInMilliseconds": milliseconds(outcome.reply.duration),
        }
    return body


def exit_code(outcome: Outcome) -> int:
    """The exit code of a command, or what stands for it where it did not come to have one."""
    match outcome.reply.status:
        case "timed_out":
            return TIMED_OUT
        case "aborted":
            return KILLED
        case _:
            code = outcome.reply.value.data
            # A process of the session can have forged the reply.
            return code if type(code) is int else int(outcome.reply.status == "failed")


def _read_command(given: Mapping[str, object]) -> Command:
    line, arguments = given.get("shellcommand"), given.get("execcommandandargs")
    if line is not None and arguments is not None:
        raise invalid("shellCommand and execCommandAndArgs exclude each other")
    stdin = _text(given.get("stdin", ""), "stdin")
    if line is not None:
        return bash(_argument(line, "shellCommand"), stdin=stdin)
    if arguments is None:
        raise RequestError(400, "SessionPropertiesMissing", "the member 'shellCommand' is required")
    if not isinstance(arguments, list) or not arguments:
        raise invalid("execCommandAndArgs must be a list of strings that is not empty")
    words = cast("list[object]", arguments)
    return Command(
        arguments=tuple(_argument(word, "execCommandAndArgs") for word in words), stdin=stdin
    )


def _argument(value: object, name: str) -> str:
    text = _text(value, name)
    if "\0" in text:
        raise invalid(f"{name} must have no NUL characters")
    return text


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise invalid(f"{name} must be a string")
    return value


def _status(execution: Execution) -> str:
    if execution.error is not None:
        return "Failed"
    if execution.outcome is None:
        return "Running" if execution.begun else "NotStarted"
    return "Canceled" if execution.outcome.canceled else str(exit_code(execution.outcome))
