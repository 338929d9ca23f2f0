"""Graphs of LangGraph whose threads run at the same time, on real sessions."""

# The types of LangGraph's graphs are known in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportMissingTypeStubs=false
import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode

from dynamic_sessions import AsyncSessionPool
from dynamic_sessions.testing import ScriptedService
from langchain_dynamic_sessions import SessionsPythonREPLTool

NAMES = ("one", "two", "three")


def ask(state: MessagesState) -> dict[str, Any]:
    """Call the tool with what was said last, as a model would."""
    arguments = {"code": str(state["messages"][-1].content)}
    call = {"id": str(len(state["messages"])), "name": "Python_REPL", "args": arguments}
    return {"messages": [AIMessage("", tool_calls=[call])]}


def graph_of(tool: SessionsPythonREPLTool) -> Any:
    graph = StateGraph(MessagesState)
    graph.add_node("ask", ask)
    graph.add_node("tools", ToolNode([tool]))
    graph.add_edge(START, "ask")
    graph.add_edge("ask", "tools")
    graph.add_edge("tools", END)
    return graph.compile(checkpointer=InMemorySaver())


def saying(code: str) -> dict[str, Any]:
    return {"messages": [HumanMessage(code)]}


def in_thread(name: str) -> RunnableConfig:
    return {"configurable": {"thread_id": name}}


def last(state: dict[str, Any]) -> str:
    return str(state["messages"][-1].content)


def test_threads_at_the_same_time_each_have_their_session() -> None:
    with SessionsPythonREPLTool("local", session_key="thread_id") as tool:
        graph = graph_of(tool)

        def work(name: str) -> str:
            graph.invoke(saying(f"seen = ['{name}']"), in_thread(name))
            for _ in range(3):
                graph.invoke(saying("seen.append(len(seen))"), in_thread(name))
            return last(graph.invoke(saying("str(seen)"), in_thread(name)))

        with ThreadPoolExecutor(len(NAMES)) as executor:
            seen = list(executor.map(work, NAMES))

    assert seen == [f"['{name}', 1, 2, 3]" for name in NAMES]


async def test_threads_of_one_event_loop_do_as_well() -> None:
    async with SessionsPythonREPLTool("local", session_key="thread_id") as tool:
        graph = graph_of(tool)

        async def work(name: str) -> str:
            await graph.ainvoke(saying(f"name = '{name}'"), in_thread(name))
            return last(await graph.ainvoke(saying("name"), in_thread(name)))

        seen = await asyncio.gather(*map(work, NAMES))

    assert seen == list(NAMES)


async def test_the_sessions_of_all_threads_are_deleted_at_the_end(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    async with SessionsPythonREPLTool(session_pool=session_pool, session_key="thread_id") as tool:
        for name in NAMES:
            await graph_of(tool).ainvoke(saying("1"), in_thread(name))
        assert len(service.sessions) == len(NAMES)

    assert not service.sessions
