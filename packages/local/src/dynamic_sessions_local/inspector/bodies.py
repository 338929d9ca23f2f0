"""Sessions and cells as the inspector's JSON."""

from datetime import timedelta

from dynamic_sessions_local.dialects.shell import exit_code
from dynamic_sessions_local.dialects.values import JsonObject, timestamp_of
from dynamic_sessions_local.history import Cell
from dynamic_sessions_local.kernel import Value
from dynamic_sessions_local.programs import Command
from dynamic_sessions_local.session import Session


def session(found: Session, cooldown: float) -> JsonObject:
    """One session in the list: `key` is unique, also among those that have ended."""
    history = found.history
    return {
        "key": found.key,
        "identifier": found.identifier,
        "state": _state(found),
        "createdAt": timestamp_of(found.created_at),
        "lastAccessedAt": timestamp_of(found.last_accessed_at),
        "expireAt": timestamp_of(found.last_accessed_at + timedelta(seconds=cooldown)),
        "memoryBytes": found.memory(),
        "executions": 0 if history is None else history.asked_count,
    }


def cell(found: Cell, in_session: Session) -> JsonObject:
    """One execution, with what it has written so far."""
    is_command = isinstance(found.program, Command)
    body: JsonObject = {
        "number": found.number,
        "code": found.code,
        "language": "bash" if is_command else "python",
        "isSetUp": found.is_set_up,
        "state": found.state,
        "askedAt": timestamp_of(found.asked_at),
        "begunAt": None if found.begun_at is None else timestamp_of(found.begun_at),
        "seconds": None,
        "stdout": "",
        "stderr": "",
        "result": None,
        "exitCode": None,
        "html": "",
        "image": None,
        "truncated": False,
        "newKernel": False,
    }
    if found.outcome is not None:
        reply = found.outcome.reply
        body |= {
            "seconds": reply.duration,
            "stdout": reply.stdout,
            "stderr": reply.stderr,
            "result": None if is_command else result_text(reply.value),
            "exitCode": exit_code(found.outcome) if is_command else None,
            "html": reply.value.html,
            "image": image(reply.value),
            "truncated": reply.truncated,
            "newKernel": found.outcome.new_allocation,
        }
    elif found.state == "running":
        body["stdout"], body["stderr"] = in_session.written()
    return body


def result_text(value: Value) -> str | None:
    """The value as Jupyter would print it; None where it prints nothing."""
    match value.kind:
        case "json":
            return repr(value.data)
        case "text" | "nan":
            return str(value.data)
        case _:
            return None


def image(value: Value) -> JsonObject | None:
    """The value as a picture, where it is one."""
    if value.kind != "image":
        return None
    return {"format": value.image_format, "data": value.data}


def _state(found: Session) -> str:
    if found.ended:
        return "ended"
    return "running" if found.history is not None and found.history.running else "idle"
