"""Fakes for tests of programs that use this library: no network, no account, no sandbox.

For real code in a real session use the endpoint "local" instead.
"""

import base64
import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias, cast
from urllib.parse import unquote

import httpx

from dynamic_sessions.files import DATA_DIRECTORY
from dynamic_sessions.functions import FunctionModule
from dynamic_sessions.functions.module import REPORT_MARK
from dynamic_sessions.models import Image, JsonValue

JsonObject: TypeAlias = dict[str, Any]

_CHANGE_DIRECTORY_CODE = FunctionModule.from_functions(()).set_up_code(
    working_directory=DATA_DIRECTORY
)


@dataclass(frozen=True, kw_only=True)
class ScriptedExecution:
    """What the scripted service answers to a piece of code."""

    stdout: str = ""
    stderr: str = ""
    result: "JsonValue | Image" = ""
    failed: bool = False
    polls: int = 0
    """How often an asynchronous run is asked after before it has ended."""

    def wire_result(self) -> JsonValue:
        """Return the result as the service sends it."""
        if isinstance(self.result, Image):
            encoded = base64.b64encode(self.result.data).decode()
            return {"type": "image", "format": self.result.format, "base64_data": encoded}
        return self.result


Script: TypeAlias = Mapping[str, ScriptedExecution] | Callable[[str], ScriptedExecution]
"""What comes of which code: a table, or a function of the code."""


@dataclass
class ScriptedSession:
    """A session of the scripted service: no interpreter, but files and an id of its own."""

    guid: str = field(default_factory=lambda: str(uuid.uuid4()))
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    executed: list[str] = field(default_factory=list[str])
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(kw_only=True)
class _PolledAnswer:
    polls: int
    answer: JsonObject


