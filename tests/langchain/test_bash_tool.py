"""The tool that runs commands, on real sessions of a Shell pool."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from pydantic import ValidationError

from dynamic_sessions import (
    AsyncSessionPool,
    Execution,
    ExecutionStatus,
    InvalidRequestError,
    ServerError,
    SessionPool,
)
from dynamic_sessions.testing import ScriptedService
from dynamic_sessions_local import LocalSessionPool
from langchain_dynamic_sessions import SessionsBashTool, SessionToolException


@pytest.fixture
def tool(shell_pool: LocalSessionPool) -> Iterator[SessionsBashTool]:
    with SessionsBashTool(shell_pool.endpoint, shell_pool.credential) as tool:
        yield tool


def call(command: str) -> dict[str, Any]:
    return {"name": "Bash", "args": {"command": command}, "id": "1", "type": "tool_call"}


def in_thread(name: str) -> RunnableConfig:
    return {"configurable": {"thread_id": name}}


def files_of(pool: LocalSessionPool, identifier: str) -> list[str]:
    """Names of the files of a session, which is deleted."""
    with SessionPool(pool.endpoint, pool.credential) as client:
        names = [file.name for file in client.session(identifier).files.list()]
        client.session(identifier).delete()
    return names


def test_a_model_sees_one_argument_and_no_internals(tool: SessionsBashTool) -> None:
    assert list(tool.args) == ["command"]


@pytest.mark.parametrize("argument", ["command", "bash_command"])
def test_commands_run_as_they_are_written(tool: SessionsBashTool, argument: str) -> None:
    assert tool.invoke({argument: "shuf -i 1-1"}) == "1\n"
    assert tool.invoke({argument: "```bash\nsh -c 'echo inner'\n```"}) == "inner\n"
    assert tool.invoke("echo plain") == "plain\n"


def test_files_stay_and_nothing_else_does(tool: SessionsBashTool) -> None:
    tool.invoke("echo kept > kept.txt; export NAME=lost; cd /tmp")
    assert tool.invoke("pwd; cat kept.txt; echo ${NAME:-none}") == "/mnt/data\nkept\nnone\n"


def test_a_failing_command_is_a_readable_result_with_a_status(tool: SessionsBashTool) -> None:
    failed = tool.invoke(call("echo out; echo err >&2; exit 3"))
    fine = tool.invoke(call("true"))

    assert isinstance(failed, ToolMessage)
    assert (failed.status, fine.status) == ("error", "success")
    assert failed.content == "out\nerr\nThe command ended with exit code 3."
    assert isinstance(failed.artifact, Execution)
    assert failed.artifact.exit_code == 3
    assert fine.content == "The command ran to its end, without output."


def test_a_command_beyond_its_time_is_stopped_and_told(shell_pool: LocalSessionPool) -> None:
    with SessionsBashTool(shell_pool.endpoint, shell_pool.credential, timeout=1) as tool:
        tool.invoke("echo kept > kept.txt")
        message = tool.invoke(call("tail -f /dev/null"))
        assert tool.invoke("cat kept.txt") == "kept\n"

    assert message.status == "error"
    assert message.artifact.status is ExecutionStatus.TIMED_OUT
    assert "time limit" in message.content


def test_long_output_is_cut_in_the_middle_for_the_model_alone(
    shell_pool: LocalSessionPool,
) -> None:
    with SessionsBashTool(shell_pool.endpoint, shell_pool.credential, output_limit=1000) as tool:
        message = tool.invoke(call("seq 20000"))

    assert len(message.content) <= 1000
    assert message.content.startswith("1\n2\n")
    assert message.content.endswith("20000\n")
    assert len(message.artifact.stdout.splitlines()) == 20000


@pytest.mark.parametrize("command", ["", "```\n```", "echo \0", "echo \ud800"])
def test_what_is_no_command_is_refused_by_the_arguments_schema(
    tool: SessionsBashTool, command: str
) -> None:
    with pytest.raises(ValidationError):
        tool.invoke(call(command))


async def test_synchronous_and_asynchronous_calls_share_the_session(
    shell_pool: LocalSessionPool,
) -> None:
    async with SessionsBashTool(shell_pool.endpoint, shell_pool.credential) as tool:
        await tool.ainvoke("echo shared > a.txt")
        assert await asyncio.to_thread(tool.invoke, "cat a.txt") == "shared\n"
        failed = await tool.ainvoke(call("exit 4"))
    assert (failed.status, failed.artifact.exit_code) == ("error", 4)


def test_threads_have_sessions_of_their_own(shell_pool: LocalSessionPool) -> None:
    with SessionsBashTool(
        shell_pool.endpoint, shell_pool.credential, session_key="thread_id"
    ) as tool:
        tool.invoke("echo one > whose.txt", in_thread("one"))
        stranger = tool.invoke(call("cat whose.txt"), in_thread("two"))
        assert tool.invoke("cat whose.txt", in_thread("one")) == "one\n"
    assert stranger.status == "error"


async def test_a_failing_service_is_a_tool_exception(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    tool = SessionsBashTool(session_pool=session_pool)
    service.fail_next(httpx.Response(503))
    with pytest.raises(SessionToolException) as caught:
        await tool.ainvoke("ls")
    assert isinstance(caught.value.__cause__, ServerError)

    tool.handle_tool_error = True
    service.fail_next(httpx.Response(503))
    assert (await tool.ainvoke(call("ls"))).status == "error"


def test_a_pool_that_runs_python_is_a_tool_exception() -> None:
    with SessionsBashTool("local") as tool, pytest.raises(SessionToolException) as caught:
        tool.invoke("ls")
    assert isinstance(caught.value.__cause__, InvalidRequestError)


@pytest.mark.parametrize("name", [None, "mine"])
def test_leaving_the_tool_deletes_its_session_unless_the_caller_named_it(
    shell_pool: LocalSessionPool, name: str | None
) -> None:
    with SessionsBashTool(shell_pool.endpoint, shell_pool.credential, session_id=name) as tool:
        tool.invoke("touch here")
        identifier = tool.session_id

    assert files_of(shell_pool, identifier) == (["here"] if name else [])


async def test_every_call_can_have_a_session_of_its_own(shell_pool: LocalSessionPool) -> None:
    async with SessionsBashTool(
        shell_pool.endpoint, shell_pool.credential, delete_session_after_invocation=True
    ) as tool:
        commands = [f"ls; touch {number}" for number in range(3)]
        assert (
            await asyncio.gather(*map(tool.ainvoke, commands))
            == ["The command ran to its end, without output."] * 3
        )


def test_functions_are_refused() -> None:
    with pytest.raises(ValueError, match="Python"):
        SessionsBashTool("local", functions=["def f() -> int:\n    return 1"])
