"""Agent evaluated: its answers to questions about cars, beside the expected ones.

A scripted model plays its part, and gets one wrong; with OPENAI_API_KEY set, a real one does. The
sessions live on this machine, or in the pool that DYNAMIC_SESSIONS_ENDPOINT names.
"""

import math
import os
from typing import Any

from langchain.agents import create_agent  # pyright: ignore[reportUnknownVariableType]
from langchain_core.messages import HumanMessage

from cars import CARS, load_cars
from dynamic_sessions import Execution
from langchain_dynamic_sessions import SessionsPythonREPLTool
from models.langchain import choose_model

INSTRUCTIONS = "Answer by one piece of code, whose last line is the number. cars.json is there."
# What is asked, what is right, and the code of the scripted model.
CASES = (
    ("How many cars are there?", 406, "len(load_cars())"),
    ("How many come from Japan?", 79, "(load_cars().origin == 'Japan').sum()"),
    ("What is the mean horsepower?", 105.08, "load_cars().horsepower.mean()"),
    ("How heavy is the lightest, in kg?", 731.7, "load_cars().kilograms.min()"),
    (
        "In how many years were cars sold?",
        12,
        "1 + load_cars().year.max() - load_cars().year.min()",
    ),
    ("What is the median consumption?", 10.23, "load_cars().litres_per_100_km.median()"),
)


def ask(question: str, code: str) -> float | None:
    """Return the number that an agent in a session of its own comes to, if it does."""
    endpoint = os.environ.get("DYNAMIC_SESSIONS_ENDPOINT", "local")
    with SessionsPythonREPLTool(endpoint, functions=[load_cars]) as tool:
        tool.upload_file(local_file_path=CARS)
        model = choose_model((code, "That is the number."))
        agent: Any = create_agent(model, [tool], system_prompt=INSTRUCTIONS)  # pyright: ignore[reportUnknownVariableType]
        for message in reversed(agent.invoke({"messages": [HumanMessage(question)]})["messages"]):
            # What the code came to, not what the model says of it.
            run = getattr(message, "artifact", None)
            if isinstance(run, Execution) and isinstance(run.result, int | float):
                return run.result
    return None


def main() -> None:
    """Ask all questions, and print which answers are right."""
    right = 0
    for question, expected, code in CASES:
        answer = ask(question, code)
        is_right = answer is not None and math.isclose(answer, expected, rel_tol=1e-3)
        right += is_right
        print(f"{'right' if is_right else 'WRONG'}  {question:<36} {answer} (expected {expected})")
    print(f"{right} of {len(CASES)} are right")


if __name__ == "__main__":
    main()
