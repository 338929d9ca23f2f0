"""How figures grow along their section's axis: not at all, in proportion, or worse than that."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmarks.report import Figure, Section, Unit, Verdict

# What the noise of a small machine makes of two medians that are the same.
FLAT_TIMES = 1.5
# In proportion would be 1; the rest is noise, and caches that more no longer fits into.
LINEAR_EXPONENT = 1.15


@dataclass(frozen=True, kw_only=True)
class Trend:
    """How fast medians grow.

    Attributes:
        times: The largest to the smallest.
        exponent: The power of the axis that they grow with, by least squares between logarithms:
            over all of the axis, or over its upper half where they grow faster there. What is
            paid once hides in the lower half what each further one costs.
    """

    times: float
    exponent: float

    @classmethod
    def of(cls, figures: Sequence[Figure]) -> "Trend":
        """Look at figures in the order of the axis, two of them above its zero at least."""
        medians = [figure.median for figure in figures]
        points = [
            (math.log(figure.at), math.log(figure.median))
            for figure in figures
            if figure.at is not None and figure.at > 0
        ]
        upper = points[min(len(points) // 2, len(points) - 2) :]
        return cls(times=max(medians) / min(medians), exponent=max(_slope(points), _slope(upper)))

    @property
    def flat(self) -> bool:
        """Whether noise explains it all."""
        return self.times <= FLAT_TIMES

    @property
    def bounded(self) -> bool:
        """Whether it is flat or grows in proportion at most."""
        return self.flat or self.exponent <= LINEAR_EXPONENT

    def __str__(self) -> str:
        """It, in words."""
        if self.flat:
            return f"flat: {self.times:.2f}x between any two at most"
        word = "linear at most" if self.bounded else "more than linear"
        return f"{word}: exponent {self.exponent:.2f}"


@dataclass(frozen=True)
class FlatOrLinear:
    """To grow in proportion at most."""

    def judge(self, section: Section) -> Verdict:
        """See Target."""
        trend = Trend.of(section.figures)
        return Verdict(
            text=f"{section.title}: flat or linear",
            reached=str(trend),
            met=trend.bounded,
        )


def curve(*, title: str, unit: Unit, axis: str, figures: Sequence[Figure]) -> Section:
    """A section along an axis, judged by how it grows, which its last row tells, too."""
    *others, last = figures
    told = replace(last, note=str(Trend.of(figures)))
    return Section(
        title=title, unit=unit, axis=axis, figures=[*others, told], targets=[FlatOrLinear()]
    )


def _slope(points: Sequence[tuple[float, float]]) -> float:
    across, up = zip(*points, strict=True)
    return statistics.linear_regression(across, up).slope
