"""Two agents share one session: one of AutoGen prepares data, one of LangChain works on with it.

A scripted model plays their parts; with OPENAI_API_KEY set, a real one does. The session lives on
this machine, or in the pool that DYNAMIC_SESSIONS_ENDPOINT names.
"""

import asyncio
import os
from typing import Any

from autogen_agentchat.agents import ApprovalRequest, ApprovalResponse, CodeExecutorAgent
from autogen_agentchat.base import TaskResult
from langchain.agents import create_agent  # pyright: ignore[reportUnknownVariableType]
from langchain_core.messages import HumanMessage

from autogen_ext_dynamic_sessions import ACADynamicSessionsCodeExecutor
from cars import CARS, load_cars
from dynamic_sessions import AsyncSessionPool
from langchain_dynamic_sessions import SessionsPythonREPLTool
from models import autogen, langchain

PREPARE = "Load the cars with load_cars(), and drop those without a figure for consumption."
PREPARING = ("cars = load_cars().dropna(subset='litres_per_100_km')\nlen(cars)", "398 are left.")
RANK = "The variable cars has a table of cars, prepared by a colleague. Which is the most frugal?"
RANKING = ("cars.nsmallest(1, 'litres_per_100_km').name.item()", "The Mazda GLC, of 1980.")


def approve(request: ApprovalRequest) -> ApprovalResponse:
    """Let all code run: the sandbox, not a reader, is what holds it."""
    del request
    return ApprovalResponse(approved=True, reason="it runs in a sandboxed session")


async def main() -> None:
    """Let one agent prepare the data and the other answer from it."""
    endpoint = os.environ.get("DYNAMIC_SESSIONS_ENDPOINT", "local")
    async with AsyncSessionPool(endpoint) as pool:
        session = pool.session(functions=[load_cars])
        await session.files.upload(CARS)
        await session.set_up()

        executor = ACADynamicSessionsCodeExecutor(endpoint, session_id=session.identifier)
        model = autogen.choose_model(PREPARING)
        engineer = CodeExecutorAgent(
            "engineer", executor, model_client=model, approval_func=approve
        )
        async for event in engineer.run_stream(task=PREPARE):
            if not isinstance(event, TaskResult):
                print(f"\n--- {event.source} ---\n{event.to_text()}")

        tool = SessionsPythonREPLTool(endpoint, session_id=session.identifier)
        analyst: Any = create_agent(langchain.choose_model(RANKING), [tool])  # pyright: ignore[reportUnknownVariableType]
        for message in (await analyst.ainvoke({"messages": [HumanMessage(RANK)]}))["messages"]:
            if message.content:
                print(f"\n--- {message.type} ---\n{message.content}")
        await executor.stop()
        await tool.aclose()


if __name__ == "__main__":
    asyncio.run(main())
