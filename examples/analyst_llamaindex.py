"""Data analyst with LlamaIndex: an agent that acts by code answers a question about cars.

A scripted model plays its part; with OPENAI_API_KEY set, a real one does. The session lives on
this machine, or in the pool that DYNAMIC_SESSIONS_ENDPOINT names.
"""

import asyncio
import os
from pathlib import Path
from typing import Any, cast

from llama_index.core.agent.workflow import CodeActAgent, ToolCallResult

from cars import CARS, load_cars
from llama_index.tools.dynamic_sessions import CodeActSession
from models.analyst import INSTRUCTIONS, QUESTION, REPLIES
from models.llamaindex import choose_model


async def analyse(folder: Path) -> Path:
    """Let the agent answer the question; return the path of its chart."""
    endpoint = os.environ.get("DYNAMIC_SESSIONS_ENDPOINT", "local")
    async with CodeActSession(endpoint, tools=[load_cars]) as session:
        await session.async_session.files.upload(CARS)
        agent = CodeActAgent(
            session.code_execute_fn,
            tools=session.tools,
            llm=choose_model(REPLIES),
            system_prompt=INSTRUCTIONS,
        )
        handler = agent.run(user_msg=QUESTION)  # pyright: ignore[reportDeprecated] - all overloads are
        async for event in handler.stream_events():
            if isinstance(event, ToolCallResult):
                print(f"\n--- code ---\n{cast('Any', event).tool_kwargs['code']}")
                print(f"\n--- session ---\n{event.tool_output.content}")
        print(f"\n--- answer ---\n{cast('object', await handler)}")
        return await session.async_session.files.download("chart.png", to=folder)


if __name__ == "__main__":
    out = Path("out", "analyst_llamaindex").resolve()
    print(f"\nThe chart is {asyncio.run(analyse(out))}")
