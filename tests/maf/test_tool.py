"""The tool by itself: what it offers a model, what comes back, and what is raised."""

import asyncio
import json
import logging
from typing import Any

import httpx
import pytest
from agent_framework import Agent, Content
from agent_framework.exceptions import ToolExecutionException
from pydantic import ValidationError

from dynamic_sessions import (
    AsyncSessionPool,
    FunctionModule,
    PermissionDeniedError,
    ServiceError,
)
from dynamic_sessions.testing import ScriptedExecution, ScriptedService
from maf_dynamic_sessions import (
    CodeInput,
    DynamicSessionsCodeActProvider,
    DynamicSessionsTool,
    SessionServiceError,
)
from maf_dynamic_sessions.agent_sessions import AgentSessions

from .scripted_model import ScriptedModel, code, say


def triple(number: int) -> int:
    """Multiply by three."""
    return 3 * number


async def text_of(tool: DynamicSessionsTool, program: str) -> str | None:
    return (await tool.invoke(arguments={"code": program}))[0].text


def test_a_model_is_offered_one_string_and_nothing_else(session_pool: AsyncSessionPool) -> None:
    tool = DynamicSessionsTool(session_pool=session_pool)

    schema = tool.parameters()

    assert schema["required"] == ["code"]
    assert {name: item["type"] for name, item in schema["properties"].items()} == {"code": "string"}
    json.dumps(tool.to_json_schema_spec())


async def test_calls_by_no_agent_share_the_tools_own_session(
    local_tool: DynamicSessionsTool,
) -> None:
    await local_tool.invoke(arguments=CodeInput(code="x = 20"))

    assert await text_of(local_tool, "print('twenty and'); x + 1") == "twenty and\n21"


