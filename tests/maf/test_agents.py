"""The framework's own agents on real sessions, with a model that follows a script."""

import asyncio
import json
from typing import Annotated

import pytest
from agent_framework import Agent, AgentSession, Content, FunctionTool, Message, tool
from pydantic import Field

from dynamic_sessions_local import LocalSessionPool
from maf_dynamic_sessions import DynamicSessionsCodeActProvider, DynamicSessionsTool

from .scripted_model import ScriptedModel, code, say

PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3])\nplt.show()"

PRICES = {"apple": 3, "pear": 4}


@tool
def price(fruit: Annotated[str, Field(description="Name of the fruit.")]) -> int:
    """Look up what a fruit costs, in cents."""
    return PRICES[fruit]


def results(model: ScriptedModel) -> list[str]:
    return [str(item.result) for item in model.read_results]


async def test_an_agent_works_over_several_turns_in_one_session(
    local_provider: DynamicSessionsCodeActProvider,
) -> None:
    model = ScriptedModel(
        [code("numbers = [1, 2, 3]")], [code("sum(numbers)")], say("6"),
        [code("max(numbers)")], say("3"),
    )  # fmt: skip
    agent = Agent(model, context_providers=[local_provider])
    session = agent.create_session()

    first = await agent.run("Add them up.", session=session)
    second = await agent.run("And the largest?", session=session)

    assert (first.text, second.text) == ("6", "3")
    assert results(model) == ["The code ran to its end, without output.", "6", "3"]


async def test_a_streamed_run_is_the_same(local_provider: DynamicSessionsCodeActProvider) -> None:
    model = ScriptedModel([code("x = 20")], [code("x + 1")], say("It is 21."))
    agent = Agent(model, context_providers=[local_provider])
    session = agent.create_session()

    updates = [update async for update in agent.run("Go.", session=session, stream=True)]

    streamed = [item for update in updates for item in update.contents]
    assert [item.result for item in streamed if item.type == "function_result"][-1] == "21"
    assert updates[-1].text == "It is 21."


async def test_agent_sessions_never_share_state(
    local_provider: DynamicSessionsCodeActProvider,
) -> None:
    model = ScriptedModel(
        [code("secret = 'of the first'\nopen('kept', 'w').close()")], say("Done."),
        [code("import os; 'secret' in globals(), os.listdir('/mnt/data')")], say("Done."),
    )  # fmt: skip
    agent = Agent(model, context_providers=[local_provider])

    await agent.run("Keep it.", session=agent.create_session())
    await agent.run("Find it.", session=agent.create_session())

    assert results(model) == ["(False, [])"]


async def test_the_tool_alone_keeps_agent_sessions_apart_as_well(
    local_tool: DynamicSessionsTool,
) -> None:
    model = ScriptedModel(
        [code("secret = 1")], [code("secret + 1")], say("2"),
        [code("'secret' in globals()")], say("No."),
    )  # fmt: skip
    agent = Agent(model, tools=[local_tool])
    first = agent.create_session()

    await agent.run("Keep it.", session=first)
    assert results(model)[-1] == "2"
    await agent.run("Find it.", session=agent.create_session())

    assert results(model) == ["False"]


async def test_runs_without_an_agent_session_leave_nothing_to_each_other(
    local_tool: DynamicSessionsTool, caplog: pytest.LogCaptureFixture
) -> None:
    model = ScriptedModel([code("x = 1")], say("Done."), [code("'x' in globals()")], say("No."))
    agent = Agent(model, tools=[local_tool])

    await agent.run("Keep it.")
    await agent.run("Find it.")

    answer, _, note = results(model)[0].partition("\n")
    assert answer == "False"
    assert "a session of its own" in note
    assert "without an agent session" in caplog.text


async def test_a_restored_agent_session_comes_back_to_its_variables_and_files() -> None:
    async with LocalSessionPool() as pool:
        token = pool.credential.get_token().token
        async with DynamicSessionsCodeActProvider(endpoint=pool.endpoint, credential=token) as one:
            model = ScriptedModel([code("x = 41\nopen('kept', 'w').close()")], say("Kept."))
            agent = Agent(model, context_providers=[one])
            session = agent.create_session()
            await agent.run("Keep it.", session=session)
            stored = json.dumps(session.to_dict())

        async with DynamicSessionsCodeActProvider(endpoint=pool.endpoint, credential=token) as two:
            model = ScriptedModel([code("import os; (x + 1, os.listdir())")], say("Found."))
            agent = Agent(model, context_providers=[two])
            await agent.run("Go on.", session=AgentSession.from_dict(json.loads(stored)))

    assert results(model)[-1] == "(42, ['kept'])"
    assert token not in stored


async def test_a_model_reads_what_went_wrong_and_tries_again(
    local_provider: DynamicSessionsCodeActProvider,
) -> None:
    model = ScriptedModel([code("1 / 0")], [code("6 * 7")], say("42"))
    agent = Agent(model, context_providers=[local_provider])

    await agent.run("Go.", session=agent.create_session())

    failed, succeeded = model.read_results
    assert "ZeroDivisionError: division by zero" in str(failed.result)
    assert [item.type for item in failed.items or []] == ["text", "error"]
    assert succeeded.result == "42"


