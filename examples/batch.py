"""Batch of a hundred questions: eight at a time, each in a session of its own, with a progress bar.

A scripted model plays its part; with OPENAI_API_KEY set, a real one does. The sessions live on
this machine, or in the pool that DYNAMIC_SESSIONS_ENDPOINT names.
"""

import itertools
import json
import os

import anyio
from agent_framework import Agent
from rich.progress import Progress

from cars import CARS, load_cars
from maf_dynamic_sessions import DynamicSessionsTool
from models.agent_framework import choose_model

AT_ONCE = 8
BRANDS = ("amc", "audi", "buick", "datsun", "dodge", "fiat", "ford", "honda", "mazda", "toyota")
YEARS = range(1970, 1980)


async def ask(question: str, code: str, tool: DynamicSessionsTool) -> str:
    """Return what an agent's last piece of code came to, in a session for this question alone."""
    agent = Agent(choose_model((code, "That is the number.")), tools=[tool])
    conversation = agent.create_session()
    session = tool.session_for(conversation)
    try:
        await session.files.upload(CARS)
        response = await agent.run(f"{question} Answer by code.", session=conversation)
    finally:
        await session.delete()
    contents = [content for message in response.messages for content in message.contents]
    return [str(content.result) for content in contents if content.type == "function_result"][-1]


async def main() -> None:
    """Ask all questions, and write the answers to a file."""
    answers: dict[str, str] = {}
    limiter = anyio.CapacityLimiter(AT_ONCE)
    progress = Progress()
    bar = progress.add_task("questions", total=len(BRANDS) * len(YEARS))
    endpoint = os.environ.get("DYNAMIC_SESSIONS_ENDPOINT", "local")

    async def answer(brand: str, year: int) -> None:
        question = f"How many cars of {year} have a name that begins with {brand}?"
        code = f"cars = load_cars()\n(cars.name.str.startswith({brand!r}) & (cars.year == {year})).sum()"
        async with limiter:
            answers[question] = await ask(question, code, tool)
        progress.advance(bar)

    async with DynamicSessionsTool(endpoint, tools=[load_cars]) as tool:
        with progress:
            async with anyio.create_task_group() as tasks:
                for brand, year in itertools.product(BRANDS, YEARS):
                    tasks.start_soon(answer, brand, year)
    path = anyio.Path("out", "batch", "answers.json")
    await path.parent.mkdir(parents=True, exist_ok=True)
    await path.write_text(json.dumps(answers, indent=1, sort_keys=True))
    print(f"The {len(answers)} answers are in {await path.resolve()}")


if __name__ == "__main__":
    anyio.run(main)