async def test_two_tools_have_two_sessions(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    one = DynamicSessionsTool(session_pool=session_pool)
    other = DynamicSessionsTool(session_pool=session_pool)
    await one.invoke(arguments={"code": "1"})
    await other.invoke(arguments={"code": "1"})
    await one.invoke(arguments={"code": "1"})

    assert len(service.sessions) == 2


async def test_code_that_reaches_its_time_limit_is_a_result() -> None:
    async with DynamicSessionsTool("local", timeout=1) as tool:
        contents = await tool.invoke(
            arguments={"code": "print('begun', flush=True)\nwhile True: pass"}
        )
        assert await text_of(tool, "6 * 7") == "42"

    text, error = contents
    assert str(text.text).startswith("begun\n")
    assert (error.type, error.error_code) == ("error", "timed_out")


async def test_an_error_is_there_for_programs_as_well(local_tool: DynamicSessionsTool) -> None:
    text, error = await local_tool.invoke(arguments={"code": "{}['x']"})

    assert "KeyError: 'x'" in str(text.text)
    assert (error.error_code, error.message) == ("KeyError", "KeyError: 'x'")
    assert "Traceback" in str(error.error_details)


@pytest.mark.parametrize(
    ("written", "ran"),
    [
        ("```python\nx = 1\n```", "x = 1"),
        ("python_version = 3", "python_version = 3"),
        ("    x = 1\n    y = 2", "x = 1\ny = 2"),
        ("'`'", "'`'"),
    ],
)
async def test_wrapping_comes_off_code_and_nothing_else(
    session_pool: AsyncSessionPool, service: ScriptedService, written: str, ran: str
) -> None:
    await DynamicSessionsTool(session_pool=session_pool).invoke(arguments={"code": written})

    assert service.code == [ran]


async def test_a_long_output_loses_its_middle_and_says_so(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    service.script["long"] = ScriptedExecution(stdout="begin" + "-" * 5000 + "end")
    tool = DynamicSessionsTool(session_pool=session_pool, output_limit=300)

    text = str(await text_of(tool, "long"))

    assert len(text) <= 300
    assert text.startswith("begin")
    assert text.endswith("end")
    assert "left out" in text


async def test_a_service_that_refuses_is_a_tools_exception(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    service.fail_next(httpx.Response(403, json={"error": {"code": "Forbidden", "message": "no"}}))
    tool = DynamicSessionsTool(session_pool=session_pool)

    with pytest.raises(SessionServiceError) as caught:
        await tool.invoke(arguments={"code": "1"})

    assert isinstance(caught.value, ToolExecutionException)
    assert isinstance(caught.value, ServiceError)
    assert isinstance(caught.value.__cause__, PermissionDeniedError)
    assert not caught.value.outcome_unknown
    assert service.code == []


async def test_an_agent_goes_on_after_a_service_that_refused(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    service.fail_next(httpx.Response(403, json={"error": {"code": "Forbidden", "message": "no"}}))
    model = ScriptedModel([code("1")], say("It does not work."))
    agent = Agent(
        model, context_providers=[DynamicSessionsCodeActProvider(session_pool=session_pool)]
    )

    response = await agent.run("Go.", session=agent.create_session())

    assert response.text == "It does not work."
    (result,) = model.read_results
    assert "Error" in str(result.result)
    assert "Session Executor" in str(result.exception)


async def test_arguments_of_another_shape_never_reach_the_session(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    tool = DynamicSessionsTool(session_pool=session_pool)

    with pytest.raises((TypeError, ValidationError)):
        await tool.invoke(arguments={"code": ["1"]})

    assert service.requests == []


async def test_a_named_session_is_the_same_for_all(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    tool = DynamicSessionsTool(session_pool=session_pool, session_id="shared-by-all")
    agent = Agent(ScriptedModel([code("1")], say("Done.")), tools=[tool])

    await tool.invoke(arguments={"code": "1"})
    await agent.run("Go.", session=agent.create_session())

    assert list(service.sessions) == ["shared-by-all"]


async def test_no_token_and_no_code_is_in_logs_or_reprs(
    session_pool: AsyncSessionPool, service: ScriptedService, caplog: pytest.LogCaptureFixture
) -> None:
    tool = DynamicSessionsTool(session_pool=session_pool)
    with caplog.at_level(logging.DEBUG, logger="maf_dynamic_sessions"):
        await tool.invoke(arguments={"code": "password = 'hush'"})

    own = [record for record in caplog.records if record.name.startswith("maf_dynamic_sessions")]
    assert not any("hush" in record.getMessage() for record in own)
    assert "token" not in repr(tool)
    assert service.code == ["password = 'hush'"]


def test_without_an_endpoint_the_constructor_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("DYNAMIC_SESSIONS_ENDPOINT", raising=False)
    with pytest.raises(ValueError, match="DYNAMIC_SESSIONS_ENDPOINT"):
        DynamicSessionsTool()


@pytest.mark.parametrize("wrong", [{"output_limit": 10}, {"timeout": 0}, {"session_id": "a b"}])
def test_what_is_out_of_range_is_refused_before_any_code_runs(
    session_pool: AsyncSessionPool, wrong: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="|".join(["limit", "timeout", "identifier"])):
        DynamicSessionsTool(session_pool=session_pool, **wrong)


def test_the_environment_names_the_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DYNAMIC_SESSIONS_ENDPOINT", "https://pool.test/?query")
    with pytest.raises(ValueError, match="query"):
        DynamicSessionsCodeActProvider()


def test_an_endpoint_and_a_session_pool_exclude_each_other(session_pool: AsyncSessionPool) -> None:
    with pytest.raises(ValueError, match="not both"):
        DynamicSessionsTool("local", session_pool=session_pool)


async def test_closing_ends_the_tools_own_session_and_leaves_those_of_agents(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    tool = DynamicSessionsTool(session_pool=session_pool)
    agent = Agent(ScriptedModel([code("1")], say("Done.")), tools=[tool])
    session = agent.create_session()
    await tool.invoke(arguments={"code": "1"})
    await agent.run("Go.", session=session)
    assert len(service.sessions) == 2

    await tool.close()

    assert list(service.sessions) == [tool.session_for(session).identifier]


def test_calls_from_one_event_loop_after_the_other_reach_the_same_session(
    service: ScriptedService,
) -> None:
    sessions = AgentSessions(
        lambda: AsyncSessionPool("https://pool.test", "token", transport=service.transport),
        closes_pools=True,
        session_id=None,
    )

    async def call() -> None:
        await sessions.own_turns(FunctionModule.from_functions(())).session.execute("1")

    asyncio.run(call())
    asyncio.run(call())
    assert len(service.sessions) == 1
    asyncio.run(sessions.close())

    assert service.sessions == {}


async def test_a_function_that_comes_later_leaves_variables_alone(
    local_tool: DynamicSessionsTool,
) -> None:
    await local_tool.invoke(arguments={"code": "x = 14"})
    local_tool.add_tools(triple)

    assert await text_of(local_tool, "triple(x)") == "42"


async def test_a_session_that_cannot_be_deleted_costs_no_result(
    service: ScriptedService, caplog: pytest.LogCaptureFixture
) -> None:
    service.script["1"] = ScriptedExecution(result=1)

    def undeletable(request: httpx.Request) -> httpx.Response:
        return httpx.Response(403) if request.method == "DELETE" else service(request)

    transport = httpx.MockTransport(undeletable)
    async with AsyncSessionPool("https://pool.test", "token", transport=transport) as pool:
        model = ScriptedModel([code("1")], say("Done."))
        await Agent(model, tools=[DynamicSessionsTool(session_pool=pool)]).run("Go.")

    assert str(model.read_results[0].result).startswith("1\n")
    assert "could not be deleted" in caplog.text


def test_a_dumped_tool_has_no_secret() -> None:
    tool = DynamicSessionsTool("https://pool.test", "the secret")

    assert "the secret" not in json.dumps(tool.to_dict(), default=repr)


async def test_an_ended_conversation_ends_its_session(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    provider = DynamicSessionsCodeActProvider(session_pool=session_pool)
    agent = Agent(ScriptedModel([code("1")], say("Done.")), context_providers=[provider])
    session = agent.create_session()
    await agent.run("Go.", session=session)
    assert len(service.sessions) == 1

    await provider.session_for(session).delete()

    assert service.sessions == {}


async def test_a_state_that_was_tampered_with_is_refused(session_pool: AsyncSessionPool) -> None:
    provider = DynamicSessionsCodeActProvider(session_pool=session_pool)
    session = Agent(ScriptedModel()).create_session()
    session.state["dynamic_sessions"] = {"identifier": 7}

    with pytest.raises(ValueError, match="state"):
        provider.session_for(session)


async def test_functions_are_set_up_once_for_many_runs(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    provider = DynamicSessionsCodeActProvider(session_pool=session_pool)
    model = ScriptedModel([code("1")], say("."), [code("2")], say("."), [code("3")], say("."))
    agent = Agent(model, context_providers=[provider])
    session = agent.create_session()

    for _ in range(3):
        await agent.run("Go.", session=session)

    assert service.code == ["1", "2", "3"]
    assert len(service.requests) == 4


def test_the_state_is_json(session_pool: AsyncSessionPool) -> None:
    provider = DynamicSessionsCodeActProvider(session_pool=session_pool)

    state = json.loads(json.dumps(provider.build_serializable_state()))

    assert state["runtime"] == "dynamic_sessions"
    assert state["approval_mode"] == "never_require"


async def test_results_can_be_read_as_contents(local_tool: DynamicSessionsTool) -> None:
    contents = await local_tool.invoke(arguments={"code": "import os; os.getcwd()"})

    assert all(isinstance(item, Content) for item in contents)
    assert [item.text for item in contents] == ["/mnt/data"]
