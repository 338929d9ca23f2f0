"""A chat client that says what a script says, below all of the framework's own layers."""

import json
from collections.abc import AsyncIterable, Awaitable, Mapping, Sequence
from typing import Any

from agent_framework import (
    BaseChatClient,
    ChatMiddlewareLayer,
    ChatResponse,
    ChatResponseUpdate,
    Content,
    FunctionInvocationLayer,
    Message,
    ResponseStream,
)


class ScriptedModel(FunctionInvocationLayer[Any], ChatMiddlewareLayer[Any], BaseChatClient[Any]):
    """Answers with one entry of its script after the other.

    Attributes:
        requests: The messages of each request, in order.
        options: The options of each request: instructions and tools are among them.
    """

    def __init__(self, *script: Sequence[Content]) -> None:
        super().__init__()
        self._script = iter(script)
        self.requests: list[list[Message]] = []
        self.options: list[Mapping[str, Any]] = []

    @property
    def read_results(self) -> list[Content]:
        """All results of tools that the last request held."""
        contents = [item for message in self.requests[-1] for item in message.contents]
        return [item for item in contents if item.type == "function_result"]

    def _inner_get_response(
        self,
        *,
        messages: Sequence[Message],
        stream: bool,
        options: Mapping[str, Any],
        **kwargs: Any,
    ) -> Awaitable[ChatResponse] | ResponseStream[ChatResponseUpdate, ChatResponse]:
        del kwargs
        self.requests.append(list(messages))
        self.options.append(dict(options))
        contents = next(self._script)
        if stream:
            return ResponseStream(_updates(contents), finalizer=ChatResponse.from_updates)
        return _response(contents)


def code(text: str, call_id: str = "call") -> Content:
    """Return a model's wish to run code."""
    return Content.from_function_call(call_id, "execute_code", arguments=json.dumps({"code": text}))


def say(text: str) -> list[Content]:
    """Return a model's answer in words."""
    return [Content.from_text(text)]


async def _response(contents: Sequence[Content]) -> ChatResponse:
    return ChatResponse(messages=Message("assistant", list(contents)))


async def _updates(contents: Sequence[Content]) -> AsyncIterable[ChatResponseUpdate]:
    for content in contents:
        yield ChatResponseUpdate(contents=[content], role="assistant")
