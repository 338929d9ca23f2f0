"""A model for LlamaIndex."""

import importlib
import os
from collections.abc import Sequence
from typing import Any, cast

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.llms import LLM
from llama_index.core.llms.mock import MockFunctionCallingLLM


def choose_model(replies: Sequence[str]) -> LLM:
    """Return a real model where there is a key for one, else one that says these replies.

    The real one needs llama-index-llms-openai.

    Args:
        replies: Pieces of code, then the answer in words.
    """
    if os.environ.get("OPENAI_API_KEY"):
        # It requires an older openai than other packages of this project's environment.
        openai = importlib.import_module("llama_index.llms.openai")
        return cast("LLM", openai.OpenAI(model=os.environ.get("OPENAI_MODEL", "gpt-4o-mini")))
    *pieces, answer = replies
    texts = iter([*(f"<execute>\n{code}\n</execute>" for code in pieces), answer])

    def say_the_next(messages: Sequence[ChatMessage], **_: Any) -> ChatMessage:
        del messages
        return ChatMessage(role="assistant", content=next(texts))

    return MockFunctionCallingLLM(response_generator=say_the_next, is_chat_model=True)
