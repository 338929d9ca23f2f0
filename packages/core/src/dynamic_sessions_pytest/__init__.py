"""A fixture for tests of programs that run code in sessions; pytest finds it by itself.

    def test_the_agent_computes(session_pool):
        agent = MyAgent(session_pool)
        assert agent.ask("What is 6 * 7?") == "42"

A package of its own, since pytest imports it in every run, long before anything needs sessions.
"""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dynamic_sessions import SessionPool

__all__ = ["session_pool"]


@pytest.fixture
def session_pool() -> "Iterator[SessionPool]":
    """A session pool on this machine, with real interpreters in sandboxes.

    Its sessions end with the test, unless the test named them; all pools of a run share one server.
    """
    from dynamic_sessions import SessionPool  # noqa: PLC0415 - only where the fixture is used

    with SessionPool("local") as pool:
        yield pool
