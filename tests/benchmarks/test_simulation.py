"""What the simulated session pools do, and that a simulation can be repeated."""

import asyncio
from dataclasses import replace

import pytest
from benchmarks.simulation.azure import Outage, PoolTraits
from benchmarks.simulation.conversations import Workload
from benchmarks.simulation.trial import Outcome, Settings, run_trial
from benchmarks.simulation.virtual_time import VirtualTimeLoop

from dynamic_sessions import Deadlines

WORKLOAD = Workload(conversations=64, per_second=1.0)
SMALL = PoolTraits(max_sessions=20, ready=5)


def test_hours_pass_in_order_without_being_waited_for() -> None:
    async def sleep() -> list[int]:
        done: list[int] = []

        async def note(hours: int) -> None:
            await asyncio.sleep(hours * 3600)
            done.append(hours)

        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        with loop.jumping():
            await asyncio.gather(*(note(hours) for hours in (3, 1, 2)))
        assert loop.time() == pytest.approx(3 * 3600)
        return done

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        assert runner.run(sleep()) == [1, 2, 3]


def test_what_waits_for_nothing_is_told_so() -> None:
    async def wait() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        with loop.jumping():
            await asyncio.Event().wait()

    with (
        asyncio.Runner(loop_factory=VirtualTimeLoop) as runner,
        pytest.raises(RuntimeError, match="no timer"),
    ):
        runner.run(wait())


def test_the_same_seed_has_the_same_outcome_and_another_one_another() -> None:
    outcomes = [
        run_trial(Settings(), replace(WORKLOAD, seed=seed), traits=SMALL) for seed in (1, 1, 2)
    ]
    assert outcomes[0] == outcomes[1] != outcomes[2]


def test_a_pool_takes_no_more_sessions_than_its_maximum() -> None:
    outcome = run_trial(Settings(), WORKLOAD, traits=SMALL)
    assert list(outcome.most_sessions) == [20]
    assert outcome.refusals > 0
    assert set(outcome.experience.failures) == {"PoolExhaustedError"}


def test_whoever_waits_for_a_place_is_not_refused() -> None:
    settings = Settings(max_sessions=20, deadlines=Deadlines(place=3600))
    outcome = run_trial(settings, WORKLOAD, traits=SMALL)
    assert outcome.refusals == 0
    assert outcome.failed == 0
    assert outcome.first_result(1) > run_trial(Settings(pools=9), WORKLOAD).first_result(1)


def test_sessions_that_are_left_end_by_their_idle_time() -> None:
    kept = run_trial(Settings(deletes=False), WORKLOAD)
    deleted = run_trial(Settings(), WORKLOAD)
    assert kept.left_running == kept.sessions
    assert deleted.left_running < deleted.sessions / 2
    assert kept.lingered == pytest.approx(PoolTraits().cooldown, abs=1)
    assert kept.use > deleted.use


@pytest.mark.parametrize("kind", ["refused", "silent"])
def test_session_pools_lose_no_conversation_that_begins_in_an_outage(kind: str) -> None:
    outages = [Outage(begins=0, ends=10_000, kind=kind)]  # pyright: ignore[reportArgumentType]

    def hold(settings: Settings) -> Outcome:
        return run_trial(settings, WORKLOAD, outages=outages)

    assert hold(Settings(pools=2, assignment="session pools")).failed == 0
    assert hold(Settings(pools=2, assignment="by turns")).failed == pytest.approx(0.5)
