"""A deep agent writes a program, runs it and mends it, in a sandboxed session over a data set.

A scripted model plays its part; with OPENAI_API_KEY set, a real one does. The session lives on
this machine, or in the Shell or Python pool that DYNAMIC_SESSIONS_ENDPOINT names.
"""

import os
from importlib import resources
from pathlib import Path
from typing import Any

from deepagents import create_deep_agent  # pyright: ignore[reportUnknownVariableType]
from langchain_core.messages import HumanMessage

from langchain_dynamic_sessions.sandbox import DynamicSessionsSandbox
from models.langchain import choose_model
from models.programmer import DATA, PROGRAM, REPLIES, TASK


def have_written(data: bytes) -> bytes:
    """Let the agent do the task; return the program that it wrote."""
    endpoint = os.environ.get("DYNAMIC_SESSIONS_ENDPOINT", "local")
    with DynamicSessionsSandbox(endpoint) as sandbox:
        sandbox.upload_files([(DATA, data)])
        agent: Any = create_deep_agent(  # pyright: ignore[reportUnknownVariableType]
            choose_model(REPLIES), backend=sandbox.as_backend()
        )
        for message in agent.invoke({"messages": [HumanMessage(TASK)]})["messages"]:
            for call in getattr(message, "tool_calls", []):
                arguments = "\n".join(str(value) for value in call["args"].values())
                print(f"\n--- {call['name']} ---\n{arguments}")
            if message.content:
                print(f"\n--- {message.type} ---\n{message.content}")
        (program,) = sandbox.download_files([PROGRAM])
    if program.content is None:
        raise SystemExit(f"The agent wrote no program: {program.error}.")
    return program.content


if __name__ == "__main__":
    program = Path("out", "deep_agent", "renewables.py").resolve()
    program.parent.mkdir(parents=True, exist_ok=True)
    data = resources.files("vega_datasets") / "_data" / "iowa-electricity.csv"
    program.write_bytes(have_written(data.read_bytes()))
    print(f"\nThe program is {program}")