async def test_pictures_reach_the_model_as_data(
    local_provider: DynamicSessionsCodeActProvider,
) -> None:
    model = ScriptedModel([code(PLOT)], say("A chart."))
    agent = Agent(model, context_providers=[local_provider])

    await agent.run("Draw.", session=agent.create_session())

    (result,) = model.read_results
    text, image = result.items or []
    assert text.text == "[image: image/png]"
    assert (image.type, image.media_type) == ("data", "image/png")
    assert str(image.uri).startswith("data:image/png;base64,iVBORw0KGgo")


async def test_tools_are_functions_of_the_session_and_described_once() -> None:
    async with DynamicSessionsCodeActProvider(endpoint="local", tools=[price]) as provider:
        model = ScriptedModel([code("price('apple') + price('pear')")], say("7 cents."))
        agent = Agent(model, instructions="Be brief.", context_providers=[provider])
        await agent.run("What do they cost?", session=agent.create_session())

    assert results(model) == ["7"]
    instructions = model.options[0]["instructions"]
    (offered,) = model.options[0]["tools"]
    assert instructions.startswith("Be brief.")
    assert "def price(" in instructions
    assert "Look up what a fruit costs" in instructions
    assert (offered.name, "price" in offered.description) == ("execute_code", False)
    assert list(offered.parameters()["properties"]) == ["code"]


async def test_a_tool_that_cannot_travel_is_called_by_the_model_itself() -> None:
    stock = {"apple": 12}

    @tool
    def in_stock(fruit: str) -> int:
        """Count what is there."""
        return stock[fruit]

    async with DynamicSessionsCodeActProvider(
        endpoint="local", tools=[price, in_stock]
    ) as provider:
        call = Content.from_function_call("1", "in_stock", arguments='{"fruit": "apple"}')
        model = ScriptedModel([call], [code("12 * price('apple')")], say("36 cents."))
        agent = Agent(model, context_providers=[provider])
        await agent.run("What is it all worth?", session=agent.create_session())

        assert [item.name for item in provider.get_tools()] == ["price", "in_stock"]
        assert [item.name for item in provider.get_direct_tools()] == ["in_stock"]

    assert results(model) == ["12", "36"]
    assert [item.name for item in model.options[0]["tools"]] == ["execute_code", "in_stock"]


async def test_code_waits_for_an_approval_where_one_is_asked_for() -> None:
    async with DynamicSessionsCodeActProvider(
        endpoint="local", approval_mode="always_require"
    ) as provider:
        model = ScriptedModel([code("6 * 7")], say("42"))
        agent = Agent(model, context_providers=[provider])
        session = agent.create_session()

        asked = await agent.run("Go.", session=session)
        (request,) = asked.user_input_requests
        assert len(model.requests) == 1
        answer = Message("user", [request.to_function_approval_response(approved=True)])
        answered = await agent.run(answer, session=session)

    assert answered.text == "42"
    assert results(model) == ["42"]


async def test_parallel_calls_of_one_answer_run_in_its_order(
    local_provider: DynamicSessionsCodeActProvider,
) -> None:
    model = ScriptedModel(
        [code("x = 1", "a"), code("x += 1\nx", "b"), code("x * 10", "c")], say("!")
    )
    agent = Agent(model, context_providers=[local_provider])

    await agent.run("Go.", session=agent.create_session())

    assert results(model)[1:] == ["2", "20"]


async def test_cancelling_a_run_stops_its_code(
    local_provider: DynamicSessionsCodeActProvider,
) -> None:
    endless = "open('begun', 'w').close()\nwhile True: pass"
    model = ScriptedModel([code(endless)], [code("6 * 7")], say("42"))
    agent = Agent(model, context_providers=[local_provider])
    session = agent.create_session()

    async with asyncio.timeout(30):
        files = local_provider.session_for(session).files
        run = asyncio.ensure_future(agent.run("Go.", session=session))
        while "begun" not in [entry.name for entry in await files.list()]:
            pass
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        again = await agent.run("Go on.", session=session)

    assert again.text == "42"


def test_one_provider_serves_several_event_loops() -> None:
    provider = DynamicSessionsCodeActProvider(endpoint="local")

    async def answer() -> str:
        model = ScriptedModel([code("6 * 7")], say("42"))
        agent = Agent(model, context_providers=[provider])
        async with provider:
            return (await agent.run("Go.", session=agent.create_session())).text

    assert [asyncio.run(answer()) for _ in range(2)] == ["42", "42"]


async def test_tools_come_and_go_between_runs(
    local_provider: DynamicSessionsCodeActProvider,
) -> None:
    model = ScriptedModel([code("price('pear')")], say("4"), [code("x = 1; x")], say("1"))
    agent = Agent(model, context_providers=[local_provider])
    session = agent.create_session()

    local_provider.add_tools(price)
    await agent.run("Go.", session=session)
    assert results(model) == ["4"]
    assert isinstance(local_provider.get_tools()[0], FunctionTool)
    local_provider.remove_tool("price")
    await agent.run("Go.", session=session)
    local_provider.clear_tools()

    assert results(model)[-1] == "1"
    assert "price" not in model.options[-1]["instructions"]
    assert local_provider.get_tools() == []
    with pytest.raises(KeyError):
        local_provider.remove_tool("price")
