"""How costs grow with what there is more and more of."""

import itertools
import runpy
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import clients, pool, processes
from benchmarks.cases.footprint import open_sessions
from benchmarks.clock import Contender, Measure, interleave, our, repeated, timed, timed_async
from benchmarks.pool import PoolUnderTest
from benchmarks.programs import file_of_functions, functions
from benchmarks.report import MEBIBYTES, MILLISECONDS, Figure, Section
from benchmarks.setting import Setting
from benchmarks.trend import curve
from dynamic_sessions import AsyncSession, AsyncSessionPool, FunctionModule

SESSIONS = (1, 10, 50, 100, 250, 500)
FUNCTIONS = (0, 1, 10, 50, 100, 200)
OUTPUT_KIBIBYTES = (1, 8, 64, 512, 4 << 10, 16 << 10, 64 << 10)
EXECUTIONS = (0, 100, 500, 1000, 2000)

_KIB = 1 << 10
_BATCH_BYTES = 1 << 20
_SETTLING = 20

_numbers = itertools.count(1)
# More than all that is printed or run here.
_UNBOUNDED = 1 << 30

# Histories hold code, output and result.
_TALKATIVE = "text = 'x' * 1000; print(text); text"


def growth(setting: Setting) -> list[Section]:
    """With sessions, with functions, with output and with what a session ran before."""
    sections = _with_sessions(setting)
    with setting.pool() as usual:
        sections += [*_with_functions(setting, usual), *_with_output(setting, usual)]
    return [*sections, *_with_history(setting)]


def _with_sessions(setting: Setting) -> list[Section]:
    """Sessions that are alive, of which one is used."""
    executions, memory, first_results = _Points(), _Points(), _Points()
    with setting.pool_without_stock() as tested, pool.executions(tested) as execute:
        first_result = pool.first_results(tested)
        alive = 1
        for count in SESSIONS[: setting.many(len(SESSIONS), 2)]:
            if count > alive:
                alive += len(open_sessions(tested, count - alive))
            if count > alive:
                # The machine has no memory left for more.
                break
            execute(setting.many(100, 1))
            executions.add(count, execute(setting.many(500, 5)))
            memory.add(count, [_memory(tested)])
            first_results.add(count, first_result(setting.many(10, 2)))
    axis = "sessions that are alive"
    return [
        curve(
            title="execution, by sessions that are alive",
            unit=MILLISECONDS,
            axis=axis,
            figures=executions.figures("sessions"),
        ),
        curve(
            title="new identifier to first result, by sessions that are alive",
            unit=MILLISECONDS,
            axis=axis,
            figures=first_results.figures("sessions"),
        ),
        curve(
            title="memory of pool and sessions, by sessions that are alive",
            unit=MEBIBYTES,
            axis=axis,
            figures=memory.figures("sessions"),
        ),
    ]


def _with_functions(setting: Setting, tested: PoolUnderTest) -> list[Section]:
    """Functions that an AsyncSessionPool sets up in each session."""
    counts = FUNCTIONS[: setting.many(len(FUNCTIONS), 3)]
    texts = {count: functions(count) for count in counts}
    rounds = setting.many(10, 1)
    with ExitStack() as stack:
        first_results = {
            count: stack.enter_context(
                clients.asynchronous_first_results(tested, setting.runner, functions=texts[count])
            )
            for count in counts
        }
        executions = {
            count: stack.enter_context(
                clients.asynchronous_executions(
                    tested.endpoint, tested.token, setting.runner, functions=texts[count]
                )
            )
            for count in counts
        }
        from_texts = {count: repeated(partial(_gather_texts, count)) for count in counts}
        folder = Path(stack.enter_context(TemporaryDirectory()))
        from_files = {count: _gatherings_of_files(folder, count) for count in counts}
        batch = setting.many(50, 2)
        return [
            _turns("module made of texts", from_texts, "functions", rounds),
            _turns("module made of functions of a file", from_files, "functions", rounds),
            _turns("first result in a new session", first_results, "functions", rounds),
            _turns("further execution", executions, "functions", rounds, batch=batch),
        ]


def _gather_texts(count: int) -> None:
    FunctionModule.from_functions(functions(count, first=_never_used()))


def _gatherings_of_files(folder: Path, count: int) -> Measure:
    """Measure what it costs to gather all functions of a Python file."""

    def once() -> float:
        file = folder / f"functions_{next(_numbers)}.py"
        file.write_text(file_of_functions(count, first=_never_used()))
        namespace = runpy.run_path(str(file))
        found = [each for name, each in namespace.items() if name.startswith("count_")]
        return timed(lambda: FunctionModule.from_functions(found))

    return lambda times: [once() for _ in range(times)]


def _never_used() -> int:
    """Return the number of a function from which on all are new: the client remembers what it read."""
    return next(_numbers) * FUNCTIONS[-1]


