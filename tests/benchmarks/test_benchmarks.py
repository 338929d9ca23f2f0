"""The benchmarks run and print all of their rows; how fast anything was is not asserted."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PICTURE = re.compile(r"!\[.*?\]\((.*?)\)")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

POOL_AND_KERNELS = {"pool", "JupyterCodeExecutor", "ipykernel by jupyter_client"}
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
STARTS = {
    "LocalCommandLineCodeExecutor",
    "fork and wait, the same libraries loaded",
    "posix_spawn of /bin/true and wait",
}
NO_OP = "uvicorn, a route that does nothing"
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
        NO_OP,
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
    "executions per second, sessions at a time: 1": {"pool", "JupyterCodeExecutor", NO_OP},
    "executions per second, sessions at a time: 10": {"pool", NO_OP},
    "executions per second, sessions at a time: 50": {"pool", NO_OP},
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
TRANSFERS = {"AsyncSessionPool and pool", "httpx and a bare Starlette route"}
ROWS.update(
    {
        f"files {direction}, {label}": TRANSFERS
        for direction in ("up", "down")
        for label in ("3 of 1 KiB", "2 of 1,024 KiB", "1 of 4,096 KiB")
    }
)
ROWS["memory for a file, 1 of 4,096 KiB"] = {
    f"{way}, {direction}, {who}"
    for way in TRANSFERS
    for direction in ("up", "down")
    for who in ("client", "server")
}
GROWTH = {
    ("1 sessions", "10 sessions"): {
        "execution, by sessions that are alive",
        "new identifier to first result, by sessions that are alive",
        "memory of pool and sessions, by sessions that are alive",
    },
    ("0 functions", "1 functions", "10 functions"): {
        "module made of texts, by functions",
        "module made of functions of a file, by functions",
        "first result in a new session, by functions",
        "further execution, by functions",
    },
    ("1 KiB", "8 KiB", "64 KiB", "512 KiB"): {
        "execution that prints, all in the answer",
        "execution that prints, cut at the limit of a million characters",
        "execution that prints, `full_output` beyond that limit",
    },
    ("0 before", "10 before", "20 before"): {
        "execution, by executions before it",
        "execution, by executions before it, all of them kept by the client",
        "memory of pool and session, by executions before",
    },
}
ROWS.update({title: set(names) for names, titles in GROWTH.items() for title in titles})
TARGETS = 25 + sum(map(len, GROWTH.values()))


@pytest.fixture(scope="module")
def quick_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """What all cases print and write."""
    file = tmp_path_factory.mktemp("quick") / "figures.json"
    return run("--quick", "--json", file), json.loads(file.read_text())


def test_a_quick_run_prints_and_writes_every_row(quick_run: tuple[str, dict[str, Any]]) -> None:
    printed, report = quick_run
    assert rows(report) == ROWS
    assert sum(len(section["targets"]) for section in report["sections"]) == TARGETS
    for section in report["sections"]:
        assert section["title"] in printed
        for figure in section["rows"]:
            assert figure["name"] in printed
            assert figure["n"] >= 1
    assert all(name in report["about"] for name in ("machine", "kernel", "python", "packages"))


def test_a_page_can_be_drawn_of_any_run(
    quick_run: tuple[str, dict[str, Any]], tmp_path: Path
) -> None:
    _, report = quick_run
    file = tmp_path / "figures.json"
    file.write_text(json.dumps(report))
    run("--page", file, "--docs", tmp_path)
    page = (tmp_path / "benchmarks.md").read_text()
    for section in report["sections"]:
        assert f"### {section['title'][0].upper()}{section['title'][1:]}\n" in page
    assert set(PICTURE.findall(page)) == pictures(tmp_path)


def test_the_page_is_what_the_script_writes_of_the_figures_that_are_kept(tmp_path: Path) -> None:
    run("--page", *sorted((ROOT / "benchmarks/measured").glob("*.json")), "--docs", tmp_path)
    page = (tmp_path / "benchmarks.md").read_text()
    assert page == (ROOT / "docs/benchmarks.md").read_text()
    assert set(PICTURE.findall(page)) == pictures(tmp_path) == pictures(ROOT / "docs")


def test_of_a_case_in_several_files_the_newest_is_on_the_page(tmp_path: Path) -> None:
    new, old = tmp_path / "a-new.json", tmp_path / "b-old.json"
    kept(new, measured="2026-01-02", median=2.5)
    kept(old, measured="2026-01-01", median=1.5)
    run("--page", new, old, "--docs", tmp_path)
    page = (tmp_path / "benchmarks.md").read_text()
    assert "2.50 ms" in page
    assert "1.50 ms" not in page


def test_from_afar_connections_and_requests_are_counted(
    quick_run: tuple[str, dict[str, Any]],
) -> None:
    _, report = quick_run
    figures = {
        (section["title"], figure["name"]): figure
        for section in report["sections"]
        for figure in section["rows"]
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


def kept(file: Path, *, measured: str, median: float) -> None:
    figure = {
        "name": "pool",
        "kind": "ours",
        "at": None,
        "median": median,
        "p95": median,
        "n": 1,
        "times_worse_than_ours": 1.0,
        "note": "",
    }
    section = {
        "case": "plot",
        "title": "a plot",
        "unit": "ms",
        "axis": "",
        "rows": [figure],
        "targets": [],
    }
    file.write_text(json.dumps({"about": {"measured": measured}, "sections": [section]}))


def pictures(docs: Path) -> set[str]:
    return {each.relative_to(docs).as_posix() for each in docs.glob("images/benchmarks/*")}


def rows(report: dict[str, Any]) -> dict[str, set[str]]:
    return {
        section["title"]: {figure["name"] for figure in section["rows"]}
        for section in report["sections"]
    }
