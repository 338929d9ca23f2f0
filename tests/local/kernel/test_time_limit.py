"""Time limits, interrupts and cancellation."""

import asyncio
import time

import pytest

from dynamic_sessions_local.kernel import Kernel

from .conftest import OUTPUT_LIMIT, Run, until_files_exist

TIMED_OUT = "Request timed out waiting for code execution to complete"


@pytest.mark.parametrize(
    "code",
    [
        "import time; time.sleep(60)",
        "while True: pass",
        "import os; os.system('sleep 60')",
        "import subprocess; subprocess.run(['sleep', '60'])",
        "!sleep 60",
        "import asyncio; await asyncio.sleep(60)",
        "import threading; threading.Event().wait()",
        "open('/dev/zero', 'rb').read(1 << 40) if False else [0 for _ in iter(int, 1)]",
    ],
)
async def test_code_over_its_time_is_interrupted_and_the_session_goes_on(
    run: Run, code: str
) -> None:
    await run("kept = 'state'")
    reply = await run(f"print('begun')\n{code}", timeout=0.3)
    assert (reply.status, reply.stderr, reply.stdout) == ("timed_out", TIMED_OUT, "begun\n")
    assert not reply.state_lost
    assert (await run("kept")).value.data == "state"


@pytest.mark.parametrize(
    "code",
    [
        "import time\nwhile True:\n    try: time.sleep(60)\n    except BaseException: pass",
        "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass",
        "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})\nwhile True: pass",
        "sum(range(10 ** 12))",
    ],
)
async def test_code_that_does_not_react_is_killed(run: Run, kernel: Kernel, code: str) -> None:
    reply = await run(f"print('begun')\n{code}", timeout=0.3)
    assert (reply.status, reply.stderr, reply.stdout) == ("timed_out", TIMED_OUT, "begun\n")
    assert reply.state_lost
    assert not kernel.alive
    assert reply.duration < 10


async def test_an_interrupt_handler_of_the_codes_own_does_not_outlive_the_execution(
    run: Run,
) -> None:
    await run("import signal; signal.signal(signal.SIGINT, signal.SIG_IGN);")
    reply = await run("while True: pass", timeout=0.3)
    assert (reply.status, reply.state_lost) == ("timed_out", False)


async def test_a_default_handler_that_the_code_left_does_not_let_a_late_interrupt_kill(
    run: Run, kernel: Kernel
) -> None:
    await run("import signal; signal.signal(signal.SIGINT, signal.SIG_DFL);")
    await kernel.interrupt()
    assert (await run("1 + 1")).value.data == 2


async def test_an_interrupt_between_executions_is_dropped(run: Run, kernel: Kernel) -> None:
    for number in range(200):
        await kernel.interrupt()
        reply = await run(f"{number}")
        await kernel.interrupt()
        assert reply.value.data == number, reply.stderr


async def test_an_interrupt_that_races_with_the_end_of_the_code_hits_no_other_execution(
    run: Run,
) -> None:
    for delay in range(40):
        # Ends at about the time of the limit: either way, only this execution may be hit.
        await run("import time; time.sleep(0.01)", timeout=0.0095 + delay * 0.00005)
        reply = await run("'untouched'")
        assert reply.value.data == "untouched", reply.stderr


async def test_interrupt_stops_the_code_that_runs(run: Run, kernel: Kernel) -> None:
    running = asyncio.ensure_future(run("open('begun', 'w').close()\nwhile True: pass"))
    await until_files_exist(kernel, {"begun"})
    await kernel.interrupt()
    reply = await running
    assert reply.status == "failed"
    assert reply.stderr.endswith("KeyboardInterrupt:")
    assert kernel.alive


async def test_cancelling_an_execution_stops_its_code_and_keeps_the_session(
    run: Run, kernel: Kernel
) -> None:
    await run("kept = 'state'")
    running = asyncio.ensure_future(run("open('begun', 'w').close()\nwhile True: pass"))
    await until_files_exist(kernel, {"begun"})
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert kernel.alive
    assert (await run("kept")).value.data == "state"


async def test_cancelling_code_that_does_not_react_kills_it(run: Run, kernel: Kernel) -> None:
    running = asyncio.ensure_future(run("open('begun', 'w').close()\nsum(range(10 ** 12))"))
    await until_files_exist(kernel, {"begun"})
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not kernel.alive


async def test_cancelling_twice_does_not_wait_for_the_grace(run: Run, kernel: Kernel) -> None:
    running = asyncio.ensure_future(run("open('begun', 'w').close()\nsum(range(10 ** 12))"))
    await until_files_exist(kernel, {"begun"})
    started = time.monotonic()
    running.cancel()
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not kernel.alive
    assert time.monotonic() - started < 1.5


async def test_executions_wait_for_one_another(kernel: Kernel) -> None:
    replies = await asyncio.gather(
        *(kernel.execute(f"{n}", timeout=60, output_limit=OUTPUT_LIMIT) for n in range(10))
    )
    assert [reply.value.data for reply in replies] == list(range(10))
