"""A Microsoft Agent Framework agent analyses a data set by writing code, over two turns.

Without an API key a scripted model plays its part; with OPENAI_API_KEY set, a real one does. The
session lives on this machine, or in the pool that DYNAMIC_SESSIONS_ENDPOINT names.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterable, Awaitable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd
from agent_framework import (
    Agent,
    AgentSession,
    BaseChatClient,
    ChatMiddlewareLayer,
    ChatResponse,
    ChatResponseUpdate,
    Content,
    FunctionInvocationLayer,
    Message,
    ResponseStream,
)
from agent_framework_openai import OpenAIChatClient

from maf_dynamic_sessions import DynamicSessionsCodeActProvider, content_bytes

INSTRUCTIONS = "You analyse data by writing Python. Show charts with plt.show(). Answer briefly."
QUESTIONS = (
    "Which of these cars go farthest on a gallon, by origin?",
    "How did that change over the years? Draw it.",
)


def load_cars(path: str = "cars.json") -> pd.DataFrame:
    """Read cars, one row a car, with the model year as a date.

    Columns: Name, Miles_per_Gallon, Horsepower, Weight_in_lbs, Year, Origin and others.
    """
    return pd.read_json(path, convert_dates=["Year"])


SCRIPT = (
    """cars = load_cars()
miles = cars.groupby("Origin")["Miles_per_Gallon"].mean().round(1).sort_values(ascending=False)
print(f"{len(cars)} cars")
miles""",
    "Japanese cars, with about 30 miles to the gallon; those from the USA make 20.",
    """import matplotlib.pyplot as plt

yearly = cars.pivot_table(index=cars["Year"].dt.year, columns="Origin", values="Miles_per_Gallon")
yearly.plot(ylabel="miles per gallon", title="Cars grew thriftier")
plt.show()
print((yearly.iloc[-1] - yearly.iloc[0]).round(1).to_dict())""",
    "Cars of every origin grew thriftier; the chart shows it year by year.",
)


class ScriptedModel(FunctionInvocationLayer[Any], ChatMiddlewareLayer[Any], BaseChatClient[Any]):
    """Runs every other text of the script as code, and says the rest."""

    def __init__(self) -> None:
        super().__init__()
        self._script = iter(enumerate(SCRIPT))

    def _inner_get_response(
        self,
        *,
        messages: Sequence[Message],
        stream: bool,
        options: Mapping[str, Any],
        **kwargs: Any,
    ) -> Awaitable[ChatResponse] | ResponseStream[ChatResponseUpdate, ChatResponse]:
        number, text = next(self._script)
        content = Content.from_text(text)
        if number % 2 == 0:
            arguments = json.dumps({"code": text})
            content = Content.from_function_call(str(number), "execute_code", arguments=arguments)
        update = ChatResponseUpdate(contents=[content], role="assistant")
        if stream:
            return ResponseStream(_one(update), finalizer=ChatResponse.from_updates)
        return _whole(update)


async def _one(update: ChatResponseUpdate) -> AsyncIterable[ChatResponseUpdate]:
    yield update


async def _whole(update: ChatResponseUpdate) -> ChatResponse:
    return ChatResponse.from_updates([update])


def choose_model() -> OpenAIChatClient | ScriptedModel:
    """Return a real model where there is a key for one, else the script."""
    if os.environ.get("OPENAI_API_KEY"):
        return OpenAIChatClient(os.environ.get("OPENAI_MODEL", "gpt-4o-mini"))
    return ScriptedModel()


async def ask(agent: Agent, session: AgentSession, message: Message) -> list[bytes]:
    """Ask the agent, print what it does as it does it, and return the charts that it drew."""
    print(f"\n--- {message.text}")
    charts: list[bytes] = []
    async for update in agent.run(message, session=session, stream=True):
        print(update.text, end="", flush=True)
        for content in update.contents:
            if content.type != "function_result":
                continue
            print(f"\n[code] {content.result}\n")
            pictures = [item for item in content.items or [] if item.type == "data"]
            charts += [content_bytes(item) for item in pictures]
    print()
    return charts


async def analyse(data: bytes, folder: Path) -> Path:
    """Have the agent answer both questions; return the path of its chart."""
    attachment = Content.from_data(
        data, "application/json", additional_properties={"filename": "cars.json"}
    )
    endpoint = os.environ.get("DYNAMIC_SESSIONS_ENDPOINT", "local")
    async with DynamicSessionsCodeActProvider(endpoint=endpoint, tools=[load_cars]) as provider:
        agent = Agent(choose_model(), instructions=INSTRUCTIONS, context_providers=[provider])
        session = agent.create_session()
        dynamic_session = provider.session_for(session)
        await ask(agent, session, Message("user", [QUESTIONS[0], attachment]))
        *_, chart = await ask(agent, session, Message("user", [QUESTIONS[1]]))
        await dynamic_session.delete()
    path = folder / "chart.png"
    path.write_bytes(chart)
    return path


def main() -> None:
    """Fetch the data, have it analysed, and say where the chart is."""
    folder = Path("out", "maf").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    data = (resources.files("vega_datasets") / "_data" / "cars.json").read_bytes()
    print(f"\nThe chart is {asyncio.run(analyse(data, folder))}")


if __name__ == "__main__":
    main()
