import re

import pytest

from dynamic_sessions import AsyncSessionPool, identifier_for

KEY = "a secret of at least 16 bytes"


def test_the_same_conversation_gets_the_same_identifier_and_another_another() -> None:
    assert identifier_for("ada", "1", key=KEY) == identifier_for("ada", "1", key=KEY.encode())
    others = {
        identifier_for("ada", "2", key=KEY),
        identifier_for("bob", "1", key=KEY),
        identifier_for("ada", "1", key=KEY + "!"),
        identifier_for("ad", "a1", key=KEY),
        identifier_for("ada1", "", key=KEY),
    }
    assert identifier_for("ada", "1", key=KEY) not in others
    assert len(others) == 5


def test_it_shows_neither_user_nor_conversation_and_every_version_takes_it() -> None:
    identifier = identifier_for("ada@example.com", "größe/../&identifier=x", key=KEY)
    assert re.fullmatch("[0-9a-f]{64}", identifier)
    pool = AsyncSessionPool("https://pool.test", "token")
    assert pool.session(identifier).identifier == identifier


def test_a_key_that_could_be_guessed_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        identifier_for("ada", "1", key="short")
