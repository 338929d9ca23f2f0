"""What processor time an execution takes its client, whatever it takes the service."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import cast

from benchmarks.child import Child
from benchmarks.clock import Contender, Measure, interleave
from benchmarks.pool import new_identifier
from benchmarks.programs import ADD
from benchmarks.report import MICROSECONDS, AtMostTimes, Kind, Section, Target
from benchmarks.setting import Setting

BARE = "httpx.AsyncClient"
BARE_TARGET = 1.5

_CONNECTS = "connects anew each time"


@dataclass(frozen=True)
class _Client:
    name: str
    kind: Kind
    path: str
    """In `benchmarks.executing`."""
    note: str = ""


_BARE = _Client(BARE, "limit", "bare.asynchronous", "the same request")
_BARE_SYNCHRONOUS = _Client("httpx.Client", "limit", "bare.synchronous", "the same request")
_CORE = _Client("AsyncSession", "ours", "core.asynchronous")
_LANGCHAIN = "langchain-azure-dynamic-sessions"
_LLAMAINDEX = "llama-index-tools-azure-code-interpreter"

# Ours comes first in each.
_GROUPS: dict[str, tuple[_Client, ...]] = {
    "no framework": (_CORE, _BARE),
    "no framework, no await": (
        _Client("Session", "ours", "core.synchronous"),
        _BARE,
        _BARE_SYNCHRONOUS,
    ),
    "AutoGen": (
        _Client("executor", "ours", "autogen.ours"),
        _CORE,
        _Client("autogen-ext", "peer", "autogen.theirs", "aiohttp; " + _CONNECTS),
    ),
    "LangChain": (
        _Client("tool", "ours", "langchain.ours"),
        _CORE,
        _Client(_LANGCHAIN, "peer", "langchain.theirs", _CONNECTS),
    ),
    "LangChain, no await": (
        _Client("tool", "ours", "langchain.ours_synchronous"),
        _CORE,
        _Client(_LANGCHAIN, "peer", "langchain.theirs_synchronous", _CONNECTS),
    ),
    "LlamaIndex": (
        _Client("tool", "ours", "llamaindex.ours"),
        _CORE,
        _Client(_LLAMAINDEX, "peer", "llamaindex.theirs", _CONNECTS),
    ),
    "LlamaIndex, no await": (
        _Client("tool", "ours", "llamaindex.ours_synchronous"),
        _CORE,
        _Client(_LLAMAINDEX, "peer", "llamaindex.theirs_synchronous", _CONNECTS),
    ),
    "Agent Framework": (_Client("tool", "ours", "agent_framework.ours"), _CORE),
}


def client_cost(setting: Setting) -> list[Section]:
    """Of executions that a service in another process answers at once."""
    clients = tuple(dict.fromkeys(each for group in _GROUPS.values() for each in group))
    with ExitStack() as stack:
        endpoint = stack.enter_context(_recorded_service(setting))
        measured = interleave(
            [
                Contender(
                    name=each.name,
                    kind=each.kind,
                    measure=stack.enter_context(_processor_times(each.path, endpoint)),
                    batch=setting.many(5, 1),
                    note=each.note,
                )
                for each in clients
            ],
            rounds=setting.many(20, 1),
        )
    figures = dict(zip(clients, measured, strict=True))
    return [
        Section(
            title=f"processor time of an execution in the client: {title}",
            unit=MICROSECONDS,
            figures=[figures[each] for each in group],
            targets=_targets(group),
        )
        for title, group in _GROUPS.items()
    ]


def _targets(group: tuple[_Client, ...]) -> list[Target]:
    return [AtMostTimes(BARE, BARE_TARGET)] if _BARE in group else []


@contextmanager
def _recorded_service(setting: Setting) -> Generator[str]:
    """Yield the endpoint of a service that gives a pool's answers without running anything."""
    with setting.pool() as pool, pool.connect() as connection:
        identifier = new_identifier()
        replies = {
            "/executions": connection.send(pool.requests.execute(identifier, ADD.code)),
            "/code/execute": connection.send(pool.requests.execute_legacy(identifier, ADD.code)),
        }
        connection.send(pool.requests.delete_session(identifier))
    texts = {path: reply.decode("latin-1") for path, reply in replies.items()}
    with Child("recorded", texts) as service:
        yield f"http://127.0.0.1:{service.read()}/"


@contextmanager
def _processor_times(path: str, endpoint: str) -> Generator[Measure]:
    """Yield what measures a client in a process of its own."""
    with Child("client", (path, endpoint)) as client:
        yield lambda count: cast("list[float]", client.ask(count))
