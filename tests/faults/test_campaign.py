"""Thousands of operations through faults at random: nothing doubled, nothing lost."""

import random

import anyio
import pytest

from .campaign import run_campaign

CASES = 3000


@pytest.mark.slow
async def test_a_campaign_of_faults_doubles_and_loses_nothing() -> None:
    seed = random.SystemRandom().randrange(2**32)
    with anyio.fail_after(110):
        account = await run_campaign(cases=CASES, seed=seed)
    assert account.is_clean, account.as_json()
    assert account.faults > CASES / 5
    assert account.told.keys() >= {"ran", "did not run", "outcome unknown"}
