"""The pool's API as its clients see it; every reply is examined before anybody gets it."""

from collections import Counter
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

import httpx

NEWEST = "2025-10-02-preview"
LEGACY = "2024-02-02-preview"
PATIENCE = 30

TIMED_OUT = "Request timed out waiting for code execution to complete"
ABORTED = "Execution aborted"


@dataclass
class Tally:
    """What has happened so far.

    Attributes:
        counts: How often, by what it was.
        statuses: How many replies, by status.
        checks: Seconds that the shortest of executions took, one by one.
    """

    counts: Counter[str] = field(default_factory=Counter[str])
    statuses: Counter[int] = field(default_factory=Counter[int])
    checks: list[float] = field(default_factory=list[float])


@dataclass(frozen=True, kw_only=True)
class Execution:
    """What one execution came to.

    Attributes:
        status: "Succeeded", "Failed", "Canceled" or, where no kernel could be had, "Refused".
        guid: Of the kernel that is behind the identifier now; "" if it was refused.
    """

    status: str
    stdout: str = ""
    stderr: str = ""
    value: object = None
    guid: str = ""
    seconds: float = 0


@dataclass(frozen=True)
class Address:
    """Where a server is and what it wants to be shown."""

    endpoint: str
    token: str


class Service:
    """One client's connections to a server.

    Args:
        address: The server's.
        tally: Counts what is sent and what comes back.
    """

    def __init__(self, address: Address, tally: Tally) -> None:
        self.address = address
        self.tally = tally
        self._client = httpx.AsyncClient(
            base_url=address.endpoint,
            headers={"authorization": f"Bearer {address.token}"},
            params={"api-version": NEWEST},
            timeout=PATIENCE,
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def execute(
        self,
        identifier: str,
        code: str,
        *,
        timeout: int = 20,
        legacy: bool = False,
        may_be_refused: bool = False,
    ) -> Execution:
        """Run code; a time limit is in seconds."""
        self.tally.counts["executions"] += 1
        members = {"code": code, "timeoutInSeconds": timeout}
        response = await self._send(
            "POST",
            "code/execute" if legacy else "executions",
            {"identifier": identifier, "api-version": LEGACY if legacy else NEWEST},
            expected={200, 503} if may_be_refused else {200},
            json={"properties": members} if legacy else members,
        )
        if response.status_code == 503:
            return Execution(status="Refused")
        guid = response.headers["x-ms-session-guid"]
        body = response.json()
        return _legacy_execution(body, guid) if legacy else _execution(body, guid, identifier)

    async def begin(self, identifier: str, code: str) -> str:
        """Have code run without this client, and return what its execution is called."""
        self.tally.counts["executions"] += 1
        response = await self._send(
            "POST",
            "executions",
            {"identifier": identifier},
            expected={202},
            json={"code": code, "executionType": "Asynchronous"},
        )
        return response.json()["id"]

    async def outcome(self, identifier: str, execution: str) -> Execution | None:
        """What came of an execution; None while it goes on, and where the session has gone."""
        response = await self._send(
            "GET", f"executions/{execution}", {"identifier": identifier}, expected={200, 400, 404}
        )
        if response.status_code != 200:
            return Execution(status="Gone")
        body = response.json()
        if body["status"] in {"NotStarted", "Running"}:
            return None
        return _execution(body, response.headers["x-ms-session-guid"], identifier)

    async def upload(self, identifier: str, name: str, content: bytes) -> None:
        """Put a file into /mnt/data."""
        self.tally.counts["uploads"] += 1
        response = await self._send(
            "POST", "files", {"identifier": identifier}, files={"file": (name, content)}
        )
        assert response.json()["sizeInBytes"] == len(content)

    async def download(self, identifier: str, name: str) -> bytes | None:
        """A file's content; None where there is no such file."""
        self.tally.counts["downloads"] += 1
        response = await self._send(
            "GET", f"files/{name}/content", {"identifier": identifier}, expected={200, 404}
        )
        return response.content if response.status_code == 200 else None

    async def has_file(self, identifier: str, name: str) -> bool:
        """Whether there is a file of this name."""
        return name in await self.list_files(identifier)

    async def list_files(self, identifier: str) -> set[str]:
        """The names in /mnt/data."""
        response = await self._send("GET", "files", {"identifier": identifier})
        return {entry["name"] for entry in response.json()["value"]}

    async def has_session(self, identifier: str) -> bool:
        """Whether there is a session; asking makes none."""
        response = await self._send(
            "GET", "session", {"identifier": identifier}, expected={200, 400}
        )
        if response.status_code == 400:
            assert response.json()["error"]["code"] == "SessionWithIdentifierNotFound"
        return response.status_code == 200

    async def delete(self, identifier: str) -> bool:
        """End a session; False where there was none."""
        response = await self._send(
            "DELETE", "session", {"identifier": identifier}, expected={204, 400}
        )
        return response.status_code == 204

    async def send_wrongly(
        self, method: str, path: str, status: int, parameters: Mapping[str, str], **options: Any
    ) -> None:
        """Send a request that breaks a rule, which must get this status."""
        await self._send(method, path, parameters, expected={status}, **options)

    async def _send(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, str],
        *,
        expected: AbstractSet[int] = frozenset({200}),
        **options: Any,
    ) -> httpx.Response:
        response = await self._client.request(method, path, params=parameters, **options)
        self.tally.statuses[response.status_code] += 1
        assert response.status_code in expected, (method, path, response.status_code, response.text)
        if response.status_code >= 400:
            error = response.json()["error"]
            assert set(error) == {"code", "message", "traceId"}, error
            assert error["code"] == response.headers["x-ms-error-code"]
            assert error["message"]
        return response


def _execution(body: dict[str, Any], guid: str, identifier: str) -> Execution:
    assert set(body) == {"id", "identifier", "executionType", "status", "result"}, body
    assert body["identifier"] == identifier
    assert body["status"] in {"Succeeded", "Failed", "Canceled"}
    result = body["result"]
    return Execution(
        status=body["status"],
        stdout=_text(result["stdout"]),
        stderr=_text(result["stderr"]),
        value=result["executionResult"],
        guid=guid,
        seconds=result["executionTimeInMilliseconds"] / 1000,
    )


def _legacy_execution(body: dict[str, Any], guid: str) -> Execution:
    properties = body["properties"]
    assert properties["status"] in {"Success", "Failure"}
    return Execution(
        status="Succeeded" if properties["status"] == "Success" else "Failed",
        stdout=_text(properties["stdout"]),
        stderr=_text(properties["stderr"]),
        value=properties["result"],
        guid=guid,
        seconds=properties["executionTimeInMilliseconds"] / 1000,
    )


def _text(value: object) -> str:
    assert isinstance(value, str)
    return value
