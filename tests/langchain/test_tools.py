"""The tools themselves: what models pass, what they read, and whose session it is."""

import asyncio
import io
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig

from dynamic_sessions import AsyncSessionPool, Execution, FunctionSourceError, ServerError
from dynamic_sessions.testing import ScriptedService
from dynamic_sessions_local import LocalSessionPool
from langchain_dynamic_sessions import (
    SessionsPythonREPLTool,
    SessionToolException,
)

PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3])\nplt.show()"


def double(number: int) -> int:
    """Return twice the number."""
    return 2 * number


def call(name: str, **arguments: object) -> dict[str, Any]:
    return {"name": name, "args": arguments, "id": "1", "type": "tool_call"}


def in_thread(name: str) -> RunnableConfig:
    return {"configurable": {"thread_id": name}}


def test_a_model_sees_one_argument_and_no_internals() -> None:
    assert list(SessionsPythonREPLTool("local").args) == ["code"]


def test_functions_are_described_and_there() -> None:
    with SessionsPythonREPLTool("local", functions=[double]) as tool:
        assert "def double(number: int) -> int:" in tool.description
        assert len(tool.description) <= 1024
        assert tool.invoke({"code": "double(21)"}) == "42"


def test_descriptions_keep_to_what_services_take() -> None:
    functions = [f"def function_{number:03}(a: int) -> int:\n    return a" for number in range(200)]

    tool = SessionsPythonREPLTool("local", functions=functions)

    assert len(tool.description) <= 1024
    assert "function_000" in tool.description
    assert " more." in tool.description


def test_a_function_that_cannot_travel_is_refused_at_once() -> None:
    with pytest.raises(FunctionSourceError):
        SessionsPythonREPLTool("local", functions=[lambda: 1])


@pytest.mark.parametrize("argument", ["code", "python_code"])
def test_state_stays_between_calls_under_either_argument_name(argument: str) -> None:
    with SessionsPythonREPLTool("local") as tool:
        tool.invoke({argument: "python_version = 3"})
        assert tool.invoke({argument: "```python\npython_version\n```"}) == "3"
        assert tool.invoke("python_version + 1") == "4"


async def test_a_session_that_is_deleted_is_followed_by_a_new_one() -> None:
    async with SessionsPythonREPLTool("local") as tool:
        first = tool.session_id
        await tool.ainvoke("x = 1")
        await tool.adelete_session()
        assert "NameError" in await tool.ainvoke("x")
        assert tool.session_id != first


async def test_synchronous_and_asynchronous_calls_share_the_session() -> None:
    async with SessionsPythonREPLTool("local") as tool:
        await tool.ainvoke({"code": "x = 41"})
        assert await asyncio.to_thread(tool.invoke, {"code": "x + 1"}) == "42"


def test_failing_code_is_a_readable_result_with_a_status() -> None:
    with SessionsPythonREPLTool("local") as tool:
        failed = tool.invoke(call(tool.name, code="1 / 0"))
        fine = tool.invoke(call(tool.name, code="x = 1"))

    assert isinstance(failed, ToolMessage)
    assert (failed.status, fine.status) == ("error", "success")
    assert "ZeroDivisionError" in str(failed.content)
    assert isinstance(failed.artifact, Execution)
    assert fine.content == "The code ran to its end, without output."


def test_a_chart_is_an_image_block_and_in_the_artifact() -> None:
    with SessionsPythonREPLTool("local") as tool:
        message = tool.invoke(call(tool.name, code=PLOT))
        tool.include_images = False
        text = tool.invoke(call(tool.name, code=PLOT)).content

    blocks = message.content
    assert [block["type"] for block in blocks] == ["text", "image"]
    assert blocks[1]["mime_type"] == "image/png"
    assert message.artifact.images[0].data.startswith(b"\x89PNG")
    assert text == "[image: image/png]"


