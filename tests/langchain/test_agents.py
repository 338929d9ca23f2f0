"""LangChain's own agents on real sessions, with a model that follows a script."""

# The types of LangChain's agents are known in part only.
# pyright: reportUnknownVariableType=false
from collections.abc import Iterator
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from langchain_dynamic_sessions import SessionsPythonREPLTool


class ScriptedModel(GenericFakeChatModel):
    """A model that says what a test wrote down, whatever tools it is given."""

    def bind_tools(self, tools: object, **kwargs: Any) -> "ScriptedModel":
        del tools, kwargs
        return self


def calling(code: str) -> AIMessage:
    call = {"id": str(hash(code)), "name": "Python_REPL", "args": {"code": code}}
    return AIMessage("", tool_calls=[call])


def answers(*codes: str) -> Iterator[AIMessage | str]:
    return iter([*map(calling, codes), AIMessage("Done.")])


def results(messages: list[BaseMessage]) -> list[ToolMessage]:
    return [message for message in messages if isinstance(message, ToolMessage)]


def ask(agent: Any, text: str, config: Any = None) -> list[ToolMessage]:
    return results(agent.invoke({"messages": [HumanMessage(text)]}, config)["messages"])


def test_an_agent_keeps_state_corrects_an_error_and_draws_a_chart() -> None:
    script = answers(
        "numbers = [1, 2, 3]",
        "sum(number)",
        "sum(numbers)",
        "import matplotlib.pyplot as plt; plt.plot(numbers); plt.show()",
    )
    with SessionsPythonREPLTool("local") as tool:
        agent: Any = create_agent(ScriptedModel(messages=script), [tool])
        runs = ask(agent, "Add the numbers up and draw them.")

    assert [run.status for run in runs] == ["success", "error", "success", "success"]
    assert "NameError" in str(runs[1].content)
    assert runs[2].content == "6"
    assert runs[3].artifact.images[0].mime_type == "image/png"


async def test_an_asynchronous_agent_does_the_same() -> None:
    async with SessionsPythonREPLTool("local") as tool:
        agent: Any = create_agent(ScriptedModel(messages=answers("x = 6", "x * 7")), [tool])
        state = await agent.ainvoke({"messages": [HumanMessage("Multiply.")]})

    assert [run.content for run in results(state["messages"])][1] == "42"


def test_a_model_mends_arguments_that_no_session_can_be_sent() -> None:
    wrong = {"id": "wrong", "name": "Python_REPL", "args": {"source": "1"}}
    script = iter(
        [
            AIMessage("", tool_calls=[wrong]),
            calling("print('\ud800')"),
            calling("6 * 7"),
            AIMessage("Done."),
        ]
    )
    with SessionsPythonREPLTool("local") as tool:
        agent: Any = create_agent(ScriptedModel(messages=script), [tool])
        runs = ask(agent, "Begin.")

    assert [run.status for run in runs] == ["error", "error", "success"]
    assert "code" in str(runs[0].content)
    assert runs[2].content == "42"


@pytest.mark.parametrize("code", ["2**100", "-(2**63) - 1", "[2**64, 1.5, None]", "'\\ud800'"])
def test_no_result_of_code_costs_the_state_that_a_checkpoint_keeps(code: str) -> None:
    # As LangGraph is going to be: types that it does not know come back as plain data.
    saver = InMemorySaver(serde=JsonPlusSerializer(allowed_msgpack_modules=None))
    one = {"configurable": {"thread_id": "one"}}
    script = iter([calling(code), AIMessage("Done."), calling("6 * 7"), AIMessage("Done.")])
    with SessionsPythonREPLTool("local") as tool:
        agent: Any = create_agent(ScriptedModel(messages=script), [tool], checkpointer=saver)
        first = ask(agent, "Begin.", one)
        again = ask(agent, "Go on.", one)

    assert first[-1].content == again[0].content
    assert first[-1].status == again[0].status == "success"
    assert again[-1].content == "42"


def test_two_threads_of_a_graph_never_share_state() -> None:
    script = iter(
        [
            *(calling("x = 1"), AIMessage("Done.")),
            *(calling("x"), AIMessage("Done.")),
            *(calling("x + 1"), AIMessage("Done.")),
        ]
    )
    with SessionsPythonREPLTool("local", session_key="thread_id") as tool:
        agent: Any = create_agent(
            ScriptedModel(messages=script), [tool], checkpointer=InMemorySaver()
        )
        one, two = ({"configurable": {"thread_id": name}} for name in ("one", "two"))
        ask(agent, "Begin.", one)
        stranger = ask(agent, "Look.", two)
        again = ask(agent, "Go on.", one)

    assert "NameError" in str(stranger[-1].content)
    assert again[-1].content == "2"
