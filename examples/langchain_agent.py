"""A LangChain agent analyses a data set; what the model writes runs in a sandboxed session.

Without an API key a scripted model plays its part; with OPENAI_API_KEY set, a real one does (it
needs langchain-openai). The session lives on this machine, or in the pool that
DYNAMIC_SESSIONS_ENDPOINT names.
"""

import os
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd
from langchain.agents import create_agent  # pyright: ignore[reportUnknownVariableType]
from langchain_core.language_models import BaseChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage

from langchain_dynamic_sessions import SessionsPythonREPLTool

TASK = "Where were the strongest cars of 1970 to 1982 built? The data is cars.json."
INSTRUCTIONS = "Answer by running code. Save a chart as chart.png."


def load_cars(path: str = "cars.json") -> pd.DataFrame:
    """Read cars sold from 1970 to 1982, one a row.

    Columns: name, origin, year, horsepower.
    """
    cars = pd.read_json(path)
    return pd.DataFrame(
        {
            "name": cars["Name"],
            "origin": cars["Origin"],
            "year": pd.to_datetime(cars["Year"]).dt.year,
            "horsepower": cars["Horsepower"],
        }
    )


SCRIPT = [
    """cars = load_cars()
print(f"{len(cars)} cars, {cars.year.min()} to {cars.year.max()}")""",
    """power = cars.groupby("country").horsepower.mean()""",
    """power = cars.groupby("origin").horsepower.mean().round(1)
print(power)""",
    """import matplotlib.pyplot as plt

figure, axes = plt.subplots()
axes.bar(power.index, power)
axes.set(title="Cars from 1970 to 1982", ylabel="mean horsepower")
figure.savefig("chart.png", dpi=150)
print("strongest:", power.idxmax())""",
]


class ScriptedModel(GenericFakeChatModel):
    """Runs the script, whatever tools it is given and whatever comes of it."""

    def bind_tools(self, tools: object, **kwargs: Any) -> "ScriptedModel":
        """Return the model itself."""
        del tools, kwargs
        return self


def scripted_messages() -> Iterator[AIMessage]:
    """Yield what the scripted model says."""
    for number, code in enumerate(SCRIPT):
        call = {"id": str(number), "name": "Python_REPL", "args": {"code": code}}
        yield AIMessage("", tool_calls=[call])
    yield AIMessage("In the USA: 119.9 horsepower on average, about 40 more than elsewhere.")


def choose_model() -> str | BaseChatModel:
    """Return a real model where there is a key for one, else the script."""
    if os.environ.get("OPENAI_API_KEY"):
        return f"openai:{os.environ.get('OPENAI_MODEL', 'gpt-4o-mini')}"
    return ScriptedModel(messages=scripted_messages())


def analyse(data: Path, chart: Path) -> None:
    """Let the agent answer the question about the data, and fetch its chart."""
    # Tool results of OpenAI's Chat Completions are text alone.
    with SessionsPythonREPLTool(
        os.environ.get("DYNAMIC_SESSIONS_ENDPOINT", "local"),
        functions=[load_cars],
        include_images=False,
    ) as tool:
        tool.upload_file(local_file_path=data)
        agent: Any = create_agent(  # pyright: ignore[reportUnknownVariableType]
            choose_model(), [tool], system_prompt=INSTRUCTIONS
        )
        for message in agent.invoke({"messages": [HumanMessage(TASK)]})["messages"]:
            for call in getattr(message, "tool_calls", []):
                print(f"\n--- code ---\n{call['args']['code']}")
            if message.content:
                print(f"\n--- {message.type} ---\n{message.content}")
        tool.download_file(remote_file_path="chart.png", local_file_path=chart)


def main() -> None:
    """Have the data set analysed, and say where the chart is."""
    chart = Path("out", "langchain", "chart.png").resolve()
    chart.parent.mkdir(parents=True, exist_ok=True)
    data = resources.files("vega_datasets") / "_data" / "cars.json"
    with resources.as_file(data) as path:
        analyse(path, chart)
    print(f"\nThe chart is {chart}")


if __name__ == "__main__":
    main()