async def test_a_failing_service_is_a_tool_exception(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    tool = SessionsPythonREPLTool(session_pool=session_pool)
    await tool.ainvoke("1")
    service.fail_next(httpx.Response(503))

    with pytest.raises(SessionToolException) as caught:
        await tool.ainvoke("1")

    assert isinstance(caught.value.__cause__, ServerError)
    tool.handle_tool_error = True
    service.fail_next(httpx.Response(503))
    message = await tool.ainvoke(call(tool.name, code="1"))
    assert message.status == "error"


async def test_leaving_the_tool_deletes_its_session(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    async with SessionsPythonREPLTool(session_pool=session_pool) as tool:
        await tool.ainvoke("1")
        assert list(service.sessions) == [tool.session_id]

    assert not service.sessions


async def test_a_named_session_is_left(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    async with SessionsPythonREPLTool(session_pool=session_pool, session_id="mine") as tool:
        await tool.ainvoke("1")

    assert list(service.sessions) == ["mine"]


async def test_concurrent_calls_with_a_session_each_disturb_one_another_in_nothing(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    tool = SessionsPythonREPLTool(session_pool=session_pool, delete_session_after_invocation=True)

    await asyncio.gather(*(tool.ainvoke("1") for _ in range(5)))

    deletions = [request for request in service.requests if request.method == "DELETE"]
    assert len({request.url.params["identifier"] for request in deletions}) == 5
    assert not service.sessions


def test_threads_have_sessions_of_their_own() -> None:
    with SessionsPythonREPLTool("local", session_key="thread_id") as tool:
        tool.invoke({"code": "x = 1"}, in_thread("one"))
        other = tool.invoke({"code": "x"}, in_thread("two"))

        assert tool.invoke({"code": "x"}, in_thread("one")) == "1"
    assert "NameError" in other


def test_a_call_that_does_not_say_its_thread_is_refused() -> None:
    tool = SessionsPythonREPLTool("local", session_key="thread_id")

    with pytest.raises(ValueError, match="thread_id"):
        tool.invoke({"code": "1"})


def test_programs_with_one_secret_reach_the_same_sessions_and_no_other_do() -> None:
    tools = [
        SessionsPythonREPLTool("local", session_key="thread_id", session_secret=secret)
        for secret in ("a secret of some length", "a secret of some length", None)
    ]
    first, second, other = (tool.sessions.identifier(in_thread("one")) for tool in tools)

    assert first == second
    assert other != first


def test_a_secret_that_anybody_could_guess_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        SessionsPythonREPLTool("local", session_key="thread_id", session_secret="short")


def test_programs_written_for_the_predecessor_go_on(tmp_path: Path) -> None:
    with LocalSessionPool() as pool:
        tool = SessionsPythonREPLTool(
            pool_management_endpoint=pool.endpoint,
            access_token_provider=lambda: pool.credential.get_token().token,
            session_id="conversation-1",
            sanitize_input=True,
        )
        local = tmp_path / "numbers.txt"
        local.write_text("1\n2\n")
        uploaded = tool.upload_file(local_file_path=str(local))
        tool.upload_file(data=io.BytesIO(b"3\n"), remote_file_path="more.txt")

        assert (uploaded.filename, uploaded.size_in_bytes) == ("numbers.txt", 4)
        assert uploaded.full_path == "/mnt/data/numbers.txt"
        assert sorted(file.filename for file in tool.list_files()) == ["more.txt", "numbers.txt"]
        assert tool.execute("open('more.txt').read()").result == "3\n"
        assert tool.download_file(remote_file_path="numbers.txt").read() == b"1\n2\n"
        with pytest.raises(ValueError, match="either"):
            tool.upload_file()
        with pytest.raises(ValueError, match="not a file's name"):
            tool.download_file(remote_file_path="../../listSessions")
        tool.delete_session()
        assert tool.list_files() == []
        tool.close()


async def test_synchronous_calls_work_where_an_event_loop_runs_as_in_a_notebook() -> None:
    with SessionsPythonREPLTool("local") as tool:
        tool.invoke({"code": "x = 41"})
        assert tool.invoke({"code": "x + 1"}) == "42"


async def test_a_call_that_is_cancelled_stops_its_code_and_leaves_a_tool_that_works() -> None:
    async with SessionsPythonREPLTool("local") as tool:
        await tool.ainvoke({"code": "x = 1"})
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(tool.ainvoke({"code": "while True: pass"}), 1)
        again = await tool.ainvoke({"code": "6 * 7"})
    assert again == "42\n[the session was new: earlier variables and imports were gone]"


def test_what_no_session_could_be_sent_is_the_models_mistake() -> None:
    tool = SessionsPythonREPLTool("local", handle_validation_error=True)
    message = tool.invoke(call(tool.name, code="print('\ud800')"))
    assert message.status == "error"
