"""The benchmarks run and print all of their rows; how fast anything was is not asserted."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

POOL_AND_KERNELS = {"pool", "JupyterCodeExecutor", "ipykernel by jupyter_client"}
STARTS = {"fork and wait, the same libraries loaded", "posix_spawn of /bin/true and wait"}
EXECUTORS = {"AutoGen adapter", "autogen-ext"}
TOOLS = {
    "LangChain adapter",
    "LlamaIndex adapter",
    "langchain-azure-dynamic-sessions",
    "llama-index-tools-azure-code-interpreter",
}
FROM_AFAR = {
    f"{place}: {title}": rows
    for place in ("20 ms away", "20 ms away, TLS")
    for title, rows in {
        "first result with a function": EXECUTORS,
        "first result with a function, after start()": EXECUTORS,
        "first result of plain code": TOOLS,
        "execution in a session that exists": {
            *EXECUTORS,
            *TOOLS,
            "the same, by hand",
            "a message there and back",
        },
        "a first result and 2 further executions": EXECUTORS | TOOLS,
    }.items()
}
COST = "processor time of an execution in the client"
LANGCHAIN = "langchain-azure-dynamic-sessions"
LLAMAINDEX = "llama-index-tools-azure-code-interpreter"
IMPORTS = {
    "no framework": {"dynamic_sessions", "httpx"},
    "AutoGen": {"executor", "autogen-ext", "AutoGen alone"},
    "LangChain": {"tools", LANGCHAIN, "LangChain alone"},
    "LlamaIndex": {"tools", LLAMAINDEX, "LlamaIndex alone"},
    "Agent Framework": {"tool", "Agent Framework alone"},
    "MCP": {"server", "MCP's SDK alone"},
}
SCALE = {
    "a load for one pool": {
        "sessions deleted",
        "sessions deleted, max_sessions",
        "sessions left",
        "sessions left, max_sessions",
        "sessions left, AsyncSessionPools of 3",
    },
    "a load for two pools": {
        "AsyncSessionPools of 2",
        "AsyncSessionPools of 2, sessions left",
        "2 pools by turns",
        "1 pool",
        "1 pool, max_sessions",
        "1 pool, 10 retries",
    },
    "one of two pools silent for 5 minutes": {
        "AsyncSessionPools of 2",
        "2 pools by turns",
        "2 pools by identifier",
    },
}
ROWS = {
    "new identifier to first result, a session warm": {
        *POOL_AND_KERNELS,
        *STARTS,
        "pool, AsyncSessionPool",
        "pool, AsyncSessionPool, ten functions",
    },
    "new identifier to first result, none warm": {
        *POOL_AND_KERNELS,
        *STARTS,
        "pool, its own start included",
    },
    "execution in a session that exists, one after the other": {
        "pool, client by hand",
        "pool, httpx",
        "pool, AsyncSessionPool",
        "pool, SessionPool",
        "pool in this process, AsyncSessionPool",
        "pool, GET /session, by hand",
        "JupyterCodeExecutor",
        "ipykernel by jupyter_client",
        "LocalCommandLineCodeExecutor",
        "uvicorn, a route that does nothing",
        "socket pair, there and back",
    },
    "execution in a session that exists, after a pause": {
        "pool, client by hand",
        "pool, AsyncSessionPool",
        "JupyterCodeExecutor",
        "ipykernel by jupyter_client",
    },
    "new identifier to first plot": POOL_AND_KERNELS,
    "plot in a session that has plotted": POOL_AND_KERNELS,
    "memory of an idle session": {
        "pool, 3 sessions, PSS",
        "pool, 3 sessions, fall of MemAvailable",
        "ipykernel, 1 of them, PSS",
        "ipykernel, 1 of them, fall of MemAvailable",
        "ipykernel, 2 of them, PSS",
        "ipykernel, 2 of them, fall of MemAvailable",
    },
    "4 new identifiers at once, all answered": {"pool", "JupyterCodeExecutor"},
    "executions per second, sessions at a time: 1": {"pool", "JupyterCodeExecutor"},
    "executions per second, sessions at a time: 10": {"pool"},
    "executions per second, sessions at a time: 50": {"pool"},
    "end of a session that runs `while True: pass`": {
        "pool, DELETE /session",
        "JupyterCodeExecutor",
        "ipykernel by jupyter_client",
    },
    "10 live sessions: memory of all": {
        "pool and sessions, PSS",
        "pool and sessions, fall of MemAvailable",
    },
    "10 live sessions: memory of one": {
        "pool, 10 sessions, PSS",
        "pool, 10 sessions, fall of MemAvailable",
    },
    "10 live sessions: processor time while all are idle": {"pool and sessions"},
    "10 live sessions: time to open all": {"pool"},
    "10 live sessions: new identifier to first result": {"pool, the last 2", "pool, the first 2"},
    **FROM_AFAR,
    "50 ms away: 3 new sessions at once, first results with a function": EXECUTORS,
    "50 ms away: 3 executions at once, in sessions that exist": EXECUTORS,
    f"{COST}: no framework": {"AsyncSession", "httpx.AsyncClient"},
    f"{COST}: no framework, no await": {"Session", "httpx.AsyncClient", "httpx.Client"},
    f"{COST}: AutoGen": {"executor", "AsyncSession", "autogen-ext"},
    f"{COST}: LangChain": {"tool", "AsyncSession", LANGCHAIN},
    f"{COST}: LangChain, no await": {"tool", "AsyncSession", LANGCHAIN},
    f"{COST}: LlamaIndex": {"tool", "AsyncSession", LLAMAINDEX},
    f"{COST}: LlamaIndex, no await": {"tool", "AsyncSession", LLAMAINDEX},
    f"{COST}: Agent Framework": {"tool", "AsyncSession"},
    **{
        f"{what} to import: {title}": figures
        for what in ("processor time", "memory")
        for title, figures in IMPORTS.items()
    },
    **{
        f"200 conversations, {scenario}: {measure}": names
        for scenario, names in SCALE.items()
        for measure in (
            "time to first result",
            "conversations that failed",
            "session time, to what conversations needed",
        )
    },
}
TARGETS = 18


@pytest.fixture(scope="module")
def quick_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """What all cases print and write."""
    file = tmp_path_factory.mktemp("quick") / "figures.json"
    return run("--quick", "--json", file), json.loads(file.read_text())


def test_a_quick_run_prints_and_writes_every_row(quick_run: tuple[str, dict[str, Any]]) -> None:
    printed, report = quick_run
    assert rows(report) == ROWS
    assert len(report["targets"]) == TARGETS
    for section in report["sections"]:
        assert section["title"] in printed
        for figure in section["figures"]:
            assert figure["name"] in printed
            assert figure["n"] >= 1
    assert all(name in report["about"] for name in ("machine", "kernel", "python", "packages"))


def test_from_afar_connections_and_requests_are_counted(
    quick_run: tuple[str, dict[str, Any]],
) -> None:
    _, report = quick_run
    figures = {
        (section["title"], figure["name"]): figure
        for section in report["sections"]
        for figure in section["figures"]
    }
    first = "20 ms away: first result with a function"
    assert figures[first, "AutoGen adapter"]["note"] == "2 requests, 1 new connection"
    assert figures[first, "autogen-ext"]["note"] == "4 requests, 4 new connections"
    for place in ("20 ms away", "20 ms away, TLS"):
        for name in ("AutoGen adapter", "LangChain adapter", "LlamaIndex adapter"):
            further = figures[f"{place}: execution in a session that exists", name]
            assert further["note"].endswith("0 new connections")
            assert further["median"] >= 20


def test_one_case_can_be_measured_with_the_other_launcher(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    run("--quick", "--only", "ending", "--launcher", "spawn", "--json", file)
    report = json.loads(file.read_text())
    assert "launcher spawn" in report["about"]["pools"]
    title = "end of a session that runs `while True: pass`"
    assert rows(report) == {title: ROWS[title]}


def run(*options: str | Path) -> str:
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "benchmarks", *options],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(report: dict[str, Any]) -> dict[str, set[str]]:
    return {
        section["title"]: {figure["name"] for figure in section["figures"]}
        for section in report["sections"]
    }
