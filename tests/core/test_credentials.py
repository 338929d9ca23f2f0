from typing import Any

import pytest

from dynamic_sessions.credentials import token_provider


def test_a_static_token_does_not_show_in_a_repr() -> None:
    assert "s3cret" not in repr(token_provider("s3cret"))


@pytest.mark.parametrize(("credential", "expected"), [("  ", ValueError), (object(), TypeError)])
def test_what_is_no_credential_is_refused(credential: Any, expected: type[Exception]) -> None:
    with pytest.raises(expected):
        token_provider(credential)
