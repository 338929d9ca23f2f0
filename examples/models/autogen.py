"""A model for AutoGen."""

import os
from collections.abc import Sequence

from autogen_core.models import ChatCompletionClient
from autogen_ext.models.openai import OpenAIChatCompletionClient
from autogen_ext.models.replay import ReplayChatCompletionClient


def choose_model(replies: Sequence[str]) -> ChatCompletionClient:
    """Return a real model where there is a key for one, else one that says these replies.

    Args:
        replies: Pieces of code, then the answer in words.
    """
    if os.environ.get("OPENAI_API_KEY"):
        return OpenAIChatCompletionClient(model=os.environ.get("OPENAI_MODEL", "gpt-4o-mini"))
    *pieces, answer = replies
    return ReplayChatCompletionClient(
        [*(f"```python\n{code}\n```" for code in pieces), f"{answer} DONE"]
    )
