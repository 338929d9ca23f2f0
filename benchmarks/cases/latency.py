"""How long one caller waits."""

from contextlib import ExitStack

from benchmarks import clients, limits, peers, pool
from benchmarks.clock import after_pause, interleave, our, peer
from benchmarks.peers import BareKernel, CommandLine, JupyterExecutor
from benchmarks.programs import PLOT, PRINT, functions
from benchmarks.report import MILLISECONDS, Better, Section
from benchmarks.setting import Setting
from dynamic_sessions_local import LocalSessionPool

FRESH_TARGET = 50
EXECUTION_TARGET = 5

_JUPYTERS = (JupyterExecutor, BareKernel)


def first_result(setting: Setting) -> list[Section]:
    """From an identifier that was never used to the result of its first execution."""
    runner = setting.runner
    with ExitStack() as stack:
        stocked = stack.enter_context(setting.pool())
        bare = stack.enter_context(setting.pool_without_stock())
        new_pools = pool.first_results_of_new_pools(setting.launcher)
        by_core = stack.enter_context(clients.asynchronous_first_results(stocked, runner))
        with_functions = stack.enter_context(
            clients.asynchronous_first_results(stocked, runner, functions=functions(10))
        )
        warm, core, ten, cold, new, *others = interleave(
            [
                our("pool", pool.first_results(stocked), batch=3),
                our("pool, AsyncSessionPool", by_core, batch=3, note="sets the session up first"),
                our("pool, AsyncSessionPool, ten functions", with_functions, batch=3),
                our("pool", pool.first_results(bare), batch=3),
                our("pool, its own start included", new_pools, note="in this process"),
                *(peer(each.name, peers.first_results(each, runner)) for each in _JUPYTERS),
                peer(
                    CommandLine.name,
                    peers.first_results(CommandLine, runner, PRINT),
                    note="keeps no state",
                ),
                *stack.enter_context(limits.process_starts()),
            ],
            rounds=setting.many(10, 1),
        )
    targets = [Better(JupyterExecutor.name, FRESH_TARGET)]
    return [
        Section(
            title="new identifier to first result, a session warm",
            unit=MILLISECONDS,
            figures=[warm, core, ten, *others],
            targets=targets,
        ),
        Section(
            title="new identifier to first result, none warm",
            unit=MILLISECONDS,
            figures=[cold, new, *others],
            targets=targets,
        ),
    ]


def execution(setting: Setting) -> list[Section]:
    """One execution in a session that exists: in a loop, and after a pause."""
    # Long turns: the first dozens of executions in each are slower, until the machine has found where to run
    # whom. The section after this one is about those.
    batch, runner = setting.many(250, 2), setting.runner
    with ExitStack() as stack:
        enter = stack.enter_context
        apart = enter(setting.pool())
        same = enter(LocalSessionPool(launcher=setting.launcher))
        token = same.credential.get_token().token
        core = enter(clients.asynchronous_executions(apart.endpoint, apart.token, runner))
        within = enter(clients.asynchronous_executions(same.endpoint, token, runner))
        figures = interleave(
            [
                our("pool, client by hand", enter(pool.executions(apart)), batch=batch),
                our("pool, httpx", enter(clients.httpx_executions(apart)), batch=batch),
                our("pool, AsyncSessionPool", core, batch=batch),
                our("pool, SessionPool", enter(clients.synchronous_executions(apart)), batch=batch),
                our("pool in this process, AsyncSessionPool", within, batch=batch),
                our("pool, GET /session, by hand", enter(pool.session_calls(apart)), batch=batch),
                *(
                    peer(each.name, enter(peers.executions(each, runner)), batch=batch)
                    for each in _JUPYTERS
                ),
                peer(
                    CommandLine.name,
                    enter(peers.executions(CommandLine, runner, PRINT)),
                    batch=setting.many(5, 1),
                    note="keeps no state",
                ),
                *enter(limits.round_trips(batch=batch)),
            ],
            rounds=setting.many(6, 1),
        )
        paused = interleave(
            [
                our("pool, client by hand", after_pause(enter(pool.executions(apart)))),
                our("pool, AsyncSessionPool", after_pause(core)),
                *(
                    peer(each.name, after_pause(enter(peers.executions(each, runner))))
                    for each in _JUPYTERS
                ),
            ],
            rounds=setting.many(50, 1),
        )
    return [
        Section(
            title="execution in a session that exists, one after the other",
            unit=MILLISECONDS,
            figures=figures,
            targets=[Better(JupyterExecutor.name, EXECUTION_TARGET)],
        ),
        Section(
            title="execution in a session that exists, after a pause",
            unit=MILLISECONDS,
            figures=paused,
        ),
    ]


def plot(setting: Setting) -> list[Section]:
    """A picture by matplotlib, numpy and pandas, which a session has to import."""
    runner, rounds, batch = setting.runner, setting.many(5, 1), setting.many(5, 1)
    with ExitStack() as stack:
        enter = stack.enter_context
        tested = enter(setting.pool())
        first = interleave(
            [
                our("pool", pool.first_results(tested, PLOT)),
                *(peer(each.name, peers.first_results(each, runner, PLOT)) for each in _JUPYTERS),
            ],
            rounds=rounds,
        )
        again = interleave(
            [
                our("pool", enter(pool.executions(tested, PLOT)), batch=batch),
                *(
                    peer(each.name, enter(peers.executions(each, runner, PLOT)), batch=batch)
                    for each in _JUPYTERS
                ),
            ],
            rounds=rounds,
        )
    return [
        Section(title="new identifier to first plot", unit=MILLISECONDS, figures=first),
        Section(title="plot in a session that has plotted", unit=MILLISECONDS, figures=again),
    ]
