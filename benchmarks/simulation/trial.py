"""One simulated run: settings of the client, a workload, pools; and what came of it."""

import asyncio
import itertools
import math
import random
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from benchmarks.simulation.azure import AzurePool, AzureRegions, Outage, PoolTraits
from benchmarks.simulation.conversations import (
    Conversation,
    Experience,
    Workload,
    conversations,
    converse,
)
from benchmarks.simulation.virtual_time import VirtualTimeLoop
from dynamic_sessions import AsyncSessionPool, AsyncSessionPools, Deadlines, RetryPolicy

Assignment = Literal["by turns", "by identifier", "session pools"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What can be chosen on the client's side.

    Attributes:
        pools: How many session pools there are.
        assignment: How a conversation's pool is found: one after the other, from a hash of the
            identifier, or by AsyncSessionPools, which tries the next one.
        deletes: Whether sessions are deleted at the end of their conversation.
        max_sessions: The bound on sessions of each pool, all programs together.
        programs: How many programs share the pools without knowing of one another.
        retry_policy: Of the client.
        deadlines: Of the client.
    """

    pools: int = 1
    assignment: Assignment = "by turns"
    deletes: bool = True
    max_sessions: int | None = None
    programs: int = 4
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    deadlines: Deadlines = field(default_factory=Deadlines)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a trial; times in seconds.

    Attributes:
        experience: What the callers saw.
        refusals: Answers of 429.
        most_sessions: The largest number of sessions at a time, of each pool.
        session_seconds: How long all sessions lived, together.
        sessions: How many there were.
        left_running: How many ended by their idle time.
        lingered: From the last conversation's end to the last session's.
    """

    experience: Experience
    refusals: int
    most_sessions: Sequence[int]
    session_seconds: float
    sessions: int
    left_running: int
    lingered: float

    @property
    def failed(self) -> float:
        """Which part of all conversations a ServiceError ended."""
        failed = self.experience.failures.total()
        served = len(self.experience.first_results) - self.experience.broken
        return failed / (failed + served)

    @property
    def use(self) -> float:
        """How long sessions lived for each second that conversations needed them."""
        return self.session_seconds / sum(self.experience.needed)

    def first_result(self, part: float) -> float:
        """The seconds within which this part of the conversations that had a result had it."""
        ordered = sorted(self.experience.first_results)
        return ordered[math.ceil(part * len(ordered)) - 1]


def run_trial(
    settings: Settings,
    workload: Workload,
    *,
    traits: PoolTraits | None = None,
    outages: Sequence[Outage] = (),
) -> Outcome:
    """Simulate; the same arguments have the same outcome.

    Args:
        settings: Of the client.
        workload: What is asked.
        traits: Of every pool.
        outages: Of the first pool.
    """
    random.seed(workload.seed)
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(_simulate(settings, workload, traits or PoolTraits(), outages))


async def _simulate(
    settings: Settings, workload: Workload, traits: PoolTraits, outages: Sequence[Outage]
) -> Outcome:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)  # noqa: S101 - for the type checker
    pools = {
        f"region-{number}.test": AzurePool(traits, outages if number == 0 else ())
        for number in range(settings.pools)
    }
    programs = [_open_clients(settings, traits, pools) for _ in range(settings.programs)]
    for client in itertools.chain.from_iterable(programs):
        await client.list_sessions()
    with loop.jumping():
        experience = await converse(
            conversations(workload), _chooser(settings, programs), deletes=settings.deletes
        )
        await asyncio.sleep(traits.cooldown + 1)
        for client in itertools.chain.from_iterable(programs):
            await client.close()
    return _outcome(experience, list(pools.values()))


def _open_clients(
    settings: Settings, traits: PoolTraits, pools: dict[str, AzurePool]
) -> list[AsyncSessionPool]:
    """What one program has."""
    endpoints = [f"https://{host}" for host in pools]
    share = None if settings.max_sessions is None else settings.max_sessions // settings.programs
    if settings.assignment == "session pools":
        bound = None if share is None else share * len(pools)
        return [_open(partial(AsyncSessionPools, endpoints), settings, traits, pools, bound)]
    return [
        _open(partial(AsyncSessionPool, endpoint), settings, traits, pools, share)
        for endpoint in endpoints
    ]


def _open(
    client: Callable[..., AsyncSessionPool],
    settings: Settings,
    traits: PoolTraits,
    pools: dict[str, AzurePool],
    max_sessions: int | None,
) -> AsyncSessionPool:
    return client(
        "token",
        cooldown=traits.cooldown,
        max_sessions=max_sessions,
        deadlines=settings.deadlines,
        retry_policy=settings.retry_policy,
        transport=AzureRegions(pools),
    )


def _chooser(
    settings: Settings, programs: Sequence[Sequence[AsyncSessionPool]]
) -> Callable[[int, Conversation], AsyncSessionPool]:
    def choose(number: int, conversation: Conversation) -> AsyncSessionPool:
        turn, program = divmod(number, settings.programs)
        clients = programs[program]
        if settings.assignment == "by identifier":
            turn = zlib.crc32(conversation.identifier.encode())
        return clients[turn % len(clients)]

    return choose


def _outcome(experience: Experience, pools: Sequence[AzurePool]) -> Outcome:
    lifetimes = [lifetime for pool in pools for lifetime in pool.lifetimes]
    return Outcome(
        experience=experience,
        refusals=sum(pool.refusals for pool in pools),
        most_sessions=[pool.most_sessions for pool in pools],
        session_seconds=sum(each.ended - each.begun for each in lifetimes),
        sessions=len(lifetimes),
        left_running=sum(not each.was_deleted for each in lifetimes),
        lingered=max(each.ended for each in lifetimes) - experience.last_end,
    )
