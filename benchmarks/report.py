"""Figures, their ratios and what was aimed at, and what is told of them."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

Kind = Literal["ours", "peer", "limit"]


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
MEBIBYTES_PER_SECOND = Unit(name="MiB/s", factor=1 / (1 << 20), more_is_better=True)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """What was measured of one contender.

    Attributes:
        name: Of the contender.
        kind: Whether it is ours, a peer's or a limit of this machine.
        values: In seconds, bytes or per second.
        note: What a reader must know of how it was come by.
        at: Where it stands on its section's axis.
    """

    name: str
    kind: Kind
    values: tuple[float, ...]
    note: str = ""
    at: float | None = None

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
        axis: What grows from figure to figure, if anything does.
    """

    title: str
    unit: Unit
    figures: Sequence[Figure]
    targets: "Sequence[Target]" = ()
    axis: str = ""

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

    @property
    def word(self) -> str:
        """What a table says of it."""
        return "pass" if self.met else "fail"


@dataclass(frozen=True)
class Better:
    """To be so many times better than another, or nearly as good.

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
        aim = f"{self.times:g}x better than" if self.times > 1 else f"{self.times:.0%} as good as"
        return Verdict(
            text=f"{section.title}: at least {aim} {self.other}",
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


class Cells(NamedTuple):
    """What a table says of a figure."""

    kind: str
    name: str
    median: str
    p95: str
    n: str
    ratio: str
    note: str


HEADINGS = Cells("", "", "median", "p95", "n", "than ours", "")


@dataclass(frozen=True, kw_only=True)
class Row:
    """What is told of a figure.

    Attributes:
        name: See Figure.
        kind: See Figure.
        at: See Figure.
        median: In the summary's unit.
        p95: In the summary's unit.
        n: How many values there were.
        times_worse_than_ours: See Section.ratio.
        note: See Figure.
    """

    name: str
    kind: Kind
    at: float | None
    median: float
    p95: float
    n: int
    times_worse_than_ours: float | None
    note: str


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What is told of a section, on the terminal, in JSON and on the page.

    Attributes:
        case: That the section came from.
        title: See Section.
        unit: Sign of the unit.
        axis: See Section.
        rows: In the order of the figures.
        targets: What became of them.
    """

    case: str
    title: str
    unit: str
    axis: str
    rows: tuple[Row, ...]
    targets: tuple[Verdict, ...]

    def cells(self, row: Row) -> Cells:
        """Return one of the rows in words."""
        return Cells(
            kind=row.kind,
            name=row.name,
            median=f"{_digits(row.median)} {self.unit}",
            p95=f"{_digits(row.p95)} {self.unit}" if row.n > 1 else "-",
            n=str(row.n),
            ratio="" if row is self.rows[0] else _comparison(row.times_worse_than_ours),
            note=row.note,
        )


def summarize(case: str, section: Section) -> Summary:
    """Reduce a section to what is told of it."""
    factor = section.unit.factor
    return Summary(
        case=case,
        title=section.title,
        unit=section.unit.name,
        axis=section.axis,
        rows=tuple(
            Row(
                name=figure.name,
                kind=figure.kind,
                at=figure.at,
                median=figure.median * factor,
                p95=section.p95(figure) * factor,
                n=len(figure.values),
                times_worse_than_ours=section.ratio(figure),
                note=figure.note,
            )
            for figure in section.figures
        ),
        targets=tuple(target.judge(section) for target in section.targets),
    )


def as_text(about: Iterable[tuple[str, str]], summaries: Sequence[Summary]) -> str:
    """The report for people: what it is about, one table, the targets."""
    rows: list[tuple[str, ...] | str] = []
    for summary in summaries:
        rows += ["", summary.title]
        for row in summary.rows:
            rows.append(summary.cells(row)._replace(kind=f"  {row.kind}"))
    verdicts = [verdict for summary in summaries for verdict in summary.targets]
    parts = [
        _aligned([(f"{name}:", value) for name, value in about]),
        _aligned([HEADINGS, *rows]),
    ]
    if verdicts:
        lines = [(each.word, each.text, each.reached) for each in verdicts]
        parts.append("targets\n" + _aligned(lines))
    return "\n\n".join(parts) + "\n"


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
