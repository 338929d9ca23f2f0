"""How many callers are served at a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from typing import cast

from benchmarks import peers
from benchmarks.child import Child
from benchmarks.clock import Measure, interleave, limit, our, peer, timed_async
from benchmarks.limits import NO_OP_ROUTE, no_op_requests
from benchmarks.peers import JupyterExecutor
from benchmarks.pool import PoolUnderTest, new_identifier
from benchmarks.programs import ADD
from benchmarks.raw_http import AsyncConnection
from benchmarks.report import MILLISECONDS, PER_SECOND, AtMost, Section
from benchmarks.setting import Setting

BURST = 50
BURST_SECONDS = 1.0
BURST_OF_PEERS = 4
CONCURRENCY = (1, 10, 50)
# Above it, starting the peers would take longer than all the rest.
MOST_PEERS = 10

Call = Callable[[], Awaitable[object]]


def burst(setting: Setting) -> list[Section]:
    """So many new identifiers at once, until all have their results."""
    count, few = setting.many(BURST, 4), setting.many(BURST_OF_PEERS, 1)
    few_at_once = peers.first_results(JupyterExecutor, setting.runner, at_once=few)
    with setting.pool() as tested:
        figures = interleave(
            [
                our("pool", _bursts(tested, setting.runner, count)),
                peer(
                    JupyterExecutor.name,
                    lambda times: [seconds * count / few for seconds in few_at_once(times)],
                    note=f"extrapolated from {few} at once",
                ),
            ],
            rounds=setting.many(5, 1),
        )
    return [
        Section(
            title=f"{count} new identifiers at once, all answered",
            unit=MILLISECONDS,
            figures=figures,
            targets=[AtMost(BURST_SECONDS)],
        )
    ]


def throughput(setting: Setting) -> list[Section]:
    """Executions per second of several sessions together, clients on the same processors."""
    return [_throughput(setting, count) for count in CONCURRENCY]


def _throughput(setting: Setting, count: int) -> Section:
    seconds = setting.many(2000, 50) / 1000
    with ExitStack() as stack:
        tested = stack.enter_context(setting.pool())
        ours = stack.enter_context(_session_calls(tested, setting.runner, count))
        contenders = [our("pool", _rates(ours, setting.runner, seconds))]
        if count <= setting.many(MOST_PEERS, 1):
            others = stack.enter_context(
                peers.started(JupyterExecutor, setting.runner, count=count)
            )
            calls = [lambda each=each: each.execute(ADD) for each in others]
            contenders.append(peer(JupyterExecutor.name, _rates(calls, setting.runner, seconds)))
        bare = stack.enter_context(_no_op_calls(setting.runner, count))
        contenders.append(limit(NO_OP_ROUTE, _rates(bare, setting.runner, seconds)))
        figures = interleave(contenders, rounds=setting.many(3, 1))
    return Section(
        title=f"executions per second, sessions at a time: {count}",
        unit=PER_SECOND,
        figures=figures,
    )


def _bursts(pool: PoolUnderTest, runner: asyncio.Runner, count: int) -> Measure:
    async def once() -> float:
        identifiers = [new_identifier() for _ in range(count)]
        connections = [await AsyncConnection.connect(pool.requests.address) for _ in identifiers]
        requests = [pool.requests.execute(each, ADD.code) for each in identifiers]
        seconds = await timed_async(lambda: _send_all(connections, requests, ADD.ours))
        await _send_all(connections, [pool.requests.delete_session(each) for each in identifiers])
        for connection in connections:
            connection.close()
        return seconds

    def measure(times: int) -> list[float]:
        taken: list[float] = []
        for _ in range(times):
            pool.wait_until_idle()
            taken.append(runner.run(once()))
        return taken

    return measure


@contextmanager
def _session_calls(
    pool: PoolUnderTest, runner: asyncio.Runner, count: int
) -> Generator[Sequence[Call]]:
    """Yield calls that execute, each in a session and over a connection of its own."""
    identifiers = [new_identifier() for _ in range(count)]
    requests = [pool.requests.execute(each, ADD.code) for each in identifiers]
    with _connections(runner, pool.requests.address, count) as connections:
        runner.run(_send_all(connections, requests, ADD.ours))
        yield [
            lambda connection=connection, request=request: connection.send(request, part=ADD.ours)
            for connection, request in zip(connections, requests, strict=True)
        ]
        ends = [pool.requests.delete_session(each) for each in identifiers]
        runner.run(_send_all(connections, ends))


@contextmanager
def _no_op_calls(runner: asyncio.Runner, count: int) -> Generator[Sequence[Call]]:
    """Yield calls to a server that does nothing, each over a connection of its own."""
    with Child("no_op") as server:
        requests = no_op_requests(cast("int", server.read()))
        request = requests.execute("none", ADD.code)
        with _connections(runner, requests.address, count) as connections:
            yield [lambda each=each: each.send(request) for each in connections]


@contextmanager
def _connections(
    runner: asyncio.Runner, address: tuple[str, int], count: int
) -> Generator[Sequence[AsyncConnection]]:
    async def connect() -> list[AsyncConnection]:
        return [await AsyncConnection.connect(address) for _ in range(count)]

    connections = runner.run(connect())
    yield connections
    for connection in connections:
        connection.close()


def _rates(calls: Sequence[Call], runner: asyncio.Runner, seconds: float) -> Measure:
    """Measure how many calls a second are answered, each kind one after the other."""

    async def repeat(call: Call, ends_at: float) -> int:
        done = 0
        while time.perf_counter() < ends_at:
            await call()
            done += 1
        return done

    async def once() -> float:
        begun = time.perf_counter()
        done = await asyncio.gather(*(repeat(call, begun + seconds) for call in calls))
        return sum(done) / (time.perf_counter() - begun)

    return lambda times: [runner.run(once()) for _ in range(times)]


async def _send_all(
    connections: Sequence[AsyncConnection], requests: Sequence[bytes], part: bytes = b""
) -> None:
    await asyncio.gather(
        *(
            connection.send(request, part=part)
            for connection, request in zip(connections, requests, strict=True)
        )
    )
