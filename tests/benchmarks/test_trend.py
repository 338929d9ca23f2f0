"""How growth is told: flat, linear or worse, whatever is paid once."""

from collections.abc import Sequence

import pytest
from benchmarks.report import SECONDS, Figure, summarize
from benchmarks.trend import curve

AXIS = (0, 1, 10, 50, 100, 200)


@pytest.mark.parametrize(
    ("costs", "told", "met"),
    [
        ([1, 1.3, 1, 1.3, 1, 1], "flat: 1.30x between any two at most", True),
        ([0.01 + at for at in AXIS], "linear at most: exponent 1.00", True),
        ([20 + at for at in AXIS], "linear at most: exponent 0.83", True),
        ([0.01 + 3 * at**2 for at in AXIS], "more than linear: exponent 2.00", False),
        ([100 + at**2 for at in AXIS], "more than linear: exponent 1.97", False),
        ([300 - at for at in AXIS], "linear at most: exponent -0.16", True),
    ],
    ids=["noise", "linear", "fixed and linear", "square", "fixed and square", "falling"],
)
def test_growth_is_told_and_judged(costs: Sequence[float], told: str, met: bool) -> None:
    figures = [
        Figure(name=str(at), kind="ours", values=(cost,), at=at)
        for at, cost in zip(AXIS, costs, strict=True)
    ]
    summary = summarize("growth", curve(title="cost", unit=SECONDS, axis="n", figures=figures))
    (verdict,) = summary.targets
    assert (verdict.met, verdict.reached) == (met, told)
    assert [row.note for row in summary.rows] == ["", "", "", "", "", told]
