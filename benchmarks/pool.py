"""The local pool as the benchmarks use it: in a process of its own, reached over HTTP."""

import itertools
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, cast

import httpx

from benchmarks import processes
from benchmarks.child import Child
from benchmarks.clock import Measure, repeated, timed
from benchmarks.programs import ADD, Program
from benchmarks.raw_http import API_VERSION, Connection, Requests
from dynamic_sessions_local import LocalSessionPool

LauncherName = Literal["fork", "spawn"]

_numbers = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class PoolUnderTest:
    """A running pool.

    Attributes:
        endpoint: Of the pool.
        token: Its bearer token.
        isolation: What keeps its sessions in.
        launcher: What starts them.
        certificate: A file with what its clients must trust; None where it does without TLS.
        process: The number of the process that it is in.
        requests: Makes requests to it.
    """

    endpoint: str
    token: str
    isolation: str
    launcher: str
    certificate: str | None
    process: int
    requests: Requests

    def connect(self) -> Connection:
        """A connection to it."""
        return Connection(self.requests.address, certificate=self.certificate)

    def httpx_client(self) -> httpx.Client:
        """A client of the usual kind."""
        return httpx.Client(
            base_url=self.endpoint,
            headers={"authorization": f"Bearer {self.token}"},
            params={"api-version": API_VERSION},
            timeout=60,
        )

    def wait_until_idle(self) -> None:
        """Return once it has done what it does behind a caller's back, such as refilling."""
        processes.wait_until_idle(self.process)


@contextmanager
def running_pool(**arguments: object) -> Generator[PoolUnderTest]:
    """Run a pool with these arguments of LocalSessionPool for the length of a with-block.

    A session was had of it and ended: the first one waits for what the pool does once.
    """
    with Child("pool", {"max_sessions": 1000, "cooldown": 3600} | arguments) as child:
        about = cast("dict[str, Any]", child.read())
        pool = PoolUnderTest(
            **about,
            process=child.process,
            requests=Requests(about["endpoint"], about["token"]),
        )
        with executions(pool):
            pass
        pool.wait_until_idle()
        yield pool


def new_identifier() -> str:
    """One that was never used."""
    return f"benchmark-{next(_numbers):06}"


def first_results(pool: PoolUnderTest, program: Program = ADD) -> Measure:
    """Measure from an identifier that was never used to its program's result."""

    def once(connection: Connection) -> float:
        identifier = new_identifier()
        request = pool.requests.execute(identifier, program.code)
        pool.wait_until_idle()
        seconds = timed(lambda: connection.send(request, part=program.ours))
        connection.send(pool.requests.delete_session(identifier))
        return seconds

    def measure(count: int) -> list[float]:
        with pool.connect() as connection:
            return [once(connection) for _ in range(count)]

    return measure


def first_results_of_new_pools(launcher: LauncherName | None, program: Program = ADD) -> Measure:
    """Measure from nothing to a program's result, of a pool in this process as a library has it."""

    def once() -> float:
        begun = time.perf_counter()
        with LocalSessionPool(launcher=launcher) as pool:
            requests = Requests(pool.endpoint, pool.credential.get_token().token)
            with Connection(requests.address) as connection:
                connection.send(requests.execute(new_identifier(), program.code), part=program.ours)
            return time.perf_counter() - begun

    return lambda count: [once() for _ in range(count)]


@contextmanager
def executions(pool: PoolUnderTest, program: Program = ADD) -> Generator[Measure]:
    """Yield what measures a program in a session that has run it before."""
    identifier = new_identifier()
    request = pool.requests.execute(identifier, program.code)

    def measure(count: int) -> list[float]:
        return [timed(lambda: connection.send(request, part=program.ours)) for _ in range(count)]

    with pool.connect() as connection:
        connection.send(request, part=program.ours)
        yield measure
        connection.send(pool.requests.delete_session(identifier))


@contextmanager
def session_calls(pool: PoolUnderTest) -> Generator[Measure]:
    """Yield what measures a call that runs nothing: HTTP's share in the cost of one that does."""
    identifier = new_identifier()
    with pool.connect() as connection:
        connection.send(pool.requests.execute(identifier, ADD.code))
        request = pool.requests.get_session(identifier)
        yield repeated(lambda: connection.send(request))
        connection.send(pool.requests.delete_session(identifier))
