"""Waiting for what nobody tells of."""

import time
from collections.abc import Callable

PATIENCE = 30


def until(condition: Callable[[], bool]) -> None:
    """Return when it holds; fail when it does not come to."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
