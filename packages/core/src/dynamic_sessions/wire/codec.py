"""What both dialects share: the form of requests and replies, and how parts of them are read."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias, cast
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from dynamic_sessions.models import Command, Execution, SessionFile, SessionStatus

JsonObject: TypeAlias = dict[str, Any]

SESSION_API_VERSION = "2025-10-02-preview"
"""For the calls that older versions do not have; a session takes calls of any version."""


_LASTING_PARAMETERS = frozenset({"api-version", "identifier", "path"})


@dataclass(frozen=True, kw_only=True)
class UploadPart:
    """Marks a request whose body is one multipart part named "file"."""

    file_name: str


@dataclass(frozen=True, kw_only=True)
class RequestData:
    """A request, short of its host, its credentials and an upload's bytes."""

    method: Literal["GET", "POST", "DELETE"]
    segments: tuple[str, ...]
    query: Mapping[str, str]
    json: JsonObject | None = None
    upload: UploadPart | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    streams_reply: bool = False
    """Whether the answer is a file's bytes."""

    @property
    def target(self) -> str:
        """Path below the endpoint and query, with every part encoded."""
        path = "/".join(quote(segment, safe="") for segment in self.segments)
        return f"{path}?{urlencode(self.query, quote_via=quote, safe='')}"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A successful answer. Header names are in lower case."""

    status_code: int
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True)
class RunningExecution:
    """An execution that has not ended, and the service's id of it; "" if it gave none."""

    execution_id: str


class UnexpectedReplyError(Exception):
    """The reply is not of the documented shape; the message says where."""


class Codec(Protocol):
    """One dialect of the service's HTTP API."""

    api_version: str
    has_asynchronous_executions: bool

    def execute(
        self,
        identifier: str,
        program: str | Command,
        *,
        timeout_seconds: int,
        output_limit: int,
        execution_id: str | None,
        asynchronous: bool,
    ) -> RequestData:
        """Ask for an execution of code or, in a Shell pool, of a command.

        The limit is in characters a stream.

        Raises:
            ValueError: This version knows no such command, or no asynchronous executions.
        """
        ...

    def wrapped(self, request: RequestData) -> RequestData | None:
        """Return the other form in which a request for an execution may be wanted, if any."""
        ...

    def poll_execution(self, identifier: str, execution_id: str) -> RequestData:
        """Ask what has become of an execution."""
        ...

    def read_execution(self, reply: Reply, *, output_limit: int) -> Execution | RunningExecution:
        """Read the answer to an execution, or to a question about one."""
        ...

    def upload_file(self, identifier: str, name: str) -> RequestData:
        """Ask for an upload; the transport adds the bytes."""
        ...

    def read_uploaded_file(self, reply: Reply, name: str) -> SessionFile:
        """Read the answer to an upload."""
        ...

    def list_files(self, identifier: str, directory: str) -> RequestData:
        """Ask for the entries of one directory."""
        ...

    def read_files(self, reply: Reply, directory: str) -> list[SessionFile]:
        """Read the answer to a listing, which may be one page of several."""
        ...

    def download_file(self, identifier: str, name: str) -> RequestData:
        """Ask for a file's bytes."""
        ...

    def delete_file(self, identifier: str, name: str) -> RequestData:
        """Ask for a file's removal."""
        ...


def next_page(request: RequestData, reply: Reply) -> RequestData | None:
    """Ask for the page that an answer's nextLink names, if it names one.

    Only the link's query is used, so that no link leads the access token to another host.
    """
    body = read_object(reply.body, "the reply")
    link = read_text(body.get("nextLink"), "nextLink")
    if not link:
        return None
    own = {name: value for name, value in request.query.items() if name in _LASTING_PARAMETERS}
    return replace(request, query={**dict(parse_qsl(urlsplit(link).query)), **own})


def delete_session(identifier: str) -> RequestData:
    """Ask for the session's end, which is the same in every dialect."""
    return _on_session("DELETE", identifier)


def get_session(identifier: str) -> RequestData:
    """Ask what stands behind the identifier, without bringing anything into being."""
    return _on_session("GET", identifier)


def read_session(reply: Reply, identifier: str) -> SessionStatus:
    """Read the answer to get_session."""
    return _read_status(read_object(reply.body, "the reply"), identifier)


def list_sessions() -> RequestData:
    """Ask for all sessions of the pool, in the management dialect: every kind of pool has it."""
    return RequestData(
        method="POST",
        segments=(".management", "listSessions"),
        query={"api-version": SESSION_API_VERSION},
    )


def read_sessions(reply: Reply) -> list[SessionStatus]:
    """Read the answer to list_sessions, which may be one page of several."""
    body = read_object(reply.body, "the reply")
    return [
        _read_status(entry, read_text(entry.get("identifier"), "an identifier"))
        for entry in read_objects(body.get("value"), "value")
    ]


def _read_status(body: JsonObject, identifier: str) -> SessionStatus:
    return SessionStatus(
        identifier=identifier,
        etag=read_text(body.get("etag"), "etag") or None,
        created_at=read_time(body.get("createdAt")),
        last_accessed_at=read_time(body.get("lastAccessedAt")),
        # The two dialects spell it differently.
        expires_at=read_time(body.get("expiresAt", body.get("expireAt"))),
    )


def _on_session(method: Literal["GET", "DELETE"], identifier: str) -> RequestData:
    return RequestData(
        method=method,
        segments=("session",),
        query={"api-version": SESSION_API_VERSION, "identifier": identifier},
    )


def read_object(value: object, what: str) -> JsonObject:
    """Return a JSON object, or say that it is none."""
    if not isinstance(value, dict):
        raise UnexpectedReplyError(f"{what} is not an object")
    return cast("JsonObject", value)


def read_objects(value: object, what: str) -> list[JsonObject]:
    """Return a JSON array of objects, or say that it is none."""
    if not isinstance(value, list):
        raise UnexpectedReplyError(f"{what} is not an array")
    return [read_object(item, f"an item of {what}") for item in cast("list[object]", value)]


def read_text(value: object, what: str) -> str:
    """Return a string, "" for null, or say that it is none."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UnexpectedReplyError(f"{what} is not a string")
    return value


def read_size(value: object) -> int:
    """Return a size in bytes; directories may have none."""
    return value if isinstance(value, int) else 0


def read_time(value: object) -> datetime | None:
    """Return a point in time. The service writes RFC 3339 with up to nine fractional digits."""
    if not isinstance(value, str):
        return None
    whole, _, fraction = value.rstrip("Zz").partition(".")
    microseconds = fraction[:6].ljust(6, "0")
    try:
        return datetime.fromisoformat(f"{whole}.{microseconds}+00:00")
    except ValueError:
        return None


def join_name(directory: str, name: str) -> str:
    """Return a file's name below the data directory."""
    return f"{directory}/{name}" if directory else name
