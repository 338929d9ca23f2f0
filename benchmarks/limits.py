"""What this machine can do at best: the floors under the pool's figures."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import cast

from benchmarks.child import Child
from benchmarks.clock import Contender, timed
from benchmarks.raw_http import Connection, Requests

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
    request = Requests(f"http://127.0.0.1:{port}/", "none").execute("none", "1+1")

    def measure(count: int) -> list[float]:
        with Connection(("127.0.0.1", port)) as connection:
            connection.send(request)
            return [timed(lambda: connection.send(request)) for _ in range(count)]

    return Contender(
        name="uvicorn, a route that does nothing", kind="limit", measure=measure, batch=batch
    )


def _primitive(child: Child, function: str, name: str, *, batch: int = 5) -> Contender:
    def measure(count: int) -> Sequence[float]:
        return cast("list[float]", child.ask([function, count]))

    return Contender(name=name, kind="limit", measure=measure, batch=batch)
