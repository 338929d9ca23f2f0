"""`dynamic-sessions doctor`: what works here, what does not, and what to do about it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points, version
from typing import Annotated, Protocol, cast

import typer
from rich.text import Text

from dynamic_sessions_cli.checks import Finding, Verdict, check_pool
from dynamic_sessions_cli.connections import in_event_loop
from dynamic_sessions_cli.options import EndpointOption, JsonOption, ProfileOption
from dynamic_sessions_cli.profiles import Target, choose_target
from dynamic_sessions_cli.statuses import CommandError, ExitStatus
from dynamic_sessions_cli.terminal import output, shown, write_json

DIAGNOSES = "dynamic_sessions.diagnoses"

_STYLES: dict[Verdict, str] = {"works": "green", "weaker": "yellow", "missing": "bold red"}


class _Finding(Protocol):
    @property
    def mechanism(self) -> str: ...
    @property
    def verdict(self) -> Verdict: ...
    @property
    def detail(self) -> str: ...
    @property
    def cure(self) -> str: ...


class _Diagnosis(Protocol):
    @property
    def machine(self) -> str: ...
    @property
    def findings(self) -> Sequence[_Finding]: ...
    @property
    def fit(self) -> bool: ...
    @property
    def conclusion(self) -> str: ...


_Diagnose = Callable[[str | None], Awaitable[_Diagnosis]]


@dataclass(frozen=True, kw_only=True)
class _Part:
    """Findings that belong together."""

    title: str
    findings: Sequence[_Finding] = field(default_factory=tuple[_Finding, ...])
    fit: bool
    conclusion: str


def doctor(
    python: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Interpreter for the sessions of this machine; by default the one that runs this command.",
        ),
    ] = None,
    as_json: JsonOption = False,
    endpoint: EndpointOption = None,
    profile: ProfileOption = None,
) -> int:
    """Say what works, what does not, and what to do about it.

    Tries what a session pool needs on this machine (interpreter, sandbox, limits), where the local
    pool is installed; and of the session pool that is named whether it answers, gives in to the
    token, and has the usual packages. Exits with 1 where that pool cannot be used or, if none is
    named, none can start here.
    """
    target = _target(endpoint, profile)
    parts = in_event_loop(_examine, target, python)
    if as_json:
        write_json([_as_json(part) for part in parts])
    else:
        _write(parts)
    decisive = parts if target is None or target.is_own_process else parts[-1:]
    return ExitStatus.OK if all(part.fit for part in decisive) else ExitStatus.UNFIT


def _target(endpoint: str | None, profile: str | None) -> Target | None:
    try:
        return choose_target(endpoint, profile)
    except CommandError:
        if endpoint or profile:
            raise
        return None


async def _examine(target: Target | None, python: str | None) -> list[_Part]:
    machine = await _examine_machine(python)
    return [machine] if target is None else [machine, await _examine_pool(target)]


async def _examine_machine(python: str | None) -> _Part:
    for entry_point in entry_points(group=DIAGNOSES):
        diagnose = cast("_Diagnose", entry_point.load())
        found = await diagnose(python)
        return _Part(
            title=found.machine,
            findings=found.findings,
            fit=found.fit,
            conclusion=found.conclusion,
        )
    missing = Finding(
        mechanism="sandbox",
        verdict="missing",
        detail="dynamic-sessions-local, the session pool on this machine, is not installed",
        cure="pip install 'dynamic-sessions[local]', unless all of your sessions are elsewhere.",
    )
    return _Part(
        title="This machine",
        findings=[missing],
        fit=False,
        conclusion="A session pool cannot start here.",
    )


async def _examine_pool(target: Target) -> _Part:
    findings: list[Finding] = []
    findings = [finding async for finding in check_pool(target)]
    fit = all(finding.verdict != "missing" for finding in findings)
    return _Part(
        title=f"The session pool, by dynamic-sessions {version('dynamic-sessions')}",
        findings=findings,
        fit=fit,
        conclusion=f"Sessions {'can' if fit else 'cannot'} be had from {target.endpoint}.",
    )


def _write(parts: Sequence[_Part]) -> None:
    console = output()
    width = max(len(finding.mechanism) for part in parts for finding in part.findings)
    for number, part in enumerate(parts):
        if number:
            console.print()
        console.print(Text(shown(part.title), style="bold"))
        console.print()
        for finding in part.findings:
            verdict = Text(f"{finding.verdict:8} ", style=_STYLES[finding.verdict])
            console.print(verdict + f"{finding.mechanism:{width}}  {shown(finding.detail)}")
            if finding.cure:
                console.print(Text(f"{'':8} {'':{width}}  → {shown(finding.cure)}"))
        console.print()
        console.print(Text(part.conclusion))


def _as_json(part: _Part) -> dict[str, object]:
    return {
        "title": part.title,
        "fit": part.fit,
        "conclusion": part.conclusion,
        "findings": [
            {
                "mechanism": finding.mechanism,
                "verdict": finding.verdict,
                "detail": finding.detail,
                "cure": finding.cure,
            }
            for finding in part.findings
        ],
    }
