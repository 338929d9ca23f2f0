import anyio
import anyio.lowlevel
import pytest

from dynamic_sessions import PoolExhaustedError
from dynamic_sessions.ledger import SessionLedger

DEADLINE = 10
IDLE = 300


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def ledger(limit: int | None, clock: Clock | None = None, patience: float = 5) -> SessionLedger:
    return SessionLedger(limit=limit, patience=patience, idle=IDLE, clock=clock or Clock())


async def settle() -> None:
    for _ in range(10):
        await anyio.lowlevel.checkpoint()


async def test_without_a_limit_nobody_waits() -> None:
    unlimited = ledger(None)
    with anyio.fail_after(DEADLINE):
        for number in range(1000):
            await unlimited.enter(f"session-{number}", is_named=False)
    assert len(unlimited.unnamed) == 1000


async def test_places_are_given_in_the_order_of_asking() -> None:
    limited = ledger(2)
    await limited.enter("a", is_named=True)
    await limited.enter("b", is_named=True)
    served: list[str] = []

    async def ask(name: str) -> None:
        await limited.enter(name, is_named=True)
        served.append(name)

    with anyio.fail_after(DEADLINE):
        async with anyio.create_task_group() as tasks:
            for name in ("c", "d", "e"):
                tasks.start_soon(ask, name)
                await settle()
            assert served == []
            for leaving in ("a", "b", "c"):
                limited.leave(leaving)
                await settle()
    assert served == ["c", "d", "e"]


async def test_a_session_that_has_a_place_does_not_wait_for_another() -> None:
    limited = ledger(1)
    with anyio.fail_after(DEADLINE):
        await limited.enter("a", is_named=True)
        await limited.enter("a", is_named=True)


async def test_two_calls_of_one_waiting_session_take_one_place() -> None:
    limited = ledger(2)
    await limited.enter("a", is_named=True)
    await limited.enter("b", is_named=True)
    with anyio.fail_after(DEADLINE):
        async with anyio.create_task_group() as tasks:
            for name in ("c", "c", "d"):
                tasks.start_soon(lambda name=name: limited.enter(name, is_named=True))
                await settle()
            limited.leave("a")
            limited.leave("b")
    limited.leave("c")
    with anyio.fail_after(DEADLINE):
        await limited.enter("e", is_named=True)


async def test_who_waits_too_long_is_told_that_nothing_was_sent() -> None:
    limited = ledger(1, patience=0.01)
    await limited.enter("a", is_named=True)
    with anyio.fail_after(DEADLINE), pytest.raises(PoolExhaustedError) as caught:
        await limited.enter("b", is_named=True)
    assert not caught.value.outcome_unknown


async def test_a_waiter_that_is_cancelled_passes_its_turn_on() -> None:
    limited = ledger(1)
    await limited.enter("a", is_named=True)
    with anyio.fail_after(DEADLINE):
        async with anyio.create_task_group() as tasks:
            with anyio.CancelScope() as scope:
                tasks.start_soon(lambda: limited.enter("c", is_named=True))
                async with anyio.create_task_group() as first:
                    first.start_soon(lambda: limited.enter("b", is_named=True))
                    await settle()
                    scope.cancel()
            limited.leave("a")


async def test_a_named_session_whose_idle_time_is_over_makes_place() -> None:
    clock = Clock()
    limited = ledger(1, clock)
    await limited.enter("a", is_named=True)
    clock.now = IDLE + 1
    with anyio.fail_after(DEADLINE):
        await limited.enter("b", is_named=True)


async def test_who_waits_is_served_when_a_named_sessions_idle_time_is_over() -> None:
    limited = SessionLedger(limit=1, patience=DEADLINE, idle=0.05)
    await limited.enter("a", is_named=True)
    with anyio.fail_after(DEADLINE):
        await limited.enter("b", is_named=True)


async def test_idle_time_begins_at_the_end_of_a_call() -> None:
    clock = Clock()
    limited = ledger(1, clock, patience=0.01)
    await limited.enter("a", is_named=True)
    clock.now = IDLE - 1
    limited.note_use("a")
    clock.now = IDLE + 1
    with anyio.fail_after(DEADLINE), pytest.raises(PoolExhaustedError):
        await limited.enter("b", is_named=True)


async def test_a_name_of_the_pools_own_stays_the_pools_to_end() -> None:
    unlimited = ledger(None)
    await unlimited.enter("a", is_named=False)
    await unlimited.enter("a", is_named=True)
    await unlimited.enter("b", is_named=True)
    assert unlimited.unnamed == ("a",)


async def test_sessions_that_are_the_pools_to_end_are_not_forgotten() -> None:
    clock = Clock()
    limited = ledger(2, clock)
    await limited.enter("a", is_named=False)
    clock.now = IDLE + 1
    await limited.enter("b", is_named=True)
    assert limited.unnamed == ("a",)
