"""Data analyst with MCP: a small host answers a question about cars by the MCP server's tools.

A scripted model plays its part; with OPENAI_API_KEY set, a real one does. The session lives on
this machine, or in the pool that DYNAMIC_SESSIONS_ENDPOINT names.
"""

import asyncio
import os
import shutil
import sys
from pathlib import Path

from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.types import CallToolResult, TextContent

import cars
from models.analyst import INSTRUCTIONS, QUESTION, REPLIES
from models.tool_caller import Call, choose_model

TASK = f"{INSTRUCTIONS} Copy cars.json from the shared folder, and the chart to it. {QUESTION}"
*PIECES, ANSWER = REPLIES
STEPS = [
    Call(identifier="in", name="load_shared_file", arguments={"name": "cars.json"}),
    *(Call(identifier="code", name="run_python", arguments={"code": code}) for code in PIECES),
    Call(identifier="out", name="save_shared_file", arguments={"name": "chart.png"}),
    ANSWER,
]


def text_of(result: CallToolResult) -> str:
    """Return what a result says in words."""
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


async def analyse(folder: Path) -> str:
    """Let the model call tools until it answers; the server shares the folder with it."""
    flags = ["--files", str(folder), "--functions", cars.__file__]
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "dynamic_sessions_mcp", *flags], env=dict(os.environ)
    )
    model = choose_model(TASK, STEPS)
    async with Client(stdio_client(server)) as client:
        tools = (await client.list_tools()).tools
        while isinstance(step := await model.step(tools), Call):
            result = await client.call_tool(step.name, step.arguments)
            print(f"\n--- {step.name} ---\n{step.arguments.get('code', step.arguments)}")
            print(f"\n--- session ---\n{text_of(result)}")
            model.read(step, text_of(result))
    return step


if __name__ == "__main__":
    out = Path("out", "analyst_mcp").resolve()
    out.mkdir(parents=True, exist_ok=True)
    (out / "chart.png").unlink(missing_ok=True)
    shutil.copy(cars.CARS, out)
    print(f"\n{asyncio.run(analyse(out))}\nThe chart is {out / 'chart.png'}")
