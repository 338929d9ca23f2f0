"""The page of the documentation that is about what was measured."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks import plots
from benchmarks.report import HEADINGS, Summary
from benchmarks.run import Run

DOCS = Path(__file__).parent.parent / "docs"

_PAGE = "benchmarks.md"
_PICTURES = "images/benchmarks"
_PROSE = Path(__file__).parent / "prose"

Cases = Mapping[str, Sequence[Summary]]


def write_page(runs: Iterable[Run], order: Iterable[str], docs: Path) -> None:
    """Write the page and its pictures, in place of those that were there before.

    Args:
        runs: What was measured; of a case that is in several, the newest counts.
        order: The names of all cases.
        docs: The folder.
    """
    by_age = sorted(runs, key=lambda run: run.about["measured"])
    newest = {case: run for run in by_age for case in run.cases}
    source = {case: newest[case] for case in order if case in newest}
    cases = {case: run.cases[case] for case, run in source.items()}
    blocks = [*_head(cases), *_body(cases), *_foot(source)]
    (docs / _PAGE).write_text("\n\n".join(blocks) + "\n")
    _draw(cases, docs)


def _draw(cases: Cases, docs: Path) -> None:
    (docs / _PICTURES).mkdir(parents=True, exist_ok=True)
    for old in (docs / _PICTURES).glob("*.svg"):
        old.unlink()
    for case, summaries in cases.items():
        for number, summary in enumerate(summaries, 1):
            if _is_drawn(summary):
                plots.draw(summary, docs / _picture(case, number))


def _is_drawn(summary: Summary) -> bool:
    return len(summary.rows) > 1


def _picture(case: str, number: int) -> str:
    return f"{_PICTURES}/{case}-{number}.svg"


def _head(cases: Cases) -> Iterator[str]:
    """What a reader in a hurry wants: what this is, others' figures beside ours, the targets."""
    yield _prose("introduction")
    summaries = [summary for each in cases.values() for summary in each]
    peers = [
        (
            summary.title,
            summary.cells(summary.rows[0]).median,
            cells.name,
            cells.median,
            cells.ratio,
        )
        for summary in summaries
        for cells in map(summary.cells, summary.rows)
        if cells.kind == "peer"
    ]
    if peers:
        yield "## Beside others"
        yield _table(("", "ours", "theirs", "", "than ours"), peers)
    verdicts = [verdict for summary in summaries for verdict in summary.targets]
    if verdicts:
        yield "## Targets"
        rows = [(f"**{each.word}**", each.text, each.reached) for each in verdicts]
        yield _table(("", "aimed at", "reached"), rows)


def _body(cases: Cases) -> Iterator[str]:
    for case, summaries in cases.items():
        yield _prose(case)
        for number, summary in enumerate(summaries, 1):
            yield f"### {summary.title[0].upper()}{summary.title[1:]}"
            if _is_drawn(summary):
                yield f"![{summary.title.replace('`', '')}]({_picture(case, number)})"
            yield _table(HEADINGS, map(summary.cells, summary.rows))


def _foot(source: Mapping[str, Run]) -> Iterator[str]:
    yield _prose("method")
    yield "## Machine and versions"
    runs = list({id(run): run for run in source.values()}.values())
    for run in runs:
        if len(runs) > 1:
            cases = ", ".join(f"`{case}`" for case, each in source.items() if each is run)
            yield f"Of {cases}:"
        yield _table(("", ""), run.about.items())


def _prose(name: str) -> str:
    """What is said of a case, or else its name."""
    file = _PROSE / f"{name}.md"
    return file.read_text().strip() if file.exists() else f"## {name}"


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(map(_line, lines))


def _line(cells: Sequence[str]) -> str:
    escaped = (cell.replace("|", r"\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"
