"""What a session pool's distance costs those who use it, by our adapters and by other packages.

`FarServer` stands between the clients and a local pool and adds round trips of 0, 20, 50 and 100 ms
to what the pool itself takes, once without and once with TLS, which the pool serves and `FarServer`
passes through. Clients are in a process of their own that trusts the pool's certificate by
SSL_CERT_FILE, which httpx, aiohttp and our clients read, and REQUESTS_CA_BUNDLE, which requests
reads. They take turns, in new sessions each time, when the pool is at rest.

* A first result is timed from the making of an executor or a tool, and after `start()` from the
  call that runs code. AutoGen's executors are given a function, which the code calls; the packages
  for the other frameworks take none, so that both sides run plain code there.
* Further executions are in a session that has had its first one, over the connections that a
  client keeps, if it does. They are held against a message of a few bytes that is sent to an equally
  distant server and back on an open connection; a request made by hand shows what of the difference
  is the pool's.
* What a figure took in connections and requests is beside it: for each result, `start()` included.
  Requests in TLS are not seen.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import cast

from benchmarks.child import Child
from benchmarks.clock import Contender, Measure, interleave, repeated
from benchmarks.pool import PoolUnderTest, new_identifier
from benchmarks.programs import ADD
from benchmarks.raw_http import Connection, Requests
from benchmarks.report import (
    CONNECTIONS,
    MILLISECONDS,
    AtMost,
    AtMostTimes,
    Better,
    Figure,
    Kind,
    Section,
    Target,
)
from benchmarks.setting import Setting

ROUND_TRIPS = (0.0, 0.02, 0.05, 0.1)
QUICK_ROUND_TRIP = 0.02
# At a distance where the pool's own time is a smaller part.
SHORTEST_WITH_TARGET = 0.02
STARTED_TARGET = 3
UNSTARTED_TARGET = 2
TIMES_TARGET = 1.1

PARALLEL = 50
PARALLEL_ROUND_TRIP = 0.05

THEIRS = "autogen-ext"
EXECUTORS: Mapping[str, Kind] = {"AutoGen adapter": "ours", THEIRS: "peer"}
TOOLS: Mapping[str, Kind] = {
    "LangChain adapter": "ours",
    "LlamaIndex adapter": "ours",
    "langchain-azure-dynamic-sessions": "peer",
    "llama-index-tools-azure-code-interpreter": "peer",
}
CLIENTS: Mapping[str, Kind] = {**EXECUTORS, **TOOLS}
BY_HAND = "the same, by hand"
MESSAGE = "a message there and back"


def distance(setting: Setting) -> list[Section]:
    """First results and further executions from several distances, and many at once from one."""
    round_trips = (QUICK_ROUND_TRIP,) if setting.quick else ROUND_TRIPS
    sections: list[Section] = []
    with _clients(setting) as clients:
        for tls in (False, True):
            for seconds in round_trips:
                with clients.from_afar(seconds, tls=tls) as far:
                    sections += _first_results(setting, far)
                    sections += _executions(setting, far)
        with clients.from_afar(PARALLEL_ROUND_TRIP, tls=False) as far:
            sections += _in_parallel(setting, far)
    return sections


@dataclass(frozen=True, kw_only=True)
class _Far:
    """A pool from afar, and the process of its clients."""

    title: str
    round_trip: float
    endpoint: str
    message_port: int
    pool: PoolUnderTest
    server: Child
    clients: Child

    def take_counts(self) -> tuple[int, int]:
        """Connections and requests since the last call."""
        connections, requests = cast("list[int]", self.server.ask("counts"))
        return connections, requests

    def first_results(self, client: str, *, sessions: int = 1) -> Measure:
        """Measure from the making of clients to the first result of each, in new sessions."""

        def once() -> float:
            with self._new_sessions(sessions) as place:
                seconds = cast("float", self.clients.ask(["first", client, *place]))
                self.clients.ask(["close", client])
            return seconds

        return lambda count: [once() for _ in range(count)]

    def first_results_after_start(self, client: str) -> Measure:
        """Measure the first result in a new session of a client that has started."""

        def once() -> float:
            with self._new_sessions(1) as place:
                self.clients.ask(["start", client, *place])
                (seconds,) = cast("list[float]", self.clients.ask(["execute", client, 1]))
                self.clients.ask(["close", client])
            return seconds

        return lambda count: [once() for _ in range(count)]

    @contextmanager
    def executions(self, client: str, *, sessions: int = 1) -> Generator[Measure]:
        """Yield what measures an execution in sessions that have had their first one."""
        with self._new_sessions(sessions) as place:
            self.clients.ask(["first", client, *place])
            yield lambda count: cast("list[float]", self.clients.ask(["execute", client, count]))
            self.clients.ask(["close", client])

    @contextmanager
    def executions_by_hand(self) -> Generator[Measure]:
        """Yield what measures the same by a client that costs next to nothing."""
        requests = Requests(self.endpoint, self.pool.token)
        with (
            self._new_sessions(1) as (_, _, (identifier,)),
            Connection(requests.address, certificate=self.pool.certificate) as connection,
        ):
            request = requests.execute(identifier, ADD.code)
            connection.send(request, part=ADD.ours)
            yield repeated(lambda: connection.send(request, part=ADD.ours))

    @contextmanager
    def messages(self) -> Generator[Measure]:
        """Yield what measures a message there and back."""
        with Connection(("127.0.0.1", self.message_port)) as connection:
            # The first one waits for the connection to be set up.
            connection.send(_MESSAGE)
            yield repeated(lambda: connection.send(_MESSAGE))

    @contextmanager
    def _new_sessions(self, count: int) -> Generator[tuple[str, str, list[str]]]:
        identifiers = [new_identifier() for _ in range(count)]
        self.pool.wait_until_idle()
        yield self.endpoint, self.pool.token, identifiers
        with self.pool.connect() as connection:
            for identifier in identifiers:
                connection.send(self.pool.requests.delete_session(identifier))


# What is sent back counts as an answer.
_MESSAGE = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


class _Counted:
    """A client whose connections and requests are counted while it is measured."""

    def __init__(self, name: str, kind: Kind, measure: Measure, far: _Far) -> None:
        self.name = name
        self.kind: Kind = kind
        self.connections = 0
        self._requests = 0
        self._results = 0
        self._measure = measure
        self._far = far

    def measure(self, count: int) -> Sequence[float]:
        self._far.take_counts()
        values = self._measure(count)
        connections, requests = self._far.take_counts()
        self.connections += connections
        self._requests += requests
        self._results += count
        return values

    def note(self) -> str:
        """What each result took."""
        requests = _number(self._requests / self._results, "request")
        connections = _number(self.connections / self._results, "new connection")
        return f"{requests}, {connections}" if self._requests else connections


@dataclass(frozen=True)
class _Clients:
    """The process of the clients, and the pools that it may use: without TLS, and with it."""

    process: Child
    pools: tuple[PoolUnderTest, PoolUnderTest]

    @contextmanager
    def from_afar(self, round_trip: float, *, tls: bool) -> Generator[_Far]:
        """Have a pool at a distance for the length of a with-block."""
        pool = self.pools[tls]
        _, port = pool.requests.address
        with Child("far", [port, round_trip]) as server:
            far_port, message_port = cast("list[int]", server.read())
            yield _Far(
                title=f"{round_trip * 1000:.0f} ms away{', TLS' if tls else ''}",
                round_trip=round_trip,
                endpoint=pool.endpoint.replace(f":{port}", f":{far_port}"),
                message_port=message_port,
                pool=pool,
                server=server,
                clients=self.process,
            )


@contextmanager
def _clients(setting: Setting) -> Generator[_Clients]:
    with setting.pool() as plain, setting.pool(tls=True) as secure:
        trusted = cast("str", secure.certificate)
        variables = {"SSL_CERT_FILE": trusted, "REQUESTS_CA_BUNDLE": trusted}
        with Child("callers", variables=variables) as process:
            yield _Clients(process, (plain, secure))


def _first_results(setting: Setting, far: _Far) -> list[Section]:
    rounds = setting.many(5, 1)

    def section(
        what: str, clients: Mapping[str, Kind], measure: Callable[[str], Measure], *targets: Target
    ) -> Section:
        counted = [_Counted(name, kind, measure(name), far) for name, kind in clients.items()]
        return Section(
            title=f"{far.title}: {what}",
            unit=MILLISECONDS,
            figures=_interleave(counted, rounds=rounds),
            targets=targets,
        )

    return [
        section(
            "first result with a function",
            EXECUTORS,
            far.first_results,
            Better(THEIRS, UNSTARTED_TARGET),
        ),
        section(
            "first result with a function, after start()",
            EXECUTORS,
            far.first_results_after_start,
            Better(THEIRS, STARTED_TARGET),
        ),
        section("first result of plain code", TOOLS, far.first_results),
    ]


def _executions(setting: Setting, far: _Far) -> list[Section]:
    """Further executions, and the connections that these and the first ones took together."""
    rounds, batch = setting.many(5, 1), setting.many(4, 1)
    counted: list[_Counted] = []
    opened: list[int] = []
    with ExitStack() as stack:
        for name, kind in CLIENTS.items():
            far.take_counts()
            measure = stack.enter_context(far.executions(name))
            opened.append(far.take_counts()[0])
            counted.append(_Counted(name, kind, measure, far))
        limits = {
            BY_HAND: stack.enter_context(far.executions_by_hand()),
            MESSAGE: stack.enter_context(far.messages()),
        }
        figures = _interleave(counted, rounds=rounds, batch=batch, limits=limits)
    connections = [
        Figure(name=each.name, kind=each.kind, values=(at_first + each.connections,))
        for each, at_first in zip(counted, opened, strict=True)
    ]
    is_far = far.round_trip >= SHORTEST_WITH_TARGET
    return [
        Section(
            title=f"{far.title}: execution in a session that exists",
            unit=MILLISECONDS,
            figures=figures,
            targets=[AtMostTimes(MESSAGE, TIMES_TARGET)] if is_far else [],
        ),
        Section(
            title=f"{far.title}: a first result and {rounds * batch + 1} further executions",
            unit=CONNECTIONS,
            figures=connections,
            targets=[AtMost(1)],
        ),
    ]


def _in_parallel(setting: Setting, far: _Far) -> list[Section]:
    """Many sessions at once: ours on one session pool."""
    count, rounds = setting.many(PARALLEL, 3), setting.many(5, 1)
    first = _interleave(
        [
            _Counted(name, kind, far.first_results(name, sessions=count), far)
            for name, kind in EXECUTORS.items()
        ],
        rounds=rounds,
    )
    with ExitStack() as stack:
        further = _interleave(
            [
                _Counted(name, kind, stack.enter_context(far.executions(name, sessions=count)), far)
                for name, kind in EXECUTORS.items()
            ],
            rounds=rounds,
        )
    return [
        Section(
            title=f"{far.title}: {count} new sessions at once, first results with a function",
            unit=MILLISECONDS,
            figures=first,
        ),
        Section(
            title=f"{far.title}: {count} executions at once, in sessions that exist",
            unit=MILLISECONDS,
            figures=further,
        ),
    ]


def _interleave(
    clients: Sequence[_Counted],
    *,
    rounds: int,
    batch: int = 1,
    limits: Mapping[str, Measure] | None = None,
) -> list[Figure]:
    contenders = [
        Contender(name=each.name, kind=each.kind, measure=each.measure, batch=batch)
        for each in clients
    ]
    contenders += [
        Contender(name=name, kind="limit", measure=measure, batch=batch)
        for name, measure in (limits or {}).items()
    ]
    figures = interleave(contenders, rounds=rounds)
    counted = [
        replace(figure, note=each.note()) for figure, each in zip(figures, clients, strict=False)
    ]
    return [*counted, *figures[len(clients) :]]


def _number(count: float, what: str) -> str:
    return f"{count:g} {what}{'' if count == 1 else 's'}"
