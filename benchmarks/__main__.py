"""`python -m benchmarks`: measure, and print one table of figures and ratios; write their page."""

import argparse
import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.cases.client_cost import client_cost
from benchmarks.cases.distance import distance
from benchmarks.cases.ending import ending
from benchmarks.cases.files import files
from benchmarks.cases.footprint import idle_memory, live_sessions
from benchmarks.cases.growth import growth
from benchmarks.cases.importing import imports
from benchmarks.cases.latency import execution, first_result, plot
from benchmarks.cases.load import burst, throughput
from benchmarks.cases.scale import scale
from benchmarks.machine import describe_machine
from benchmarks.page import DOCS, write_page
from benchmarks.peers import kernels_without_profile
from benchmarks.report import Section, Summary, as_text, summarize
from benchmarks.run import Run
from benchmarks.setting import Setting

CASES: dict[str, Callable[[Setting], list[Section]]] = {
    "first-result": first_result,
    "execution": execution,
    "plot": plot,
    "memory": idle_memory,
    "burst": burst,
    "throughput": throughput,
    "ending": ending,
    "live": live_sessions,
    "growth": growth,
    "files": files,
    "distance": distance,
    "client-cost": client_cost,
    "imports": imports,
    "scale": scale,
}


def main() -> None:
    """Run the cases that were asked for, or draw the page of some that were run."""
    options = _parser().parse_args()
    if options.page:
        write_page([Run.read(file) for file in options.page], CASES, options.docs)
        return
    run = _measure(options)
    sys.stdout.write(as_text(run.about.items(), run.sections))
    if options.json is not None:
        run.write(options.json)


def _measure(options: argparse.Namespace) -> Run:
    with asyncio.Runner() as runner, kernels_without_profile():
        setting = Setting(quick=options.quick, launcher=options.launcher, runner=runner)
        about = describe_machine() | {"pools": _describe_pools(setting)}
        sections: list[Summary] = []
        for name in options.only or CASES:
            sys.stderr.write(f"measuring: {name}\n")
            sections += [summarize(name, section) for section in CASES[name](setting)]
    return Run(about=about, sections=sections)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="benchmarks", description="Measure the local pool, its peers and this machine."
    )
    parser.add_argument("--quick", action="store_true", help="only see that it can be measured")
    parser.add_argument(
        "--only", action="append", choices=list(CASES), help="measure this; may be repeated"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument(
        "--launcher", choices=["fork", "spawn"], help="of the pools; the best one by default"
    )
    parser.add_argument(
        "--page",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="measure nothing, and write the page of what is in these files of --json; "
        "of a case that is in several, the newest counts",
    )
    parser.add_argument(
        "--docs", type=Path, default=DOCS, metavar="FOLDER", help="where --page writes"
    )
    return parser


def _describe_pools(setting: Setting) -> str:
    with setting.pool() as pool:
        return f"launcher {pool.launcher}, isolation {pool.isolation}"


main()
