"""Data analyst with Microsoft Agent Framework: an agent with a CodeAct provider, its data attached.

A scripted model plays its part; with OPENAI_API_KEY set, a real one does. The session lives on
this machine, or in the pool that DYNAMIC_SESSIONS_ENDPOINT names.
"""

import asyncio
import os
from pathlib import Path

from agent_framework import Agent, Content, Message

from cars import CARS, load_cars
from maf_dynamic_sessions import DynamicSessionsCodeActProvider
from models.agent_framework import choose_model
from models.analyst import INSTRUCTIONS, QUESTION, REPLIES


async def analyse(folder: Path) -> Path:
    """Let the agent answer the question; return the path of its chart."""
    named = {"filename": CARS.name}
    data = Content.from_data(CARS.read_bytes(), "application/json", additional_properties=named)
    endpoint = os.environ.get("DYNAMIC_SESSIONS_ENDPOINT", "local")
    async with DynamicSessionsCodeActProvider(endpoint=endpoint, tools=[load_cars]) as provider:
        agent = Agent(
            choose_model(REPLIES), instructions=INSTRUCTIONS, context_providers=[provider]
        )
        session = agent.create_session()
        # The attachment becomes a file of the session, which the model is told of.
        async for update in agent.run(
            Message("user", [QUESTION, data]), session=session, stream=True
        ):
            for content in update.contents:
                if content.type == "function_call":
                    print(f"\n--- code ---\n{(content.parse_arguments() or {})['code']}")
                if content.type == "function_result":
                    print(f"\n--- session ---\n{content.result}")
            print(update.text, end="")
        dynamic_session = provider.session_for(session)
        chart = await dynamic_session.files.download("chart.png", to=folder)
        # Those of agent sessions outlive the provider, so that a conversation can be resumed.
        await dynamic_session.delete()
    return chart


if __name__ == "__main__":
    out = Path("out", "analyst_agent_framework").resolve()
    print(f"\nThe chart is {asyncio.run(analyse(out))}")
