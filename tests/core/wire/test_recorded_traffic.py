"""The client replays what Microsoft's own command line said to the real service in 2024."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from dynamic_sessions import AsyncSession, AsyncSessionPool, ExecutionStatus

ENDPOINT = (
    "https://northcentralusstage.dynamicsessions.io/subscriptions/"
    "00000000-0000-0000-0000-000000000000/resourceGroups/clitest.rg000001/"
    "sessionPools/spjupyterpython000002"
)
IDENTIFIER = "testidentifier000003"


class Recording:
    """Answers each request with the recorded answer to the same request, and with nothing else."""

    def __init__(self, exchanges: list[dict[str, Any]]) -> None:
        self._exchanges = exchanges
        self.bodies: list[bytes] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(request.content)
        (exchange,) = [one for one in self._exchanges if _is_same(one["request"], request)]
        recorded = exchange["response"]
        headers = {
            name: value
            for name, value in recorded["headers"].items()
            if name not in {"transfer-encoding", "content-length"}
        }
        return httpx.Response(recorded["status"], headers=headers, content=recorded["body"])


def _is_same(recorded: dict[str, Any], request: httpx.Request) -> bool:
    url = httpx.URL(recorded["url"])
    # The command line names the root directory, which is where files go without a name, too.
    query = {name: value for name, value in url.params.items() if name != "path"}
    return (recorded["method"], url.path, query) == (
        request.method,
        request.url.path,
        dict(request.url.params),
    )


@pytest.fixture
def recording(published: Path) -> Recording:
    path = published / "captures" / "cli_recording_2024-10-02-preview.json"
    return Recording(json.loads(path.read_text())["exchanges"])


@pytest.fixture
def session(recording: Recording) -> AsyncSession:
    pool = AsyncSessionPool(
        ENDPOINT,
        "token",
        api_version="2024-10-02-preview",
        transport=httpx.MockTransport(recording),
    )
    return pool.session(IDENTIFIER)


async def test_the_recorded_execution_is_understood(
    session: AsyncSession, recording: Recording
) -> None:
    run = await session.execute('print("Hello world")', timeout=60)

    assert run.status is ExecutionStatus.SUCCEEDED
    assert (run.stdout, run.stderr, run.result) == ("Hello world\n", "", None)
    assert run.duration == 0.007
    assert run.execution_id == "92827cfa-e6ac-4309-8b72-4e30f3f31c2a"
    assert not run.session_recycled
    sent = json.loads(recording.bodies[-1])
    assert {name: str(value).lower() for name, value in sent.items()} == {
        "codeInputType": "inline",
        "executionType": "synchronous",
        "code": 'print("hello world")',
        "timeoutInSeconds": "60",
    }


async def test_the_recorded_upload_is_understood(
    session: AsyncSession, recording: Recording
) -> None:
    file = await session.files.upload(b"testing", name="cert.txt")
    assert (file.name, file.size, file.type) == ("cert.txt", 7, "file")
    assert b'name="file"; filename="cert.txt"' in recording.bodies[-1]


async def test_the_recorded_list_is_understood(session: AsyncSession) -> None:
    (file,) = await session.files.list()
    assert (file.name, file.size, file.type) == ("cert.txt", 7, "file")
    assert file.content_type == "text/plain; charset=utf-8"
    assert file.modified_at == datetime(2024, 11, 11, 9, 7, 36, 787374, UTC)


async def test_the_recorded_content_is_understood(session: AsyncSession, tmp_path: Path) -> None:
    assert await session.files.read("cert.txt") == b"testing"
    path = await session.files.download("cert.txt", to=tmp_path)
    assert path.read_bytes() == b"testing"


async def test_the_recorded_deletion_is_understood(
    session: AsyncSession, recording: Recording
) -> None:
    await session.files.delete("cert.txt")
    assert len(recording.bodies) == 1
