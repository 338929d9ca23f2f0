"""Data analyst with AutoGen: a team of a model and a session answers a question about cars.

A scripted model plays its part; with OPENAI_API_KEY set, a real one does. The session lives on
this machine, or in the pool that DYNAMIC_SESSIONS_ENDPOINT names.
"""

import asyncio
import os
import shutil
from pathlib import Path

from autogen_agentchat.agents import (
    ApprovalRequest,
    ApprovalResponse,
    AssistantAgent,
    CodeExecutorAgent,
)
from autogen_agentchat.conditions import MaxMessageTermination, TextMentionTermination
from autogen_agentchat.messages import BaseChatMessage
from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_core import CancellationToken

from autogen_ext_dynamic_sessions import ACADynamicSessionsCodeExecutor
from cars import CARS, load_cars
from models.analyst import INSTRUCTIONS, QUESTION, REPLIES
from models.autogen import choose_model

FORM = " Code goes into a ```python block; the answer has none and ends with DONE.\n\n"


def approve(request: ApprovalRequest) -> ApprovalResponse:
    """Let all code run: the sandbox, not a reader, is what holds it."""
    del request
    return ApprovalResponse(approved=True, reason="it runs in a sandboxed session")


async def analyse(folder: Path) -> Path:
    """Run the team over the data in the folder; return the path of its chart."""
    endpoint = os.environ.get("DYNAMIC_SESSIONS_ENDPOINT", "local")
    async with ACADynamicSessionsCodeExecutor(
        endpoint, work_dir=folder, functions=[load_cars]
    ) as executor:
        await executor.upload_files([CARS.name], CancellationToken())
        instructions = INSTRUCTIONS + FORM + executor.format_functions_for_prompt()
        model = AssistantAgent("model", choose_model(REPLIES), system_message=instructions)
        session = CodeExecutorAgent("session", executor, approval_func=approve)
        done = TextMentionTermination("DONE", sources=["model"]) | MaxMessageTermination(20)
        team = RoundRobinGroupChat([model, session], termination_condition=done)
        async for message in team.run_stream(task=QUESTION):
            if isinstance(message, BaseChatMessage):
                print(f"\n--- {message.source} ---\n{message.to_text().strip()}")
        (chart,) = await executor.download_files(["chart.png"], CancellationToken())
    return Path(chart)


if __name__ == "__main__":
    out = Path("out", "analyst_autogen").resolve()
    out.mkdir(parents=True, exist_ok=True)
    shutil.copy(CARS, out)
    print(f"\nThe chart is {asyncio.run(analyse(out))}")
