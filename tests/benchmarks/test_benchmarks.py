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
TARGETS = 7


def test_a_quick_run_prints_and_writes_every_row(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    printed = run("--quick", "--json", file)
    report = json.loads(file.read_text())
    assert rows(report) == ROWS
    assert len(report["targets"]) == TARGETS
    for section in report["sections"]:
        assert section["title"] in printed
        for figure in section["figures"]:
            assert figure["name"] in printed
            assert figure["n"] >= 1
    assert all(name in report["about"] for name in ("machine", "kernel", "python", "packages"))


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
