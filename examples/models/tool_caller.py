"""A model for a host that calls tools by itself, as those of MCP do."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mcp.types import Tool
from openai import AsyncOpenAI


@dataclass(frozen=True, kw_only=True)
class Call:
    """A tool that the model wants to be called."""

    identifier: str
    name: str
    arguments: dict[str, Any]


class Model(Protocol):
    """What decides on the next step: a call, or the answer."""

    async def step(self, tools: Sequence[Tool]) -> Call | str:
        """Return a call of a tool, or the answer."""
        ...

    def read(self, call: Call, text: str) -> None:
        """Take in what a call returned."""
        ...


def choose_model(question: str, steps: Sequence[Call | str]) -> Model:
    """Return a real model where there is a key for one, else one that takes these steps."""
    return _OpenAIModel(question) if os.environ.get("OPENAI_API_KEY") else _ScriptedModel(steps)


class _ScriptedModel:
    """Takes its steps, whatever it reads."""

    def __init__(self, steps: Sequence[Call | str]) -> None:
        self._steps = iter(steps)

    async def step(self, tools: Sequence[Tool]) -> Call | str:
        del tools
        return next(self._steps)

    def read(self, call: Call, text: str) -> None:
        """Take no notice."""


class _OpenAIModel:
    """A model of OpenAI's, or of whatever speaks its API."""

    def __init__(self, question: str) -> None:
        self._client = AsyncOpenAI()
        self._messages: list[Any] = [{"role": "user", "content": question}]

    async def step(self, tools: Sequence[Tool]) -> Call | str:
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
        self._messages.append({"role": "tool", "tool_call_id": call.identifier, "content": text})
