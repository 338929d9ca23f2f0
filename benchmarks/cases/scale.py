"""Thousands of conversations over session pools in Azure, simulated: which settings do best.

The first of each section's settings is the one that the documentation advises.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks.report import PERCENT, SECONDS, TIMES, Figure, Section
from benchmarks.setting import Setting
from benchmarks.simulation.azure import Outage
from benchmarks.simulation.conversations import Workload
from benchmarks.simulation.trial import Outcome, Settings, run_trial
from dynamic_sessions import RetryPolicy

CONVERSATIONS = 10_000
BOUND = 600
LIGHT = Workload(per_second=2.5)
"""What one pool can carry if sessions are deleted: about 460 at a time."""

HEAVY = Workload(per_second=4.0)
"""What no single pool can carry: about 720 at a time."""

PERSISTENT = RetryPolicy(retries=10, budget=1000)
ADVISED = Settings(pools=2, assignment="session pools")


@dataclass(frozen=True, kw_only=True)
class _Scenario:
    title: str
    workload: Workload
    settings: Mapping[str, Settings]
    outages: Sequence[Outage] = ()


SCENARIOS = (
    _Scenario(
        title="a load for one pool",
        workload=LIGHT,
        settings={
            "sessions deleted": Settings(),
            "sessions deleted, max_sessions": Settings(max_sessions=BOUND),
            "sessions left": Settings(deletes=False),
            "sessions left, max_sessions": Settings(deletes=False, max_sessions=BOUND),
            "sessions left, AsyncSessionPools of 3": replace(ADVISED, pools=3, deletes=False),
        },
    ),
    _Scenario(
        title="a load for two pools",
        workload=HEAVY,
        settings={
            "AsyncSessionPools of 2": ADVISED,
            "2 pools by turns": Settings(pools=2),
            "1 pool, max_sessions": Settings(max_sessions=BOUND),
            "1 pool": Settings(),
            "1 pool, 10 retries": Settings(retry_policy=PERSISTENT),
            "AsyncSessionPools of 2, sessions left": replace(ADVISED, deletes=False),
        },
    ),
    _Scenario(
        title="one of two pools silent for 5 minutes",
        workload=LIGHT,
        settings={
            "AsyncSessionPools of 2": ADVISED,
            "2 pools by turns": Settings(pools=2),
            "2 pools by identifier": Settings(pools=2, assignment="by identifier"),
        },
        outages=[Outage(begins=600, ends=900, kind="silent")],
    ),
)


def scale(setting: Setting) -> list[Section]:
    """What callers see and what it costs, by settings of the client."""
    conversations = setting.many(CONVERSATIONS, 200)
    sections: list[Section] = []
    for scenario in SCENARIOS:
        workload = replace(scenario.workload, conversations=conversations)
        outcomes: dict[str, Outcome] = {}
        for name, settings in scenario.settings.items():
            sys.stderr.write(f"simulating: {scenario.title}, {name}\n")
            outcomes[name] = run_trial(settings, workload, outages=scenario.outages)
        sections += _sections(f"{conversations:,} conversations, {scenario.title}", outcomes)
    return sections


def _sections(title: str, outcomes: Mapping[str, Outcome]) -> list[Section]:
    return [
        Section(
            title=f"{title}: time to first result",
            unit=SECONDS,
            figures=[
                _figure(name, outcome.experience.first_results, _describe_answers(outcome))
                for name, outcome in outcomes.items()
            ],
        ),
        Section(
            title=f"{title}: conversations that failed",
            unit=PERCENT,
            figures=[
                _figure(name, [outcome.failed], _describe_failures(outcome))
                for name, outcome in outcomes.items()
            ],
        ),
        Section(
            title=f"{title}: session time, to what conversations needed",
            unit=TIMES,
            figures=[
                _figure(name, [outcome.use], _describe_sessions(outcome))
                for name, outcome in outcomes.items()
            ],
        ),
    ]


def _figure(name: str, values: Sequence[float], note: str) -> Figure:
    return Figure(name=name, kind="ours", values=tuple(values), note=note)


def _describe_answers(outcome: Outcome) -> str:
    return f"{outcome.refusals:,} answers of 429, p99 {outcome.first_result(0.99):.1f} s"


def _describe_failures(outcome: Outcome) -> str:
    experience = outcome.experience
    return f"{experience.broken:,} in their midst, {experience.restarted:,} told of a new session"


def _describe_sessions(outcome: Outcome) -> str:
    most = " and ".join(f"{count}" for count in outcome.most_sessions)
    return (
        f"{outcome.sessions:,} sessions, at most {most} at a time, {outcome.left_running:,} ended "
        f"by idle time, the last {outcome.lingered:.0f} s after the last conversation"
    )
