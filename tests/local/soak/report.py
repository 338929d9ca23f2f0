"""What a soak came to, for people to read."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from statistics import quantiles

from .processes import Figures
from .service import Tally

MIB = 1 << 20


@dataclass
class Report:
    """Filled in on the way, told in the end.

    Attributes:
        title: What it is about.
        tally: What happened.
        seconds: How long it went on.
        figures: What the server held, by when that was.
        memory: Bytes of the server alone, from time to time.
        ending_seconds: How long the server took to end.
        endings: What became of the requests that were under way then.
    """

    title: str
    tally: Tally
    seconds: float = 0
    figures: dict[str, Figures] = field(default_factory=dict[str, Figures])
    memory: list[int] = field(default_factory=list[int])
    ending_seconds: float = 0
    endings: Counter[str] = field(default_factory=Counter[str])

    def __str__(self) -> str:
        rate = self.tally.counts["executions"] / self.seconds if self.seconds else 0
        replies = {f"replies with {status}": n for status, n in self.tally.statuses.items()}
        lines = [
            self.title,
            f"{self.seconds:.0f} s, {rate:.1f} executions a second",
            _listed(self.tally.counts),
            _listed(replies),
            *_latencies(self.tally.checks),
            *(f"{when}: {_listed(_readable(found))}" for when, found in self.figures.items()),
            f"memory from time to time, in MiB: {[each // MIB for each in self.memory]}",
            f"ended within {self.ending_seconds:.1f} s; {_listed(self.endings)}",
        ]
        return "\n  ".join(lines)


def _listed(counts: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {counts[name]}" for name in sorted(counts))


def _latencies(seconds: list[float]) -> list[str]:
    if len(seconds) < 2:
        return []
    hundredths = quantiles(seconds, n=100)
    return [
        (
            f"ms of the shortest executions: median {1000 * hundredths[49]:.0f}, 95th percentile"
            f" {1000 * hundredths[94]:.0f}, longest {1000 * max(seconds):.0f}"
        )
    ]


def _readable(figures: Figures) -> dict[str, object]:
    found: dict[str, int] = asdict(figures)
    return {
        name: f"{value / MIB:.1f} MiB" if name.startswith("memory") else value
        for name, value in found.items()
    }
