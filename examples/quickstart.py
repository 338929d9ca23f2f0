"""An AutoGen team analyses a data set; what the model writes runs in a sandboxed session.

Without an API key a scripted model plays its part; with OPENAI_API_KEY set, a real one does. The
session lives on this machine, or in the pool that DYNAMIC_SESSIONS_ENDPOINT names.
"""

import asyncio
import os
import shutil
from importlib import resources
from pathlib import Path

import pandas as pd
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
from autogen_core.models import ChatCompletionClient
from autogen_ext.models.openai import OpenAIChatCompletionClient
from autogen_ext.models.replay import ReplayChatCompletionClient

from autogen_ext_dynamic_sessions import ACADynamicSessionsCodeExecutor

TASK = "What is the weather in Seattle like over the year? weather.csv has 2012 to 2015."
INSTRUCTIONS = (
    "You analyse data by writing Python in ```python blocks. One block a turn; wait for its "
    "output. Variables live on between blocks. Save your chart as chart.png. When the question is "
    "answered, answer it in words, without code, and end with DONE.\n\n"
)


def load_weather(path: str = "weather.csv") -> pd.DataFrame:
    """Read daily weather, one row a day, with the date as index.

    Columns: precipitation (mm), temp_max and temp_min (°C), wind (m/s), weather (one word).
    """
    return pd.read_csv(path, parse_dates=["date"], index_col="date")


SCRIPT = [
    """Let me look at the data first.
```python
weather = load_weather()
print(f"{len(weather)} days, {weather.index.min():%d %B %Y} to {weather.index.max():%d %B %Y}")
weather.head(3)
```""",
    """Now the months of an average year.
```python
months = weather.groupby(weather.index.month).agg(
    rain_mm=("precipitation", "sum"), warmest=("temp_max", "mean"), coldest=("temp_min", "mean")
)
months["rain_mm"] /= weather.index.year.nunique()
months = months.round(1)
months
```""",
    """And a picture of it.
```python
import matplotlib.pyplot as plt

figure, rain = plt.subplots(figsize=(8, 4.5))
rain.bar(months.index, months["rain_mm"], color="tab:blue", alpha=0.5)
rain.set(title="Seattle, average of 2012 to 2015", xlabel="month", ylabel="rain (mm)")
rain.set_xticks(months.index)
heat = rain.twinx()
heat.plot(months.index, months["warmest"], color="tab:red", label="average high")
heat.plot(months.index, months["coldest"], color="tab:orange", label="average low")
heat.set(ylabel="temperature (°C)", ylim=(0, 35))
heat.legend(loc="upper center")
figure.savefig("chart.png", dpi=150)
print("wettest month:", months["rain_mm"].idxmax(), "- driest:", months["rain_mm"].idxmin())
```""",
    """Winters are mild and wet, summers warm and nearly dry: most rain falls in November, least in
July, and average highs go from about 7 °C to 26 °C. The chart is chart.png. DONE""",
]


def choose_model() -> ChatCompletionClient:
    """Return a real model where there is a key for one, else the script."""
    if os.environ.get("OPENAI_API_KEY"):
        return OpenAIChatCompletionClient(model=os.environ.get("OPENAI_MODEL", "gpt-4o-mini"))
    return ReplayChatCompletionClient(SCRIPT)


def approve(request: ApprovalRequest) -> ApprovalResponse:
    """Let all code run: the sandbox, not a reader, is what holds it."""
    del request
    return ApprovalResponse(approved=True, reason="it runs in a sandboxed session")


async def analyse(work_dir: Path) -> str:
    """Run the team over weather.csv in the folder; return the path of its chart."""
    executor = ACADynamicSessionsCodeExecutor(
        os.environ.get("DYNAMIC_SESSIONS_ENDPOINT", "local"),
        work_dir=work_dir,
        functions=[load_weather],
    )
    async with executor:
        await executor.upload_files(["weather.csv"], CancellationToken())
        analyst = AssistantAgent(
            "analyst",
            choose_model(),
            system_message=INSTRUCTIONS + executor.format_functions_for_prompt(),
        )
        session = CodeExecutorAgent("session", executor, approval_func=approve)
        team = RoundRobinGroupChat(
            [analyst, session],
            termination_condition=TextMentionTermination("DONE") | MaxMessageTermination(20),
        )
        async for message in team.run_stream(task=TASK):
            if isinstance(message, BaseChatMessage):
                text = message.to_text().strip("\n")
                print(f"\n--- {message.source} ---\n{text}")
        (chart,) = await executor.download_files(["chart.png"], CancellationToken())
    return chart


def main() -> None:
    """Fetch the data, have it analysed, and say where the chart is."""
    work_dir = Path("out", "quickstart").resolve()
    work_dir.mkdir(parents=True, exist_ok=True)
    data = resources.files("vega_datasets") / "_data" / "seattle-weather.csv"
    with resources.as_file(data) as path:
        shutil.copy(path, work_dir / "weather.csv")
    print(f"\nThe chart is {asyncio.run(analyse(work_dir))}")


if __name__ == "__main__":
    main()
