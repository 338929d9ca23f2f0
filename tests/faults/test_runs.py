"""A run is never doubled, and its caller always learns what is known of it."""

import logging
import uuid
from dataclasses import dataclass

import anyio
import anyio.lowlevel
import pytest

from dynamic_sessions import (
    AsyncSession,
    AsyncSessionPool,
    Deadlines,
    Execution,
    ServiceConnectionError,
    ServiceError,
)
from dynamic_sessions_local import LocalSessionPool

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


@dataclass
class ExpiringTokens:
    """A credential whose tokens the pool rejects, until it is asked for another."""

    valid: str
    calls: int = 0

    def get_token(self, *_scopes: str, **_kwargs: object) -> "Token":
        self.calls += 1
        return Token(self.valid if self.calls % 2 == 0 else f"expired-{self.calls}")


@dataclass(frozen=True)
class Token:
    token: str
    expires_on: int = 2**40


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_token_that_expired_is_replaced_and_the_run_is_not_doubled(
    proxy: FaultProxy, local_pool: LocalSessionPool, dialect: str
) -> None:
    tokens = ExpiringTokens(local_pool.credential.get_token("").token)
    async with AsyncSessionPool(proxy.endpoint, tokens, api_version=dialect) as pool:
        session = pool.session()
        run = await session.execute(counting("tokens"))
        assert (await session.files.read("tokens")) == b"x"
    assert run.result == "tokens"
    assert tokens.calls == 2


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_a_service_that_goes_away_while_code_runs_does_not_lead_to_a_second_run(
    proxy: FaultProxy, make_pool: MakePool, direct: AsyncSessionPool, asynchronous: bool
) -> None:
    async with make_pool() as pool:
        session = pool.session("goes-away")
        await session.set_up()
        code = f"import time; time.sleep(0.5)\n{counting('goes-away')}"
        seen: list[Told] = []

        async def go_away_for_a_while() -> None:
            await proxy.until_forwarded("poll execution" if asynchronous else "execute")
            await proxy.refuse()
            await proxy.listen()

        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(go_away_for_a_while)
                await anyio.lowlevel.checkpoint()
                seen.append(await told_of(session, code, asynchronous=asynchronous))
        (told,) = seen
        assert proxy.tally.runs("goes-away") == 1
        if asynchronous:
            assert told.result is not None
            assert told.result.result == "goes-away"
            assert await direct.session("goes-away").files.read("goes-away") == b"x"
        else:
            assert told.ran is None
        await session.delete()


async def test_a_set_up_that_fails_says_that_the_callers_code_did_not_run(
    proxy: FaultProxy, make_pool: MakePool
) -> None:
    def greet() -> str:
        return "hello"

    async with make_pool() as pool:
        session = pool.session(functions=[greet])
        proxy.fail("set up", FAULTS["502 after the run"])
        told = await told_of(session, counting("after-set-up"))
        assert told.ran is False
        assert proxy.tally.runs("after-set-up") == 0
        assert (await session.execute("greet()")).result == "hello"


async def test_an_answer_that_drips_for_ever_ends_with_the_deadline(
    proxy: FaultProxy, make_pool: MakePool
) -> None:
    async with make_pool(deadlines=SHORT) as pool:
        session = pool.session()
        await session.set_up()
        proxy.fail("execute", Fault(name="for ever", moment="reply", effect="endless"))
        with anyio.fail_after(20):
            told = await told_of(session, counting("for-ever"), timeout=0.1)
    assert told.ran is None