class ScriptedService:
    """A session pool in memory that answers code from a script.

    It speaks both dialects in the form of the service's recorded traffic. Code that is not in
    a table succeeds without output.

    Example:
        >>> service = ScriptedService({"6 * 7": ScriptedExecution(result=42)})
        >>> pool = AsyncSessionPool("https://pool.test", "token", transport=service.transport)

    Attributes:
        script: The table; empty where the script is a function.
        sessions: The live sessions by identifier.
        requests: All requests so far, in order.
        packages: What the pool's sessions begin with; None for a service that cannot tell.
        code: All code of callers that ran so far, in order; set-ups are not among it.
    """

    def __init__(
        self, script: Script | None = None, *, packages: Mapping[str, str] | None = None
    ) -> None:
        self._answer = script if callable(script) else None
        self.script = {} if script is None or callable(script) else dict(script)
        self.packages = packages
        self.code: list[str] = []
        self._answers: dict[str, _PolledAnswer] = {}
        self.sessions: dict[str, ScriptedSession] = {}
        self.requests: list[httpx.Request] = []
        self._faults: list[Callable[[httpx.Request], httpx.Response]] = []

    @property
    def transport(self) -> httpx.MockTransport:
        """What to pass as the transport of an AsyncSessionPool."""
        return httpx.MockTransport(self)

    def fail_next(self, fault: httpx.Response | Exception) -> None:
        """Answer the next request that is not answered otherwise by a response or an exception."""

        def answer(request: httpx.Request) -> httpx.Response:
            if isinstance(fault, Exception):
                raise fault
            del request
            return fault

        self._faults.append(answer)

    def recycle(self, identifier: str) -> None:
        """Put an empty session behind the identifier, as the service does after idle time."""
        self.sessions[identifier] = ScriptedSession()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        self.requests.append(request)
        if self._faults:
            return self._faults.pop(0)(request)
        if not request.headers.get("Authorization", "").startswith("Bearer "):
            return httpx.Response(401, headers={"WWW-Authenticate": "Bearer"})
        identifier = request.url.params.get("identifier", "")
        path = tuple(unquote(part) for part in _raw_path(request).split("/"))
        match request.method, path:
            case "POST", (*_, "executions"):
                return self._execute(request, identifier)
            case "GET", (*_, "executions", execution_id):
                return self._poll(identifier, execution_id)
            case "POST", (*_, "code", "execute"):
                return self._execute_legacy(request, identifier)
            case "DELETE", (*_, "session"):
                return self._delete_session(identifier)
            case "GET", (*_, "session"):
                return self._get_session(identifier)
            case "POST", (*_, ".management", "listSessions"):
                return self._list_sessions()
            case "GET", (*_, "metadata") if self.packages is not None:
                return _metadata(self.packages)
            case _:
                return _answer_on_files(request, self._session(identifier), path)

    def _session(self, identifier: str) -> ScriptedSession:
        return self.sessions.setdefault(identifier, ScriptedSession())

    def _run(self, identifier: str, code: str) -> ScriptedExecution:
        self._session(identifier).executed.append(code)
        if REPORT_MARK in code:
            return ScriptedExecution(stdout=f'{REPORT_MARK}{{"ready": ""}}\n')
        if code == _CHANGE_DIRECTORY_CODE:
            return ScriptedExecution()
        self.code.append(code)
        return self._answer(code) if self._answer else self.script.get(code, ScriptedExecution())

    def _execute(self, request: httpx.Request, identifier: str) -> httpx.Response:
        body = _body(request)
        if "code" not in body:
            return _error(400, "SessionPropertiesMissing", "The request has no code.")
        run = self._run(identifier, body["code"])
        execution_id = request.headers.get("operation-id", str(uuid.uuid4()))
        answer = {
            "id": execution_id,
            "identifier": identifier,
            "executionType": body.get("executionType"),
            "status": "Failed" if run.failed else "Succeeded",
            "result": {
                "stdout": run.stdout,
                "stderr": run.stderr,
                "executionResult": run.wire_result(),
                "executionTimeInMilliseconds": 7,
            },
        }
        self._answers[execution_id] = _PolledAnswer(polls=run.polls, answer=answer)
        if str(body.get("executionType")).lower() == "asynchronous" and run.polls:
            return self._execution_response(identifier, _unfinished(answer), status=202)
        return self._execution_response(identifier, answer)

    def _poll(self, identifier: str, execution_id: str) -> httpx.Response:
        running = self._answers.get(execution_id)
        if running is None or identifier not in self.sessions:
            return _error(404, "ExecutionNotFound", "There is no such execution.")
        running.polls -= 1
        answer = running.answer if running.polls <= 0 else _unfinished(running.answer)
        return self._execution_response(identifier, answer)

    def _execute_legacy(self, request: httpx.Request, identifier: str) -> httpx.Response:
        run = self._run(identifier, _body(request)["properties"]["code"])
        properties = {
            "status": "Failure" if run.failed else "Success",
            "stdout": run.stdout,
            "stderr": run.stderr,
            "result": run.wire_result(),
            "executionTimeInMilliseconds": 7,
        }
        return self._execution_response(identifier, {"properties": properties})

    def _execution_response(
        self, identifier: str, answer: JsonObject, *, status: int = 200
    ) -> httpx.Response:
        guid = self._session(identifier).guid
        headers = {"x-ms-session-guid": guid, "x-ms-container-execution-duration": "7"}
        return httpx.Response(status, json=answer, headers=headers)

    def _get_session(self, identifier: str) -> httpx.Response:
        session = self.sessions.get(identifier)
        if session is None:
            return _error(400, "SessionWithIdentifierNotFound", "There is no such session.")
        body = _status(identifier, session) | {"expireAt": _soon()}
        return httpx.Response(200, json=body)

    def _list_sessions(self) -> httpx.Response:
        value = [
            _status(identifier, session) | {"expiresAt": _soon()}
            for identifier, session in self.sessions.items()
        ]
        return httpx.Response(200, json={"value": value, "count": len(value), "nextLink": None})

    def _delete_session(self, identifier: str) -> httpx.Response:
        if self.sessions.pop(identifier, None) is None:
            return _error(400, "SessionWithIdentifierNotFound", "There is no such session.")
        return httpx.Response(204)


def _status(identifier: str, session: ScriptedSession) -> JsonObject:
    return {
        "identifier": identifier,
        "createdAt": _timestamp(session.created_at),
        "lastAccessedAt": _timestamp(datetime.now(UTC)),
        "etag": session.guid,
    }


def _soon() -> str:
    return _timestamp(datetime.now(UTC) + timedelta(minutes=5))


