"""Pictures of sections that can be read on a light page and on a dark one."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter
from matplotlib.typing import RcKeyType

# Of matplotlib's methods, most leave open what else they take.
# pyright: reportUnknownMemberType=false
from benchmarks.report import Kind, Row, Summary

_WIDTH = 7.2
_ROW_HEIGHT = 0.3
_MARGIN_HEIGHT = 0.75
_CURVE_HEIGHT = 2.6

# So many times apart, the small ones could not be told from nothing.
_WIDE = 10

# In the middle between black and white: no background of its own, and legible on both.
_INK = "#7d8590"
_COLOURS: dict[Kind, str] = {"ours": "#1f9e89", "peer": "#e07b39", "limit": "#8b7fd6"}
_STYLE: dict[RcKeyType, object] = {
    "font.size": 9,
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "grid.color": _INK,
    "grid.alpha": 0.25,
    # As text, in the page's language and findable, and the same bytes every time.
    "svg.fonttype": "none",
    "svg.hashsalt": "benchmarks",
}


def draw(summary: Summary, file: Path) -> None:
    """Draw a section as SVG: a curve where it has an axis, or else a line for each figure."""
    with mpl.rc_context(_STYLE):
        if summary.axis:
            _draw_curve(summary, file)
        else:
            _draw_rows(summary, file)


def _draw_rows(summary: Summary, file: Path) -> None:
    rows = summary.rows[::-1]
    places = range(len(rows))
    height = _MARGIN_HEIGHT + _ROW_HEIGHT * len(rows)
    with _axes(file, height) as axes:
        _scale(axes, "x", rows)
        for place, row in zip(places, rows, strict=True):
            colour = _COLOURS[row.kind]
            axes.plot([row.median, row.p95], [place, place], color=colour, linewidth=2, alpha=0.5)
            axes.plot(row.median, place, "o", color=colour)
            axes.annotate(
                summary.cells(row).median,
                (max(row.median, row.p95), place),
                (8, 0),
                textcoords="offset points",
                verticalalignment="center",
                color=colour,
            )
        axes.set_yticks(places, [row.name for row in rows])
        axes.set_ylim(-0.6, len(rows) - 0.4)
        axes.set_xlabel(f"{summary.unit} (median, and a line to the 95th percentile)")
        axes.grid(axis="x")


def _draw_curve(summary: Summary, file: Path) -> None:
    places = [row.at for row in summary.rows if row.at is not None]
    with _axes(file, _CURVE_HEIGHT) as axes:
        for kind, colour in _COLOURS.items():
            rows = [row for row in summary.rows if row.kind == kind and row.at is not None]
            across = [row.at or 0 for row in rows]
            axes.plot(across, [row.median for row in rows], "o-", color=colour, label=kind)
            axes.vlines(
                across,
                [row.median for row in rows],
                [row.p95 for row in rows],
                colors=colour,
                alpha=0.5,
            )
        if _is_wide([place for place in places if place > 0]):
            # Nothing has a place there as well.
            axes.set_xscale("symlog", linthresh=min(place for place in places if place > 0))
        axes.set_xticks(places, [f"{place:,.0f}" for place in places])
        axes.set_xticks([], minor=True)
        axes.set_xlabel(summary.axis)
        _scale(axes, "y", summary.rows)
        axes.set_ylabel(summary.unit)
        axes.grid()


@contextmanager
def _axes(file: Path, height: float) -> Generator[Axes]:
    canvas = Canvas(figsize=(_WIDTH, height), layout="constrained")
    yield canvas.add_subplot()
    canvas.savefig(file, transparent=True, metadata={"Date": None})


def _scale(axes: Axes, direction: Literal["x", "y"], rows: Sequence[Row]) -> None:
    values = [value for row in rows for value in (row.median, row.p95)]
    wide = min(values) > 0 and _is_wide(values)
    if direction == "x":
        if wide:
            axes.set_xscale("log")
        else:
            axes.set_xlim(left=min(0, *values))
    elif wide:
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=min(0, *values))
    axis = axes.xaxis if direction == "x" else axes.yaxis
    if wide and max(values) < _WIDE**2 * min(values):
        # Powers of ten alone might leave one label.
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axis.set_minor_formatter(NullFormatter())


def _is_wide(values: Sequence[float]) -> bool:
    return max(values) > _WIDE * min(values)
