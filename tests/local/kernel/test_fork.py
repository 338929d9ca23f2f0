"""The zygote: what survives it, and that what is forked from it is independent."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from dynamic_sessions_local.launchers import Launcher, select_launcher
from dynamic_sessions_local.limits import MIB, Limits
from dynamic_sessions_local.settings import LauncherName

from .conftest import run_in
from .leftovers import Leftovers, descendants

Start = Callable[..., Awaitable[Launcher]]
# Chosen so that none of another pool's processes has it in its command line.
LIMITS = Limits(temporary_bytes=16 * MIB + 4096 * (os.getpid() % 1000))


@pytest_asyncio.fixture(loop_scope="session")
async def start() -> AsyncGenerator[Start]:
    """Start launchers, which end with the test."""
    started: list[Launcher] = []

    async def start(*preload: str) -> Launcher:
        launcher = await select_launcher(
            isolation="sandbox", launcher="fork", python=None, limits=LIMITS, preload=preload
        )
        started.append(launcher)
        return launcher

    yield start
    for launcher in started:
        await launcher.close()


def zygote_below(before: set[str]) -> int:
    """Return the number of the process that started first of those with the zygote's command line."""
    found = [
        process
        for process in sorted(descendants() - before, key=int)
        if b"\0zygote\0" in Path(f"/proc/{process}/cmdline").read_bytes()
        and "python" in Path(f"/proc/{process}/exe").readlink().name
    ]
    return int(found[0])


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - nobody sends an event
            await asyncio.sleep(0.01)


async def test_sessions_outlive_the_zygote_and_new_ones_come_from_another(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    before = descendants()
    launcher = await start()
    zygote = zygote_below(before)
    old = await launcher.launch()
    await run_in(old)("x = 41")

    os.kill(zygote, signal.SIGKILL)
    await until(lambda: str(zygote) not in descendants())
    new = await launcher.launch()

    assert (await run_in(old)("x + 1")).value.data == 42
    assert (await run_in(new)("1 + 1")).value.data == 2
    assert str(zygote) not in descendants()
    assert "restarting it" in caplog.text
    await old.close()
    await new.close()


async def test_the_sandbox_of_a_dead_zygote_goes_with_its_last_session(start: Start) -> None:
    before = descendants()
    launcher = await start()
    (sandbox,) = {process for process in descendants() - before if is_child(process)}
    zygote = zygote_below(before)
    sessions = [await launcher.launch() for _ in range(2)]
    os.kill(zygote, signal.SIGKILL)
    await until(lambda: str(zygote) not in descendants())
    await (await launcher.launch()).close()
    await sessions[0].close()
    assert sandbox in descendants()
    await sessions[1].close()
    await until(lambda: sandbox not in descendants())


def is_child(process: str) -> bool:
    parent = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1]
    return int(parent) == os.getpid()


async def test_a_zygote_that_hangs_or_dies_under_a_request_is_replaced(start: Start) -> None:
    before = descendants()
    launcher = await start()
    zygote = zygote_below(before)
    os.kill(zygote, signal.SIGSTOP)
    launching = asyncio.ensure_future(launcher.launch())
    done, _ = await asyncio.wait({launching}, timeout=0.2)
    assert not done
    os.kill(zygote, signal.SIGKILL)
    kernel = await launching
    assert (await run_in(kernel)("1 + 1")).value.data == 2
    await kernel.close()


async def test_closing_leaves_nothing_whatever_lives(start: Start) -> None:
    leftovers = Leftovers()
    launcher = await start()
    kernel = await launcher.launch()
    await run_in(kernel)("import subprocess; subprocess.Popen(['setsid', 'sleep', '1000'])")
    await launcher.close()
    assert not kernel.alive
    await kernel.close()
    assert await leftovers.are_none()


async def test_two_sessions_have_no_random_number_in_common(start: Start) -> None:
    launcher = await start("numpy", "tempfile")
    code = """
import random, secrets, tempfile, uuid, numpy
[random.random(), secrets.token_hex(), uuid.uuid4().hex, numpy.random.random(),
 numpy.random.default_rng().random(), tempfile.mktemp(), numpy.random.randint(1 << 40)]
"""
    drawn: list[set[str]] = []
    for _ in range(2):
        kernel = await launcher.launch()
        drawn.append(set(str((await run_in(kernel)(code)).value.data).split("\n")))
        await kernel.close()
    assert len(drawn[0]) == len(drawn[1]) == 7
    assert not drawn[0] & drawn[1]


async def test_the_buffers_of_a_sessions_connections_are_small(start: Start) -> None:
    kernel = await (await start()).launch()
    run = run_in(kernel)
    for name in ("tcp_rmem", "tcp_wmem"):
        reply = await run(f"int(open('/proc/sys/net/ipv4/{name}').read().split()[-1])")
        assert reply.value.data == 128 << 10
    await kernel.close()


async def test_preloading_leaves_nothing_but_the_modules(start: Start) -> None:
    launcher = await start("numpy", "pandas", "matplotlib.pyplot")
    kernel = await launcher.launch()
    run = run_in(kernel)
    names = await run("sorted(name for name in globals() if not name.startswith('_'))")
    assert names.value.data == str(["In", "Out", "exit", "get_ipython", "open", "quit"])
    assert (await run("(_ == ___, __, hasattr(sys, 'last_value')) if (sys := __import__('sys')) else 0"
                      )).value.data == str((False, "", False))  # fmt: skip
    loaded = await run("{'numpy', 'pandas', 'matplotlib.pyplot'} <= set(sys.modules)")
    assert loaded.value.data is True
    assert (await run("(_, len(Out))")).value.data == str((True, 3))
    assert (await run("import matplotlib.pyplot as p; p.get_fignums()")).value.data == "[]"
    await kernel.close()


THREADS = (
    "import threading, time; threading.Thread(target=time.sleep, args=[60], daemon=True).start()"
)


@pytest.mark.parametrize(
    ("name", "source", "reason"),
    [
        ("fork", "raise ValueError('it is broken')", "ValueError: it is broken"),
        ("spawn", "raise ValueError('it is broken')", "ValueError: it is broken"),
        ("fork", "import sys; sys.exit('it left')", "SystemExit: it left"),
        ("spawn", "import sys; sys.exit('it left')", "SystemExit: it left"),
        # Threads do no harm where nothing is forked.
        ("fork", THREADS, "it starts threads"),
        ("fork", "import os; os._exit(3)", "ended the process"),
    ],
)
async def test_a_module_that_cannot_be_preloaded_is_warned_of_and_left_out(
    environment: Path,
    caplog: pytest.LogCaptureFixture,
    name: LauncherName,
    source: str,
    reason: str,
) -> None:
    packages = next(environment.glob("lib/python*/site-packages"))
    (packages / "faulty.py").write_text(source)
    launcher = await select_launcher(
        isolation="sandbox",
        launcher=name,
        python=str(environment / "bin/python"),
        limits=Limits(),
        preload=["json", "faulty", "wave"],
    )
    with caplog.at_level(logging.WARNING):
        kernel = await launcher.launch()
    loaded = await run_in(kernel)("import sys; ('faulty' in sys.modules, 'wave' in sys.modules)")
    await kernel.close()
    await launcher.close()
    assert reason in caplog.text
    assert "faulty" in caplog.text
    assert loaded.value.data == str((False, reason != "ended the process"))


async def test_a_module_that_is_not_there_is_a_warning(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        launcher = await start("no_such_module")
        for _ in range(2):
            await (await launcher.launch()).close()
    assert caplog.text.count("without no_such_module preloaded") == 1
