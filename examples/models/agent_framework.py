"""A model for Microsoft Agent Framework."""

import json
import os
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
from agent_framework_openai import OpenAIChatClient


def choose_model(replies: Sequence[str]) -> "OpenAIChatClient | _ScriptedModel":
    """Return a real model where there is a key for one, else one that says these replies.

    Args:
        replies: Pieces of code, then the answer in words.
    """
    if os.environ.get("OPENAI_API_KEY"):
        return OpenAIChatClient(os.environ.get("OPENAI_MODEL", "gpt-4o-mini"))
    return _ScriptedModel(replies)


class _ScriptedModel(FunctionInvocationLayer[Any], ChatMiddlewareLayer[Any], BaseChatClient[Any]):
    """Says its replies one after the other: all but the last are code."""

    def __init__(self, replies: Sequence[str]) -> None:
        super().__init__()
        *pieces, answer = replies
        calls = [
            Content.from_function_call(str(number), "execute_code", arguments=json.dumps(arguments))
            for number, arguments in enumerate({"code": code} for code in pieces)
        ]
        self._contents = iter([*calls, Content.from_text(answer)])

    def _inner_get_response(
        self,
        *,
        messages: Sequence[Message],
        stream: bool,
        options: Mapping[str, Any],
        **kwargs: Any,
    ) -> Awaitable[ChatResponse] | ResponseStream[ChatResponseUpdate, ChatResponse]:
        update = ChatResponseUpdate(contents=[next(self._contents)], role="assistant")
        if stream:
            return ResponseStream(_one(update), finalizer=ChatResponse.from_updates)
        return _whole(update)


async def _one(update: ChatResponseUpdate) -> AsyncIterable[ChatResponseUpdate]:
    yield update


async def _whole(update: ChatResponseUpdate) -> ChatResponse:
    return ChatResponse.from_updates([update])
