"""Data analyst with LangChain: an agent with one tool answers a question about cars.

A scripted model plays its part; with OPENAI_API_KEY set, a real one does. The session lives on
this machine, or in the pool that DYNAMIC_SESSIONS_ENDPOINT names.
"""

import os
from pathlib import Path
from typing import Any

from langchain.agents import create_agent  # pyright: ignore[reportUnknownVariableType]
from langchain_core.messages import HumanMessage

from cars import CARS, load_cars
from langchain_dynamic_sessions import SessionsPythonREPLTool
from models.analyst import INSTRUCTIONS, QUESTION, REPLIES
from models.langchain import choose_model


def analyse(folder: Path) -> Path:
    """Let the agent answer the question; return the path of its chart."""
    endpoint = os.environ.get("DYNAMIC_SESSIONS_ENDPOINT", "local")
    # Tool results of OpenAI's Chat Completions are text alone.
    with SessionsPythonREPLTool(endpoint, functions=[load_cars], include_images=False) as tool:
        tool.upload_file(local_file_path=CARS)
        agent: Any = create_agent(  # pyright: ignore[reportUnknownVariableType]
            choose_model(REPLIES), [tool], system_prompt=INSTRUCTIONS
        )
        for message in agent.invoke({"messages": [HumanMessage(QUESTION)]})["messages"]:
            for call in getattr(message, "tool_calls", []):
                print(f"\n--- code ---\n{call['args']['code']}")
            if message.content:
                print(f"\n--- {message.type} ---\n{message.content}")
        return tool.sessions.session().files.download("chart.png", to=folder)


if __name__ == "__main__":
    print(f"\nThe chart is {analyse(Path('out', 'analyst_langchain').resolve())}")
