"""Conversations that come by chance, each with a session of its own for as long as it lasts."""

import asyncio
import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.simulation.azure import code_that_takes
from dynamic_sessions import AsyncSessionPool, ServiceError

_LONGEST_RUN_SECONDS = 50.0
_SPREAD_OF_RUNS = 1.0


@dataclass(frozen=True, kw_only=True)
class Workload:
    """What is asked of the pools; times in seconds, and means of random numbers."""

    conversations: int = 10_000
    per_second: float = 2.8
    """How many begin, as a Poisson process."""
    executions: float = 4.0
    """Of one conversation; at least one, of a geometric distribution."""
    pause: float = 60.0
    """Between two, in which a user reads and a model thinks; of an exponential distribution."""
    run: float = 0.5
    """The median of what one's code takes, of a lognormal distribution."""
    seed: int = 1


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """What one conversation does, and when it begins."""

    identifier: str
    begins: float
    runs: Sequence[float]
    pauses: Sequence[float]


@dataclass(kw_only=True)
class Experience:
    """What the callers saw, in seconds.

    Attributes:
        first_results: From each conversation's begin to its first result.
        failures: Conversations that a ServiceError ended, by its class.
        broken: How many of those had had a result before.
        restarted: How often a conversation was told that its session is another one.
        needed: From the begin to the end of each conversation.
        last_end: When the last conversation ended.
    """

    first_results: list[float] = field(default_factory=list[float])
    failures: Counter[str] = field(default_factory=Counter[str])
    broken: int = 0
    restarted: int = 0
    needed: list[float] = field(default_factory=list[float])
    last_end: float = 0.0


def conversations(workload: Workload) -> list[Conversation]:
    """Draw the conversations, the same ones for the same workload."""
    chance = random.Random(workload.seed)  # noqa: S311 - chance, and no secret
    begins = 0.0
    drawn: list[Conversation] = []
    for number in range(workload.conversations):
        begins += chance.expovariate(workload.per_second)
        count = 1 + int(math.log(1 - chance.random()) / math.log(1 - 1 / workload.executions))
        runs = [
            min(
                chance.lognormvariate(math.log(workload.run), _SPREAD_OF_RUNS), _LONGEST_RUN_SECONDS
            )
            for _ in range(count)
        ]
        pauses = [chance.expovariate(1 / workload.pause) for _ in range(count - 1)]
        drawn.append(
            Conversation(
                identifier=f"conversation-{number:06}", begins=begins, runs=runs, pauses=pauses
            )
        )
    return drawn


async def converse(
    drawn: Sequence[Conversation],
    pool_of: Callable[[int, Conversation], AsyncSessionPool],
    *,
    deletes: bool,
) -> Experience:
    """Hold all conversations and return what came of them.

    Args:
        drawn: The conversations.
        pool_of: Yields a conversation's session pool; it is given its number, too.
        deletes: Whether a session is deleted at the end of its conversation.
    """
    experience = Experience()
    loop = asyncio.get_running_loop()
    started = loop.time()
    async with asyncio.TaskGroup() as tasks:
        for number, conversation in enumerate(drawn):
            await asyncio.sleep(started + conversation.begins - loop.time())
            tasks.create_task(
                _converse(conversation, pool_of(number, conversation), experience, deletes=deletes)
            )
    experience.last_end = loop.time()
    return experience


async def _converse(
    conversation: Conversation, pool: AsyncSessionPool, experience: Experience, *, deletes: bool
) -> None:
    loop = asyncio.get_running_loop()
    session = pool.session(conversation.identifier)
    begun = loop.time()
    has_result = False
    try:
        for pause, run in zip((0.0, *conversation.pauses), conversation.runs, strict=True):
            await asyncio.sleep(pause)
            execution = await session.execute(code_that_takes(run))
            if not has_result:
                experience.first_results.append(loop.time() - begun)
            has_result = True
            experience.restarted += execution.session_recycled
    except ServiceError as error:
        experience.failures[type(error).__name__] += 1
        experience.broken += has_result
    if has_result:
        experience.needed.append(loop.time() - begun)
    if deletes:
        try:
            await session.delete()
        except ServiceError:
            # Its idle time ends it.
            return
