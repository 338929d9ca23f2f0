"""What this machine can do at best: the floors under the pool's figures."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import cast

from benchmarks.child import Child
from benchmarks.clock import Contender, limit, timed
from benchmarks.programs import ADD
from benchmarks.raw_http import Connection, Requests

NO_OP_ROUTE = "uvicorn, a route that does nothing"
LIBRARIES = ("IPython", "matplotlib.pyplot", "numpy", "pandas")


@contextmanager
def process_starts() -> Generator[list[Contender]]:
    """Yield the ways to start a process, as contenders."""
    with Child("primitives", LIBRARIES) as loaded, Child("primitives", ()) as bare:
        yield [
            _primitive(loaded, "fork_and_wait", "fork and wait, the same libraries loaded"),
            _primitive(bare, "spawn_and_wait", "posix_spawn of /bin/true and wait"),
        ]


@contextmanager
def round_trips(*, batch: int) -> Generator[list[Contender]]:
    """Yield the ways to ask another process something, as contenders."""
    with Child("no_op") as server, Child("primitives", ()) as bare:
        port = cast("int", server.read())
        yield [
            no_op_route(port, batch=batch),
            _primitive(bare, "socket_round_trip", "socket pair, there and back", batch=batch),
        ]


def no_op_route(port: int, *, batch: int) -> Contender:
    """A request to a server like the pool's, on this port, that does nothing."""
    request = no_op_requests(port).execute("none", ADD.code)

    def measure(count: int) -> list[float]:
        with Connection(("127.0.0.1", port)) as connection:
            connection.send(request)
            return [timed(lambda: connection.send(request)) for _ in range(count)]

    return limit(NO_OP_ROUTE, measure, batch=batch)


def no_op_requests(port: int) -> Requests:
    """What makes requests to such a server."""
    return Requests(f"http://127.0.0.1:{port}/", "none")


def _primitive(child: Child, function: str, name: str, *, batch: int = 5) -> Contender:
    def measure(count: int) -> Sequence[float]:
        return cast("list[float]", child.ask([function, count]))

    return limit(name, measure, batch=batch)
