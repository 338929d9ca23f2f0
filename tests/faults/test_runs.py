"""A run is never doubled, and its caller always learns what is known of it."""

import logging
import uuid
from dataclasses import dataclass

import pytest

from dynamic_sessions import (
    AsyncSession,
    AsyncSessionPool,
    Deadlines,
    Execution,
    ServiceConnectionError,
    ServiceError,
)

from .conftest import DIALECTS, MakePool
from .faults import FAULTS, Fault
from .proxy import FaultProxy

SHORT = Deadlines(execution_grace=0.4, stall=0.3, call=0.4, arrival=0.2, stop=2)


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a caller of execute() learned."""

    result: Execution | None = None
    error: ServiceError | None = None

    @property
    def ran(self) -> bool | None:
        """Whether the code ran; None where nobody knows."""
        if self.result is not None:
            return True
        assert self.error is not None
        return None if self.error.outcome_unknown else False


def counting(marker: str) -> str:
    """Code that leaves a trace of every time it runs, and says so."""
    return f"with open({marker!r}, 'a') as file: _ = file.write('x')\n{marker!r}"


async def told_of(session: AsyncSession, code: str, **options: bool | float) -> Told:
    try:
        return Told(result=await session.execute(code, **options))  # pyright: ignore[reportArgumentType] - options of execute
    except ServiceError as error:
        return Told(error=error)


async def count_runs(direct: AsyncSessionPool, identifier: str, marker: str) -> int:
    files = {file.name: file.size for file in await direct.session(identifier).files.list()}
    return files.get(marker, 0)


@pytest.mark.parametrize("times", [1, 5], ids=["once", "always"])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_whatever_happens_to_a_run_it_runs_at_most_once_and_the_caller_knows(
    proxy: FaultProxy,
    make_pool: MakePool,
    direct: AsyncSessionPool,
    dialect: str,
    fault: Fault,
    times: int,
) -> None:
    marker = f"runs-{uuid.uuid4().hex}"
    deadlines = SHORT if fault.stalls else Deadlines()
    async with make_pool(api_version=dialect, deadlines=deadlines, timeout=0.5) as pool:
        session = pool.session(f"runs-{uuid.uuid4()}")
        await session.set_up()
        proxy.hang_up()
        proxy.fail("connect" if fault.moment == "connect" else "execute", *[fault] * times)

        told = await told_of(session, counting(marker))

        proxy.calm()
        reached = proxy.tally.runs(marker)
        deleted = told.error is not None and told.error.session_deleted
        ran = reached if deleted else await count_runs(direct, session.identifier, marker)
        assert ran <= 1
        assert reached <= 1
        if told.ran is not None:
            assert ran == int(told.ran)
        if told.result is not None:
            assert told.result.result == marker
        assert (await session.execute("'goes on'")).result == "goes on"
        await session.delete()


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_run_is_sent_when_refused_connections_are_taken_again(
    proxy: FaultProxy, make_pool: MakePool, caplog: pytest.LogCaptureFixture, dialect: str
) -> None:
    async with make_pool(api_version=dialect) as pool:
        session = pool.session()
        await session.set_up()
        await proxy.refuse()
        with (
            caplog.at_level(logging.DEBUG, "dynamic_sessions"),
            pytest.raises(ServiceConnectionError) as caught,
        ):
            await session.execute(counting("refused"))
        assert not caught.value.outcome_unknown
        assert proxy.tally.runs("refused") == 0
        assert len([r for r in caplog.records if "failed" in r.getMessage()]) == 3
        await proxy.listen()
        assert (await session.execute(counting("taken"))).result == "taken"
    assert proxy.tally.runs("taken") == 1