def _turns(
    what: str, measures: dict[int, Measure], noun: str, rounds: int, *, batch: int = 1
) -> Section:
    figures = interleave(
        [our(f"{count} {noun}", measure, batch=batch) for count, measure in measures.items()],
        rounds=rounds,
    )
    return curve(
        title=f"{what}, by {noun}",
        unit=MILLISECONDS,
        axis=noun,
        figures=[replace(each, at=at) for each, at in zip(figures, measures, strict=True)],
    )


def _with_output(setting: Setting, usual: PoolUnderTest) -> list[Section]:
    """Characters that an execution prints: all of them returned, most of them cut, or fetched."""
    raised = {"output_characters": _UNBOUNDED}
    with setting.pool(limits=raised) as generous:
        return [
            _outputs(setting, generous, "all in the answer", limit=_UNBOUNDED),
            _outputs(setting, usual, "cut at the limit of a million characters", cut=True),
            _outputs(setting, usual, "`full_output` beyond that limit", full=True),
        ]


def _outputs(
    setting: Setting,
    tested: PoolUnderTest,
    how: str,
    *,
    limit: int = 1_000_000,
    cut: bool = False,
    full: bool = False,
) -> Section:
    client = AsyncSessionPool(tested.endpoint, tested.token, output_limit=limit)
    session = client.session()

    async def printed(size: int, count: int) -> list[float]:
        return [await timed_async(lambda: once(size)) for _ in range(count)]

    async def once(size: int) -> None:
        execution = await session.execute(f"print('x' * {size - 1})", full_output=full)
        if len(execution.stdout) != (min(size, limit) if cut else size):
            raise RuntimeError(f"printed {size}, but came {len(execution.stdout)}")

    sizes = [size * _KIB for size in OUTPUT_KIBIBYTES[: setting.many(len(OUTPUT_KIBIBYTES), 4)]]
    contenders = [
        Contender(
            name=f"{size // _KIB:,} KiB",
            kind="ours",
            measure=lambda count, size=size: setting.runner.run(printed(size, count)),
            batch=setting.many(max(1, min(20, _BATCH_BYTES // size)), 1),
        )
        for size in sizes
    ]
    figures = interleave(contenders, rounds=setting.many(5, 1))
    setting.runner.run(client.close())
    return curve(
        title=f"execution that prints, {how}",
        unit=MILLISECONDS,
        axis="KiB that it prints",
        figures=[replace(each, at=size / _KIB) for each, size in zip(figures, sizes, strict=True)],
    )


def _with_history(setting: Setting) -> list[Section]:
    """Executions that the session has behind it, with a person's inspector looking on."""
    usual, memory, unbounded = _Points(), _Points(), _Points()
    with setting.pool(inspector=True) as tested:
        for _ in range(setting.many(3, 1)):
            setting.runner.run(_grow_old(setting, tested, usual, memory))
            setting.runner.run(
                _grow_old(setting, tested, unbounded, _Points(), history_limit=_UNBOUNDED)
            )
    axis = "executions before"
    return [
        curve(
            title="execution, by executions before it",
            unit=MILLISECONDS,
            axis=axis,
            figures=usual.figures("before"),
        ),
        curve(
            title="execution, by executions before it, all of them kept by the client",
            unit=MILLISECONDS,
            axis=axis,
            figures=unbounded.figures("before"),
        ),
        curve(
            title="memory of pool and session, by executions before",
            unit=MEBIBYTES,
            axis=axis,
            figures=memory.figures("before"),
        ),
    ]


async def _grow_old(
    setting: Setting,
    tested: PoolUnderTest,
    taken: "_Points",
    memory: "_Points",
    *,
    history_limit: int = 100,
) -> None:
    async with AsyncSessionPool(
        tested.endpoint, tested.token, history_limit=history_limit
    ) as client:
        session = client.session()
        # What a session does for the first time is no matter of how many times there were.
        await _execute(session, _SETTLING)
        done = 0
        for before in (0, 10, 20) if setting.quick else EXECUTIONS:
            await _execute(session, before - done)
            memory.add(before, [_memory(tested)])
            seconds = await _execute(session, setting.many(50, 3))
            taken.add(before, seconds)
            done = before + len(seconds)
        await session.delete()


async def _execute(session: AsyncSession, times: int) -> list[float]:
    return [await timed_async(lambda: session.execute(_TALKATIVE)) for _ in range(times)]


def _memory(tested: PoolUnderTest) -> int:
    tested.wait_until_idle()
    return processes.proportional_set_size({tested.process, *processes.below(tested.process)})


class _Points:
    """Values by where they stand on an axis."""

    def __init__(self) -> None:
        self._values: defaultdict[int, list[float]] = defaultdict(list)

    def add(self, at: int, values: Sequence[float]) -> None:
        """Put values to those that are there."""
        self._values[at] += values

    def figures(self, noun: str) -> list[Figure]:
        """All of it, in the order in which it came."""
        return [
            Figure(name=f"{at} {noun}", kind="ours", values=tuple(values), at=at)
            for at, values in self._values.items()
        ]
