"""Figures, their ratios and what was aimed at: as a table and as JSON."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal, Protocol

Kind = Literal["ours", "peer", "limit"]

JsonObject = dict[str, object]

_HEADINGS = ("", "", "median", "p95", "n", "than ours", "")


@dataclass(frozen=True, kw_only=True)
class Unit:
    """What values are shown in.

    Attributes:
        name: Its sign.
        factor: By how much a value in seconds, bytes or per second is multiplied.
        more_is_better: As for a rate.
    """

    name: str
    factor: float = 1
    more_is_better: bool = False


SECONDS = Unit(name="s")
MILLISECONDS = Unit(name="ms", factor=1e3)
MICROSECONDS = Unit(name="µs", factor=1e6)
MEBIBYTES = Unit(name="MiB", factor=1 / (1 << 20))
PERCENT = Unit(name="%", factor=100)
PER_SECOND = Unit(name="/s", more_is_better=True)
CONNECTIONS = Unit(name="connections")
TIMES = Unit(name="x")


@dataclass(frozen=True, kw_only=True)
class Figure:
    """What was measured of one contender.

    Attributes:
        name: Of the contender.
        kind: Whether it is ours, a peer's or a limit of this machine.
        values: In seconds, bytes or per second.
        note: What a reader must know of how it was come by.
    """

    name: str
    kind: Kind
    values: tuple[float, ...]
    note: str = ""

    @property
    def median(self) -> float:
        """Half of the values are smaller."""
        return statistics.median(self.values)


@dataclass(frozen=True, kw_only=True)
class Section:
    """One of our figures and all those that it is compared with.

    Attributes:
        title: What was measured.
        unit: Of all its values.
        figures: Ours that the others' ratios are to, then the others, of any kind.
        targets: What was aimed at.
    """

    title: str
    unit: Unit
    figures: Sequence[Figure]
    targets: "Sequence[Target]" = ()

    def ratio(self, figure: Figure) -> float | None:
        """By how many times a figure is worse than ours.

        None where one of the two is not above 0: too small to be seen, or a difference between
        two looks at a machine that did other things as well.
        """
        ours, other = self.figures[0].median, figure.median
        if ours <= 0 or other <= 0:
            return None
        return ours / other if self.unit.more_is_better else other / ours

    def p95(self, figure: Figure) -> float:
        """The best value that at least 95 % of a figure's values are not worse than."""
        ordered = sorted(figure.values, reverse=self.unit.more_is_better)
        return ordered[math.ceil(0.95 * len(ordered)) - 1]


class Target(Protocol):
    """What was aimed at in a section."""

    def judge(self, section: Section) -> "Verdict":
        """Compare with what was measured."""
        ...


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of a target.

    Attributes:
        text: What it was, in words.
        reached: What was measured, in words.
        met: Whether that is enough.
    """

    text: str
    reached: str
    met: bool


@dataclass(frozen=True)
class Better:
    """To be so many times better than another.

    Attributes:
        other: The name of its figure.
        times: Ours against the other's median.
    """

    other: str
    times: float

    def judge(self, section: Section) -> Verdict:
        """See Target."""
        (figure,) = (each for each in section.figures if each.name == self.other)
        ratio = section.ratio(figure)
        return Verdict(
            text=f"{section.title}: at least {self.times:g}x better than {self.other}",
            reached="-" if ratio is None else f"{_digits(ratio)}x",
            met=ratio is not None and ratio >= self.times,
        )


@dataclass(frozen=True)
class AtMost:
    """To stay within a value.

    Attributes:
        value: In seconds or bytes; none of our medians in the section may be above it.
    """

    value: float

    def judge(self, section: Section) -> Verdict:
        """See Target."""
        reached = max(each.median for each in section.figures if each.kind == "ours")
        unit = section.unit
        return Verdict(
            text=f"{section.title}: at most {self.value * unit.factor:,.0f} {unit.name}",
            reached=f"{_digits(reached * unit.factor)} {unit.name}",
            met=reached <= self.value,
        )


@dataclass(frozen=True)
class AtMostTimes:
    """To be at most so many times worse than another.

    Attributes:
        other: The name of its figure.
        times: The other's median; none of our medians in the section may be above it.
    """

    other: str
    times: float

    def judge(self, section: Section) -> Verdict:
        """See Target."""
        (figure,) = (each for each in section.figures if each.name == self.other)
        reached = max(each.median for each in section.figures if each.kind == "ours")
        times = reached / figure.median
        return Verdict(
            text=f"{section.title}: at most {self.times:g}x {self.other}",
            reached=f"{_digits(times)}x",
            met=times <= self.times,
        )


def as_text(about: Iterable[tuple[str, str]], sections: Sequence[Section]) -> str:
    """The report for people: what it is about, one table, the targets."""
    rows: list[tuple[str, ...] | str] = []
    for section in sections:
        rows += ["", section.title, *(_cells(section, each) for each in section.figures)]
    verdicts = _verdicts(sections)
    parts = [
        _aligned([(f"{name}:", value) for name, value in about]),
        _aligned([_HEADINGS, *rows]),
    ]
    if verdicts:
        lines = [("pass" if each.met else "fail", each.text, each.reached) for each in verdicts]
        parts.append("targets\n" + _aligned(lines))
    return "\n\n".join(parts) + "\n"


def as_json(about: Iterable[tuple[str, str]], sections: Sequence[Section]) -> JsonObject:
    """The report for programs; values are in each section's unit."""
    return {
        "about": dict(about),
        "sections": [_json_section(section) for section in sections],
        "targets": [asdict(verdict) for verdict in _verdicts(sections)],
    }


def _verdicts(sections: Sequence[Section]) -> list[Verdict]:
    return [target.judge(section) for section in sections for target in section.targets]


def _cells(section: Section, figure: Figure) -> tuple[str, ...]:
    factor, unit = section.unit.factor, section.unit.name
    several = len(figure.values) > 1
    return (
        f"  {figure.kind}",
        figure.name,
        f"{_digits(figure.median * factor)} {unit}",
        f"{_digits(section.p95(figure) * factor)} {unit}" if several else "-",
        str(len(figure.values)),
        "" if figure is section.figures[0] else _comparison(section.ratio(figure)),
        figure.note,
    )


def _comparison(ratio: float | None) -> str:
    if ratio is None:
        return "-"
    return f"{_digits(ratio)}x worse" if ratio >= 1 else f"{_digits(1 / ratio)}x better"


def _digits(value: float) -> str:
    """Three significant digits, and no exponent."""
    size = abs(value)
    decimals = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3
    return f"{value:,.{decimals}f}"


def _aligned(rows: Sequence[tuple[str, ...] | str]) -> str:
    """Lines of equally wide columns, numbers to the right; a row of one text stands alone."""
    cells = [row for row in rows if not isinstance(row, str)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [row if isinstance(row, str) else _line(row, widths) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def _line(row: tuple[str, ...], widths: Sequence[int]) -> str:
    first_number, last_number = 2, 5
    return "  ".join(
        cell.rjust(width) if first_number <= column <= last_number else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    )


def _json_section(section: Section) -> JsonObject:
    return {
        "title": section.title,
        "unit": section.unit.name,
        "figures": [
            {
                "name": figure.name,
                "kind": figure.kind,
                "median": figure.median * section.unit.factor,
                "p95": section.p95(figure) * section.unit.factor,
                "n": len(figure.values),
                "times_worse_than_ours": section.ratio(figure),
                "note": figure.note,
            }
            for figure in section.figures
        ],
    }
