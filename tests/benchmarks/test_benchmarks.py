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
TARGETS = 14


def test_a_quick_run_prints_and_writes_every_row(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    printed = run("--quick", "--json", file)
    report = json.loads(file.read_text())
    assert rows(report) == ROWS
    assert sum(len(section["targets"]) for section in report["sections"]) == TARGETS
    for section in report["sections"]:
        assert section["title"] in printed
        for figure in section["rows"]:
            assert figure["name"] in printed
            assert figure["n"] >= 1
    assert all(name in report["about"] for name in ("machine", "kernel", "python", "packages"))
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