def _metadata(packages: Mapping[str, str]) -> httpx.Response:
    listed = [{"name": name, "version": version} for name, version in packages.items()]
    moment = "2025-01-05T22:18:41.495Z"
    kernel = {"name": "ipython", "version": "9.0.0", "projectUrl": "", "description": ""}
    return httpx.Response(
        200,
        json={
            "runtimes": [{"name": "python", "version": "3.12.9"}],
            "preInstalledPackages": listed,
            "createdAt": moment,
            "lastUpdatedAt": moment,
            "jupyterKernel": kernel,
        },
    )


def _answer_on_files(
    request: httpx.Request, session: ScriptedSession, path: tuple[str, ...]
) -> httpx.Response:
    directory = request.url.params.get("path", "").strip("/")
    legacy = request.url.params.get("api-version", "") < "2024-10-02"
    match request.method, path:
        case "POST", (*_, "files") | (*_, "files", "upload"):
            name, content = _uploaded_file(request)
            session.files[_join(directory, name)] = content
            entry = _entry(name, content, legacy=legacy)
            return httpx.Response(200, json={"value": [entry]} if legacy else entry)
        case "GET", (*_, "files"):
            return httpx.Response(200, json={"value": _listing(session, directory, legacy=legacy)})
        case "GET", (*_, "files", "content", name) | (*_, "files", name, "content"):
            return _content(session, _join(directory, name))
        case "DELETE", (*_, "files", name):
            found = session.files.pop(_join(directory, name), None)
            return httpx.Response(204) if found is not None else _no_such_file()
        case _:
            return _error(400, "SessionRequestNotSupported", "There is no such path.")


def _listing(session: ScriptedSession, directory: str, *, legacy: bool) -> list[JsonObject]:
    prefix = f"{directory}/" if directory else ""
    below = {
        name.removeprefix(prefix): content
        for name, content in session.files.items()
        if name.startswith(prefix)
    }
    entries = [
        _entry(name, content, legacy=legacy) for name, content in below.items() if "/" not in name
    ]
    folders = dict.fromkeys(name.partition("/")[0] for name in below if "/" in name)
    return entries + [_folder_entry(name) for name in folders if not legacy]


def _folder_entry(name: str) -> JsonObject:
    moment = _timestamp(datetime.now(UTC))
    return {"name": name, "type": "directory", "sizeInBytes": 4096, "lastModifiedAt": moment}


def _content(session: ScriptedSession, name: str) -> httpx.Response:
    content = session.files.get(name)
    if content is None:
        return _no_such_file()
    return httpx.Response(
        200, content=content, headers={"Content-Type": "application/octet-stream"}
    )


def _entry(name: str, content: bytes, *, legacy: bool) -> JsonObject:
    moment = _timestamp(datetime.now(UTC))
    if legacy:
        return {"properties": {"filename": name, "size": len(content), "lastModifiedTime": moment}}
    return {
        "name": name,
        "type": "file",
        "contentType": "application/octet-stream",
        "sizeInBytes": len(content),
        "lastModifiedAt": moment,
    }


def _unfinished(answer: JsonObject) -> JsonObject:
    return {name: answer[name] for name in ("id", "identifier", "executionType")} | {
        "status": "Running"
    }


def _timestamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def _uploaded_file(request: httpx.Request) -> tuple[str, bytes]:
    head, _, rest = request.content.partition(b"\r\n\r\n")
    boundary = request.headers["Content-Type"].partition("boundary=")[2].encode()
    name = re.search(rb'filename="((?:[^"\\]|\\.)*)"', head)
    content = rest[: rest.rindex(b"\r\n--" + boundary)]
    return re.sub(rb"\\(.)", rb"\1", name[1]).decode() if name else "", content


def _raw_path(request: httpx.Request) -> str:
    return request.url.raw_path.decode("ascii").partition("?")[0]


def _body(request: httpx.Request) -> JsonObject:
    return cast("JsonObject", json.loads(request.content))


def _join(directory: str, name: str) -> str:
    return f"{directory}/{name}" if directory else name


def _no_such_file() -> httpx.Response:
    return _error(404, "SessionFileNotFound", "There is no such file.")


def _error(status: int, code: str, message: str) -> httpx.Response:
    error = {"code": code, "message": message, "traceId": uuid.uuid4().hex}
    return httpx.Response(status, json={"error": error}, headers={"x-ms-error-code": code})
