"""A small MCP host: a model analyses a data set by the tools of the MCP server.

Without an API key a scripted model plays its part; with OPENAI_API_KEY set, a real one does. The
session lives on this machine, or in the pool that DYNAMIC_SESSIONS_ENDPOINT names.
"""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Protocol

from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.types import CallToolResult, TextContent, Tool
from openai import AsyncOpenAI

TASK = (
    "Which cars of the shared file cars.json go furthest on a gallon, by origin? Save a chart as "
    "chart.png in the shared folder, then answer in words."
)


@dataclass(frozen=True, kw_only=True)
class Call:
    """A tool that the model wants to be called."""

    identifier: str
    name: str
    arguments: dict[str, object]


class Model(Protocol):
    """What decides on the next step: a call, or the answer."""

    async def step(self, tools: Sequence[Tool]) -> Call | str:
        """Return a call of a tool, or the answer."""
        ...

    def read(self, call: Call, text: str) -> None:
        """Take in what a call returned."""
        ...


SCRIPT: list[tuple[str, dict[str, object]]] = [
    ("list_shared_files", {}),
    ("load_shared_file", {"name": "cars.json"}),
    (
        "run_python",
        {
            "code": "import pandas as pd\n"
            "cars = pd.read_json('cars.json')\n"
            "means = cars.groupby('Origin')['Miles_per_Gallon'].mean().round(1).sort_values()\n"
            "means.to_dict()"
        },
    ),
    (
        "run_python",
        {
            "code": "import matplotlib.pyplot as plt\n"
            "figure, axes = plt.subplots(figsize=(6, 3))\n"
            "axes.barh(means.index, means)\n"
            "axes.set(xlabel='miles per gallon', title=f'{len(cars)} cars')\n"
            "figure.savefig('chart.png', dpi=150, bbox_inches='tight')"
        },
    ),
    ("save_shared_file", {"name": "chart.png"}),
]
ANSWER = "Japanese cars go furthest, 30.5 miles on a gallon; European 27.9, American 20.1."


class ScriptedModel:
    """Calls what the script says, whatever it reads."""

    def __init__(self) -> None:
        self._calls: Iterator[tuple[str, dict[str, object]]] = iter(SCRIPT)

    async def step(self, tools: Sequence[Tool]) -> Call | str:
        """Return the script's next call."""
        del tools
        for name, arguments in self._calls:
            return Call(identifier=name, name=name, arguments=arguments)
        return ANSWER

    def read(self, call: Call, text: str) -> None:
        """Take no notice."""


class OpenAIModel:
    """A model of OpenAI's, or of whatever speaks its API."""

    def __init__(self) -> None:
        self._client = AsyncOpenAI()
        self._messages: list[Any] = [{"role": "user", "content": TASK}]

    async def step(self, tools: Sequence[Tool]) -> Call | str:
        """Ask the model."""
        completion = await self._client.chat.completions.create(
            model=os.environ.get("OPENAI_MODEL", "gpt-4o-mini"),
            messages=self._messages,
            parallel_tool_calls=False,
            tools=[
                {
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "description": tool.description or "",
                        "parameters": tool.input_schema,
                    },
                }
                for tool in tools
            ],
        )
        message = completion.choices[0].message
        self._messages.append(message.model_dump(exclude_none=True))
        for call in message.tool_calls or ():
            if call.type == "function":
                arguments = json.loads(call.function.arguments)
                return Call(identifier=call.id, name=call.function.name, arguments=arguments)
        return message.content or ""

    def read(self, call: Call, text: str) -> None:
        """Put a result into the conversation."""
        self._messages.append({"role": "tool", "tool_call_id": call.identifier, "content": text})


def text_of(result: CallToolResult) -> str:
    """Return what a result says in words."""
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


async def analyse(model: Model, folder: Path) -> str:
    """Let the model call tools until it answers; the server shares the folder with it."""
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "dynamic_sessions_mcp", "--files", str(folder)],
        env=dict(os.environ),
    )
    async with Client(stdio_client(server)) as client:
        tools = (await client.list_tools()).tools
        while isinstance(step := await model.step(tools), Call):
            result = await client.call_tool(step.name, step.arguments)
            print(f"\n--- {step.name} ---\n{step.arguments.get('code', '')}\n{text_of(result)}")
            model.read(step, text_of(result))
    return step


def main() -> None:
    """Fetch the data, have it analysed, and say where the chart is."""
    folder = Path("out", "mcp_host").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "chart.png").unlink(missing_ok=True)
    with resources.as_file(resources.files("vega_datasets") / "_data" / "cars.json") as path:
        shutil.copy(path, folder / "cars.json")
    model = OpenAIModel() if os.environ.get("OPENAI_API_KEY") else ScriptedModel()
    print(f"\n{asyncio.run(analyse(model, folder))}\nThe chart is {folder / 'chart.png'}")


if __name__ == "__main__":
    main()
