"""What a model reads when something else than its code fails."""

import httpx
import pytest
from mcp.client import Client
from mcp.types import CallToolResult

from dynamic_sessions import AsyncSessionPool
from dynamic_sessions.testing import ScriptedService
from dynamic_sessions_mcp import ServerSettings, create_server

from .connecting import text_of

SECRET = "secret-of-the-code"


async def called(
    pool: AsyncSessionPool, tool: str, settings: ServerSettings | None = None, **arguments: object
) -> CallToolResult:
    server = create_server(session_pool=pool, settings=settings)
    async with Client(server, raise_exceptions=True) as client:
        return await client.call_tool(tool, arguments)


async def test_a_missing_role_is_named(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    service.fail_next(httpx.Response(403))
    result = await called(session_pool, "run_python", code=f"'{SECRET}'")
    assert result.is_error
    assert "Azure ContainerApps Session Executor" in text_of(result)
    assert SECRET not in text_of(result)


async def test_what_may_have_run_is_not_to_be_repeated_blindly(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    server = create_server(session_pool=session_pool)
    async with Client(server, raise_exceptions=True) as client:
        await client.call_tool("run_python", {"code": "1"})
        service.fail_next(httpx.Response(500))
        result = await client.call_tool("run_python", {"code": "pay()"})
    assert result.is_error
    assert "look before you repeat it" in text_of(result)
    assert "pay()" not in service.code  # It was answered by the failure, and not sent again.


@pytest.mark.parametrize(
    ("tool", "arguments", "expected"),
    [
        ("run_python", {}, "code: Field required"),
        ("run_python", {"code": "1", "input": "2"}, "input: Extra inputs"),
        ("run_python", {"code": 1}, "code: Input should be a valid string"),
        ("run_python", {"code": "1", "timeout_seconds": 0}, "timeout_seconds"),
        ("read_file", {"name": "../etc/passwd"}, "relative to /mnt/data"),
        ("read_file", {"name": "/etc/passwd"}, "relative to /mnt/data"),
        ("read_file", {"name": "missing"}, "list_files shows"),
        ("read_file", {"name": "a/missing"}, "list_files shows"),
        ("write_file", {"name": "..", "content": ""}, "relative to /mnt/data"),
        ("write_file", {"name": "f", "content": "%", "encoding": "base64"}, "not base64"),
        ("write_file", {"name": "f", "content": "ab" * 6}, "more than the 10"),
        ("no_such_tool", {}, "no tool"),
        ("load_shared_file", {"name": "f"}, "no tool"),
    ],
)
async def test_a_wrong_call_says_what_is_wrong(
    session_pool: AsyncSessionPool, tool: str, arguments: dict[str, object], expected: str
) -> None:
    result = await called(session_pool, tool, ServerSettings(file_limit=10), **arguments)
    assert result.is_error
    assert expected in text_of(result)


async def test_a_wrong_call_makes_no_request(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    await called(session_pool, "run_python", code=1)
    assert not service.requests


async def test_a_fault_of_the_server_itself_is_in_its_log_alone(
    session_pool: AsyncSessionPool, service: ScriptedService, caplog: pytest.LogCaptureFixture
) -> None:
    service.fail_next(RuntimeError("no sandbox on this machine"))
    result = await called(session_pool, "run_python", code=f"'{SECRET}'")
    assert result.is_error
    assert text_of(result) == "The server failed (RuntimeError); its log says why."
    assert "no sandbox on this machine" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    "settings",
    [
        {"timeout": 0},
        {"timeout": 221},
        {"output_limit": 199},
        {"file_limit": 0},
        {"progress_seconds": 0},
    ],
)
def test_limits_that_nothing_can_keep_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"limit|above 0|at least"):
        ServerSettings(**settings)  # pyright: ignore[reportArgumentType]


async def test_a_pool_and_an_endpoint_are_one_too_many(session_pool: AsyncSessionPool) -> None:
    with pytest.raises(ValueError, match="either"):
        create_server("local", session_pool=session_pool)
    with pytest.raises(ValueError, match="either"):
        create_server(credential="token", session_pool=session_pool)


def test_nothing_runs_on_this_machine_unless_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("DYNAMIC_SESSIONS_ENDPOINT", raising=False)
    with pytest.raises(ValueError, match="No session pool was named"):
        create_server()
