"""A deep agent writes a program, runs it and mends it, in a sandboxed session over a data set.

Without an API key a scripted model plays its part; with OPENAI_API_KEY set, a real one does (it
needs langchain-openai). The session lives on this machine, or in the Shell or Python pool that
DYNAMIC_SESSIONS_ENDPOINT names.
"""

import os
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from deepagents import create_deep_agent  # pyright: ignore[reportUnknownVariableType]
from langchain_core.language_models import BaseChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage

from langchain_dynamic_sessions.sandbox import DynamicSessionsSandbox

DATA = "/mnt/data/iowa-electricity.csv"
PROGRAM = "/mnt/data/renewables.py"
TASK = f"""Since which year has a third of Iowa's electricity been renewable? {DATA} has its sources
by year. Write a program without dependencies, {PROGRAM}, that prints every year's share; run it, and
mend it until it works."""

DRAFT = f'''\
import csv
from collections import defaultdict

total, renewable = defaultdict(int), defaultdict(int)
with open("{DATA}") as file:
    for row in csv.DictReader(file):
        total[row["year"]] += int(row["generation"])
        if row["source"] == "Renewables":
            renewable[row["year"]] += int(row["generation"])
for year in total:
    print(year[:4], f"{{renewable[year] / total[year]:.1%}}")
'''

SCRIPT: list[tuple[str, dict[str, Any]]] = [
    ("write_file", {"file_path": PROGRAM, "content": DRAFT}),
    ("execute", {"command": f"python {PROGRAM}"}),
    ("read_file", {"file_path": DATA, "limit": 3}),
    (
        "edit_file",
        {
            "file_path": PROGRAM,
            "old_string": '"generation"',
            "new_string": '"net_generation"',
            "replace_all": True,
        },
    ),
    ("execute", {"command": f"python {PROGRAM}"}),
]


class ScriptedModel(GenericFakeChatModel):
    """Follows the script, whatever tools it is given and whatever comes of it."""

    def bind_tools(self, tools: object, **kwargs: Any) -> "ScriptedModel":
        """Return the model itself."""
        del tools, kwargs
        return self


def scripted_messages() -> Iterator[AIMessage]:
    """Yield what the scripted model says."""
    for number, (name, arguments) in enumerate(SCRIPT):
        yield AIMessage("", tool_calls=[{"id": str(number), "name": name, "args": arguments}])
    yield AIMessage("Since 2015, when 33.7 % of it was; in 2001 it was 3.5 %.")


def choose_model() -> str | BaseChatModel:
    """Return a real model where there is a key for one, else the script."""
    if os.environ.get("OPENAI_API_KEY"):
        return f"openai:{os.environ.get('OPENAI_MODEL', 'gpt-4o-mini')}"
    return ScriptedModel(messages=scripted_messages())


def have_written(data: bytes) -> bytes:
    """Let the agent do the task; return the program that it wrote."""
    endpoint = os.environ.get("DYNAMIC_SESSIONS_ENDPOINT", "local")
    with DynamicSessionsSandbox(endpoint) as sandbox:
        sandbox.upload_files([(DATA, data)])
        agent: Any = create_deep_agent(  # pyright: ignore[reportUnknownVariableType]
            choose_model(), backend=sandbox.as_backend()
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


def main() -> None:
    """Have the program written, and say where it is."""
    program = Path("out", "deep_agent", "renewables.py").resolve()
    program.parent.mkdir(parents=True, exist_ok=True)
    data = resources.files("vega_datasets") / "_data" / "iowa-electricity.csv"
    program.write_bytes(have_written(data.read_bytes()))
    print(f"\nThe program is {program}")


if __name__ == "__main__":
    main()
