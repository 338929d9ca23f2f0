"""How long the soak goes on, and what it begins with."""

from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import cast

import pytest

# For what comes before and after the given minutes.
BESIDE_SECONDS = 300

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Soak:
    """What was asked for.

    Attributes:
        seconds: How long to go on.
        seed: What decides on what is done.
    """

    seconds: float
    seed: int


@pytest.fixture
def soak(pytestconfig: pytest.Config) -> Soak:
    """What was asked for on the command line."""
    seed = cast("int | None", pytestconfig.getoption("soak_seed"))
    return Soak(
        seconds=_seconds(pytestconfig),
        seed=SystemRandom().getrandbits(32) if seed is None else seed,
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give the soak the time that it was asked to take."""
    for item in items:
        if item.path.is_relative_to(FOLDER):
            item.add_marker(pytest.mark.timeout(_seconds(config) + BESIDE_SECONDS))


def _seconds(config: pytest.Config) -> float:
    return 60 * cast("float", config.getoption("soak_minutes"))
