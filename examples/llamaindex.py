"""A LlamaIndex agent acts by writing code; the code runs in a sandboxed session, with its tools.

Without an API key a scripted model plays its part; with OPENAI_API_KEY set, a real one does (it
needs llama-index-llms-openai). The session lives on this machine, or in the pool that
DYNAMIC_SESSIONS_ENDPOINT names.
"""

import asyncio
import importlib
import os
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any, cast

import pandas as pd
from llama_index.core.agent.workflow import CodeActAgent, ToolCallResult
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.llms import LLM
from llama_index.core.llms.mock import MockFunctionCallingLLM

from llama_index.tools.dynamic_sessions import CodeActSession

TASK = "Did cars become more frugal from 1970 to 1982, and because they became lighter?"
INSTRUCTIONS = "Write one piece of code a turn, and wait for its result. Save a chart as chart.png."


def load_cars(path: str = "cars.json") -> pd.DataFrame:
    """Read cars sold from 1970 to 1982, one a row.

    Columns: name, origin, year, litres_per_100_km, kilograms, horsepower.
    """
    cars = pd.read_json(path)
    return pd.DataFrame(
        {
            "name": cars["Name"],
            "origin": cars["Origin"],
            "year": pd.to_datetime(cars["Year"]).dt.year,
            "litres_per_100_km": 235.215 / cars["Miles_per_Gallon"],
            "kilograms": cars["Weight_in_lbs"] * 0.4536,
            "horsepower": cars["Horsepower"],
        }
    )


SCRIPT = [
    """Let me look at the data first.
<execute>
cars = load_cars()
print(f"{len(cars)} cars, {cars.year.min()} to {cars.year.max()}")
print(cars.isna().sum().loc[lambda missing: missing > 0])
</execute>""",
    """Now the years, by origin.
<execute>
years = cars.groupby("year")[["litres_per_100_km", "weight"]].mean().round(1)
print(years.iloc[[0, -1]])
</execute>""",
    """The column has another name.
<execute>
years = cars.groupby("year")[["litres_per_100_km", "kilograms"]].mean().round(1)
print(years.iloc[[0, -1]])
</execute>""",
    """And a picture of both.
<execute>
import matplotlib.pyplot as plt

figure, fuel = plt.subplots(figsize=(8, 4.5))
fuel.plot(years.index, years["litres_per_100_km"], color="tab:red")
fuel.set(title="Cars from 1970 to 1982", xlabel="year", ylabel="litres per 100 km")
weight = fuel.twinx()
weight.plot(years.index, years["kilograms"], color="tab:blue", linestyle="--")
weight.set(ylabel="kilograms (dashed)")
figure.savefig("chart.png", dpi=150)
print("correlation:", round(cars["litres_per_100_km"].corr(cars["kilograms"]), 2))
</execute>""",
    """Yes: from 1970 to 1982 the average car went from 14.6 to 7.8 litres per 100 km, while it became
more than a quarter lighter. Consumption and weight go together closely: much of it is weight.""",
]


class ScriptedModel:
    """Gives the answers of the script, one after the other."""

    def __init__(self) -> None:
        self._answers = iter(SCRIPT)

    def __call__(self, messages: Sequence[ChatMessage], **_: Any) -> ChatMessage:
        """Answer, whatever was said."""
        del messages
        return ChatMessage(role="assistant", content=next(self._answers))


def choose_model() -> LLM:
    """Return a real model where there is a key for one, else the script."""
    if os.environ.get("OPENAI_API_KEY"):
        # It requires an older openai than other packages of this project's environment.
        openai = importlib.import_module("llama_index.llms.openai")
        return cast("LLM", openai.OpenAI(model=os.environ.get("OPENAI_MODEL", "gpt-4o-mini")))
    return MockFunctionCallingLLM(response_generator=ScriptedModel(), is_chat_model=True)


async def analyse(data: Path, folder: Path) -> Path:
    """Let the agent answer the question about the data; return where its chart is."""
    async with CodeActSession(
        os.environ.get("DYNAMIC_SESSIONS_ENDPOINT", "local"), tools=[load_cars]
    ) as session:
        await session.async_session.files.upload(data)
        agent = CodeActAgent(
            session.code_execute_fn,
            tools=session.tools,
            llm=choose_model(),
            system_prompt=INSTRUCTIONS,
        )
        handler = agent.run(user_msg=TASK)  # pyright: ignore[reportDeprecated] - its overloads all are
        async for event in handler.stream_events():
            if isinstance(event, ToolCallResult):
                print(f"\n--- code ---\n{cast('Any', event).tool_kwargs['code']}")
                print(f"\n--- session ---\n{event.tool_output.content}")
        print(f"\n--- answer ---\n{cast('object', await handler)}")
        return await session.async_session.files.download("chart.png", to=folder)


def main() -> None:
    """Have the data set analysed, and say where the chart is."""
    data = resources.files("vega_datasets") / "_data" / "cars.json"
    with resources.as_file(data) as path:
        print(f"\nThe chart is {asyncio.run(analyse(path, Path('out', 'llamaindex').resolve()))}")


if __name__ == "__main__":
    main()
