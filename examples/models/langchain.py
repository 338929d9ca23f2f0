"""A model for LangChain."""

import os
from collections.abc import Iterator, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage

Reply = str | tuple[str, dict[str, Any]]


def choose_model(replies: Sequence[Reply]) -> str | BaseChatModel:
    """Return a real model where there is a key for one, else one that says these replies.

    The real one needs langchain-openai.

    Args:
        replies: Pieces of code, or the names and arguments of other tools; then the answer in words.
    """
    if os.environ.get("OPENAI_API_KEY"):
        return f"openai:{os.environ.get('OPENAI_MODEL', 'gpt-4o-mini')}"
    return _ScriptedModel(messages=_messages(replies))


class _ScriptedModel(GenericFakeChatModel):
    """Says its messages, whatever tools it is given and whatever comes of them."""

    def bind_tools(self, tools: object, **kwargs: Any) -> "_ScriptedModel":
        """Return the model itself."""
        del tools, kwargs
        return self


def _messages(replies: Sequence[Reply]) -> Iterator[AIMessage]:
    *pieces, answer = replies
    for number, piece in enumerate(pieces):
        name, arguments = ("Python_REPL", {"code": piece}) if isinstance(piece, str) else piece
        call = {"id": str(number), "name": name, "args": arguments}
        yield AIMessage("", tool_calls=[call])
    yield AIMessage(str(answer))
