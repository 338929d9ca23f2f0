from typing import Any

import pytest

from dynamic_sessions.credentials import token_provider
from dynamic_sessions.tokens import TokenCache


def test_a_static_token_does_not_show_in_a_repr() -> None:
    assert "s3cret" not in repr(token_provider("s3cret"))


@pytest.mark.parametrize(("credential", "expected"), [("  ", ValueError), (object(), TypeError)])
def test_what_is_no_credential_is_refused(credential: Any, expected: type[Exception]) -> None:
    with pytest.raises(expected):
        token_provider(credential)


async def test_a_function_is_asked_for_tokens() -> None:
    tokens = iter(["one", "two"])
    cache = TokenCache(token_provider(lambda: next(tokens)))

    assert await cache.get() == "one"
    assert await cache.replace("one") == "two"
