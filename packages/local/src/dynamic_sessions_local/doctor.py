"""What this machine has for sandboxed sessions, mechanism by mechanism, each found out by trying it."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from dynamic_sessions_local.errors import InterpreterError, SandboxUnavailableError
from dynamic_sessions_local.launchers import Attempt, Launcher, select_launcher
from dynamic_sessions_local.launchers.cures import FASTER, cure_for
from dynamic_sessions_local.limits import MIB, Limits
from dynamic_sessions_local.sandbox.interpreter import USUAL, inspect_interpreter
from dynamic_sessions_local.sandbox.profile import find_bubblewrap
from dynamic_sessions_local.settings import LauncherName

NAMESPACES = ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup")
LAUNCHERS: tuple[LauncherName, ...] = ("fork", "spawn")
INSPECTION = f"""
import json, os, resource, shutil
status = dict(
    line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line
)
json.dumps({{
    "namespaces": {{name: os.readlink(f"/proc/self/ns/{{name}}") for name in {NAMESPACES}}},
    "capabilities": [status[f"Cap{{kind}}"] for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")],
    "no_new_privs": status.get("NoNewPrivs"),
    "seccomp": status.get("Seccomp"),
    "limits": {{
        name: resource.getrlimit(getattr(resource, f"RLIMIT_{{name}}"))[1]
        for name in ("AS", "NPROC", "NOFILE", "FSIZE", "CORE")
    }},
    "data_bytes": shutil.disk_usage("/mnt/data").total,
}})
"""
INSPECTION_SECONDS = 60.0
NO_CAPABILITY = "0" * 16
FILTERING = "2"

Verdict = Literal["works", "weaker", "missing"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was found out about one mechanism.

    Attributes:
        mechanism: Its name.
        verdict: "weaker" is for what has a substitute, or only costs speed.
        detail: What was seen, or how it failed.
        cure: What to do about it; "" where it works.
    """

    mechanism: str
    verdict: Verdict
    detail: str
    cure: str = ""


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """All findings, and whether a pool can start.

    Attributes:
        machine: A line about the machine.
        findings: In the order in which they depend on each other.
        launcher: What a pool would use; None where it cannot start.
    """

    machine: str
    findings: tuple[Finding, ...]
    launcher: str | None

    @property
    def fit(self) -> bool:
        """Whether a pool can start."""
        return self.launcher is not None

    @property
    def conclusion(self) -> str:
        """The same as a sentence."""
        if self.launcher is None:
            return "A session pool cannot start here."
        return f"A session pool starts here, with the launcher {self.launcher}."


async def diagnose(python: str | None = None) -> Diagnosis:
    """Try everything that a pool needs.

    Args:
        python: The interpreter for the sessions; the running one by default.
    """
    findings = [await _interpreter(python), *_programs()]
    chosen: str | None = None
    for name in LAUNCHERS if findings[0].verdict != "missing" else ():
        attempts: list[Attempt] = []
        try:
            launcher = await select_launcher(
                isolation="sandbox",
                launcher=name,
                python=python,
                limits=Limits(),
                preload=(),
                attempts=attempts,
            )
        except SandboxUnavailableError as error:
            failures = "; ".join(attempt.failure or "" for attempt in attempts) or error.cause
            findings.append(_failed(name, failures, error.cure))
            continue
        try:
            findings.append(_works(launcher))
            if chosen is None:
                chosen = name
                findings += await _inspect(launcher)
        finally:
            await launcher.close()
    return Diagnosis(machine=_machine(), findings=tuple(findings), launcher=chosen)


def _machine() -> str:
    user = "root" if os.geteuid() == 0 else f"user {os.geteuid()}"
    return (
        f"{platform.system()} {platform.release()} on {platform.machine()},"
        f" {os.cpu_count()} processors, as {user}"
    )


async def _interpreter(python: str | None) -> Finding:
    try:
        found = await inspect_interpreter(python)
    except InterpreterError as error:
        return Finding(
            mechanism="interpreter",
            verdict="missing",
            detail=str(error),
            cure="Name another one by --python.",
        )
    version = ".".join(map(str, found.version))
    absent = [name for name in USUAL if name not in found.usual]
    if absent:
        return Finding(
            mechanism="interpreter",
            verdict="weaker",
            detail=f"{found.executable} ({version}) has no {', '.join(absent)}",
            cure="Install dynamic-sessions-local[data] there, if sessions are to analyse data.",
        )
    return Finding(
        mechanism="interpreter",
        verdict="works",
        detail=f"{found.executable} ({version}), which preloads {', '.join(found.usual)}",
    )


def _programs() -> Iterator[Finding]:
    programs = find_bubblewrap() if sys.platform == "linux" else ()
    for program in programs:
        said = subprocess.run(  # noqa: S603 - the path is one that was found
            [program, "--version"], capture_output=True, text=True, check=False
        )
        yield Finding(
            mechanism="bubblewrap",
            verdict="works" if said.returncode == 0 else "missing",
            detail=f"{program}: {(said.stdout or said.stderr).strip()}",
            cure="" if said.returncode == 0 else cure_for(["bwrap: Unknown option"]),
        )
    if not programs:
        yield Finding(
            mechanism="bubblewrap",
            verdict="missing",
            detail="there is no bwrap on PATH",
            cure=cure_for(["bwrap: Unknown option"]),
        )
    if os.geteuid() == 0:
        setpriv = shutil.which("setpriv")
        yield Finding(
            mechanism="setpriv",
            verdict="works" if setpriv else "missing",
            detail=setpriv or "there is none on PATH, to drop root's rights with",
            cure="" if setpriv else "Run the pool as an ordinary user, or install util-linux.",
        )


def _works(launcher: Launcher) -> Finding:
    return Finding(
        mechanism=f"launcher {launcher.name}",
        verdict="weaker" if launcher.isolation == "bubblewrap-reduced" else "works",
        detail=f"{launcher.isolation}; a session could not break out",
        cure="Sessions see the host's list of processes. Let the container mount a /proc of its own."
        if launcher.isolation == "bubblewrap-reduced"
        else "",
    )


def _failed(name: LauncherName, failures: str, cure: str) -> Finding:
    if name == "fork":
        return Finding(
            mechanism="launcher fork", verdict="weaker", detail=failures, cure=f"{FASTER} {cure}"
        )
    return Finding(mechanism="launcher spawn", verdict="missing", detail=failures, cure=cure)


async def _inspect(launcher: Launcher) -> list[Finding]:
    """Return what a session sees of the mechanisms around it."""
    kernel = await launcher.launch()
    try:
        reply = await kernel.execute(INSPECTION, timeout=INSPECTION_SECONDS, output_limit=1 << 16)
        seen: dict[str, Any] = json.loads(str(reply.value.data))
        memory = kernel.memory()
    finally:
        await kernel.close()
    return [
        _namespaces(seen["namespaces"]),
        _privileges(seen["capabilities"], seen["no_new_privs"]),
        _verdict("system call filter", works=seen["seccomp"] == FILTERING, detail="seccomp, a deny list"),
        _limits(seen["limits"]),
        _verdict(
            "file quota", works=0 < seen["data_bytes"] <= Limits().data_bytes,
            detail=f"/mnt/data holds {seen['data_bytes'] // MIB} MiB",
        ),
        _verdict(
            "memory watch",
            works=memory > 0,
            detail=f"all processes of a session together hold {memory / MIB:.1f} MiB",
            cure="Without it only single processes are limited. The kernel needs CONFIG_PROC_CHILDREN"
            " and CONFIG_PROC_PAGE_MONITOR.",
        ),
        _group_interrupts(),
    ]  # fmt: skip


def _namespaces(inside: Mapping[str, str]) -> Finding:
    shared = [
        name
        for name in NAMESPACES
        if inside[name] == os.readlink(f"/proc/self/ns/{name}")  # noqa: PTH115 - it leads nowhere
    ]
    # Root's sessions that are not forked have no user namespace: they run as a user of their own.
    expected = {"user"} if os.geteuid() == 0 else set[str]()
    return _verdict(
        "namespaces",
        works=set(shared) <= expected,
        detail=f"shared with this machine: {', '.join(shared)}" if shared else "all of its own",
    )


def _privileges(capabilities: list[str], no_new_privs: str | None) -> Finding:
    return _verdict(
        "privileges",
        works=set(capabilities) == {NO_CAPABILITY} and no_new_privs == "1",
        detail="no capability, and no program that gives one",
    )


def _limits(inside: Mapping[str, int]) -> Finding:
    limits = Limits()
    wanted = {
        "AS": limits.memory_bytes,
        "NPROC": limits.processes,
        "NOFILE": limits.open_files,
        "FSIZE": limits.file_bytes,
        "CORE": 1,
    }
    missing = [name for name, most in wanted.items() if not 0 <= inside[name] <= most]
    detail = f"not in force: {', '.join(missing)}" if missing else ", ".join(sorted(wanted))
    return _verdict("resource limits", works=not missing, detail=detail)


def _group_interrupts() -> Finding:
    numbers = re.match(r"(\d+)\.(\d+)", platform.release())
    works = numbers is not None and tuple(map(int, numbers.groups())) >= (6, 9)
    return Finding(
        mechanism="interrupts",
        verdict="works" if works else "weaker",
        detail="reach a cell and the programs that it started"
        if works
        else "reach the cell alone: programs that it started end with the session",
        cure="" if works else "Linux 6.9 or newer.",
    )


def _verdict(mechanism: str, *, works: bool, detail: str, cure: str = "") -> Finding:
    return Finding(
        mechanism=mechanism,
        verdict="works" if works else "missing",
        detail=detail,
        cure="" if works else cure or cure_for(["breach of isolation"]),
    )
