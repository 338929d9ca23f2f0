"""The tools for files: inside the session, and nowhere else."""

import base64
from collections.abc import Iterator

import httpx
import pytest
from langchain_core.tools import BaseTool, BaseToolkit

from dynamic_sessions import AsyncSessionPool
from dynamic_sessions.testing import ScriptedService
from langchain_dynamic_sessions import SessionsToolkit, SessionToolException

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def toolkit() -> Iterator[SessionsToolkit]:
    with SessionsToolkit("local") as toolkit:
        yield toolkit


def by_name(toolkit: SessionsToolkit) -> dict[str, BaseTool]:
    return {tool.name: tool for tool in toolkit.get_tools()}


def test_what_one_tool_writes_the_others_see(toolkit: SessionsToolkit) -> None:
    tools = by_name(toolkit)

    written = tools["write_file"].invoke({"name": "a.txt", "content": "hello"})
    computed = tools["Python_REPL"].invoke({"code": "open('a.txt').read()"})

    assert written == "Wrote 5 bytes to a.txt."
    assert computed == "hello"
    assert tools["list_files"].invoke({}) == "a.txt (5 bytes)"
    assert tools["read_file"].invoke({"name": "/mnt/data/a.txt"}) == "hello"


async def test_asynchronous_calls_do_the_same() -> None:
    async with SessionsToolkit("local") as toolkit:
        tools = by_name(toolkit)
        await tools["write_file"].ainvoke({"name": "a.txt", "content": "hello"})

        assert await tools["list_files"].ainvoke({"directory": "/mnt/data"}) == "a.txt (5 bytes)"
        assert await tools["read_file"].ainvoke({"name": "a.txt"}) == "hello"


async def test_leaving_the_toolkit_deletes_its_session(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    async with SessionsToolkit(session_pool=session_pool) as toolkit:
        await by_name(toolkit)["write_file"].ainvoke({"name": "a.txt", "content": "hello"})
        assert service.sessions

    assert isinstance(toolkit, BaseToolkit)
    assert not service.sessions


def test_a_picture_is_shown(toolkit: SessionsToolkit) -> None:
    toolkit.sessions.session().files.upload(PNG, name="dot.png")

    blocks = by_name(toolkit)["read_file"].invoke({"name": "dot.png"})

    assert [block["type"] for block in blocks] == ["text", "image"]
    assert base64.b64decode(blocks[1]["base64"]) == PNG


@pytest.mark.parametrize("name", ["absent.txt", "../../listSessions", "/etc/passwd", ""])
def test_a_wrong_name_is_told_the_model(toolkit: SessionsToolkit, name: str) -> None:
    call = {"name": "read_file", "args": {"name": name}, "id": "1", "type": "tool_call"}

    message = by_name(toolkit)["read_file"].invoke(call)

    assert message.status == "error"
    assert "file" in message.content


async def test_a_failing_service_is_raised(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    tools = by_name(SessionsToolkit(session_pool=session_pool))
    service.fail_next(httpx.Response(403))

    with pytest.raises(SessionToolException):
        await tools["list_files"].ainvoke({})


def test_a_session_for_every_call_is_refused() -> None:
    with pytest.raises(ValueError, match="outlives"):
        SessionsToolkit("local", delete_session_after_invocation=True)
