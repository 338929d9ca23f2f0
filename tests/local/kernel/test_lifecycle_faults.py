"""Code that breaks the worker it runs in, on purpose or not: it hurts its own session at most."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dynamic_sessions_local.kernel import Kernel, KernelReply
from dynamic_sessions_local.launchers import Launcher

from .conftest import LIMITS, Run, run_in, until_files_exist
from .test_endings import processes_with

# After these the session goes on as if nothing had been.
HARMLESS = {
    "has no output": "import sys; sys.stdout = sys.stderr = None",
    "blocks all signals": """
import signal; signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals());""",
    "ignores all signals": """
import signal
for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, signal.SIG_IGN)""",
    "uses up its descriptors": """
import os
held = []
try:
    while True: held.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    pass""",
    "may open no files": "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))",
    "may write no files": "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))",
    "may start no processes": "import resource; resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))",
    "leaves when it ends": "import atexit, sys; atexit.register(sys.exit, 3);",
    "never ends when it ends": "import atexit, time; atexit.register(time.sleep, 1000);",
    "never ends a thread": """
import threading; threading.Thread(target=threading.Event().wait).start()""",
    "replaces the hooks": """
import sys
def fail(*_): raise RuntimeError
sys.displayhook = sys.excepthook = sys.unraisablehook = fail""",
    "is elsewhere": "import os; os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')",
    "fails in its destructor": """
class Bad:
    def __del__(self): raise SystemExit
bad = Bad(); del bad""",
    "catches everything": """
import signal
for _ in range(3):
    try: exit()
    except BaseException: pass""",
    "takes in orphans": "import ctypes; ctypes.CDLL(None).prctl(36, 1, 0, 0, 0);",
    "is deep in calls": "def f(): return f()\ntry: f()\nexcept RecursionError: pass",
}
# After these the session goes on or is over; either way that is told, and soon.
HARMFUL = {
    "replaces its output": "import io, sys; sys.stdout = io.StringIO(); sys.stderr = object()",
    "deletes its output": "import sys; del sys.stdout, sys.stderr, sys.__stdout__",
    "closes all descriptors": "import os; os.closerange(0, 512)",
    "closes all but its output": "import os; os.closerange(3, 512)",
    "closes its output": "import os; os.closerange(0, 3)",
    "may have no memory": "import resource; resource.setrlimit(resource.RLIMIT_AS, (0, 0))",
    "may take no time": "import resource; resource.setrlimit(resource.RLIMIT_CPU, (0, 0))",
    "may not call": "import sys; sys.setrecursionlimit(40)",
    "has no built-in functions": "import builtins; vars(builtins).clear()",
    "has no modules": "import sys; sys.modules.clear()",
    "has no shell": "vars(get_ipython()).clear()",
    "changes how its shell runs": "get_ipython().run_cell = lambda *a, **k: 1",
    "traces with a fault": "import sys\ndef fail(*_): raise RuntimeError\nsys.settrace(fail)",
    "sends no replies": """
import sys; sys.modules["dynamic_sessions_worker.framing"].send = lambda *a, **k: None""",
    "fails when it replies": """
import sys; sys.modules["dynamic_sessions_worker.framing"].send = None""",
    "writes nonsense for JSON": "import json; json.dumps = lambda *a, **k: '[]'",
    "receives nonsense": """
import sys; sys.modules["dynamic_sessions_worker.framing"].receive = lambda *a: {"id": 1}""",
    "fits nothing": """
import sys
sys.modules["dynamic_sessions_worker.values"].fit = lambda _: ({"data": "x" * (30 << 20)}, False)""",
    "asks for an alarm": "import signal; signal.setitimer(signal.ITIMER_REAL, 0.05)",
    "kills all others": "import os, signal; os.kill(-1, signal.SIGKILL)",
    "kills its group": "import os, signal; os.killpg(0, signal.SIGKILL)",
    "kills its group softly": "import os, signal; os.killpg(0, signal.SIGTERM)",
}


async def still_works(run: Run) -> bool:
    reply = await run("print('out')\n1 + 1")
    return (reply.status, reply.stdout, reply.value.data) == ("succeeded", "out\n", 2)


@pytest.mark.parametrize("what", HARMLESS)
async def test_a_session_outlives_code_that(run: Run, what: str) -> None:
    reply = await run(f"kept = 'state'\n{HARMLESS[what]}")
    assert (reply.status, reply.state_lost) == ("succeeded", False), reply.stderr
    assert await still_works(run)
    assert (await run("kept")).value.data == "state"
    interrupted = await run("while True: pass", timeout=0.2)
    assert (interrupted.status, interrupted.state_lost) == ("timed_out", False)
    assert await still_works(run)


@pytest.mark.parametrize("what", HARMFUL)
async def test_a_session_tells_whether_it_outlived_code_that(launcher: Launcher, what: str) -> None:
    kernel = await launcher.launch()
    replies: list[KernelReply] = []
    for code in (HARMFUL[what], "1 + 1", "1 + 1"):
        replies.append(await kernel.execute(code, timeout=1, output_limit=100_000))
        assert replies[-1].state_lost is not kernel.alive
    lost = [reply.state_lost for reply in replies]
    assert lost == sorted(lost)
    await kernel.close()
    successor = await launcher.launch()
    assert await still_works(run_in(successor))
    await successor.close()


@pytest.mark.parametrize(
    "code",
    [
        "import os, signal; os.killpg(0, signal.SIGSTOP)",
        "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
        (
            "import os, signal\nfor n in (signal.SIGTSTP, signal.SIGTTIN, signal.SIGSTOP):\n"
            "    os.kill(0, n)"
        ),
        "import os, signal; os.fork() or os.kill(os.getppid(), signal.SIGSTOP); os.wait()",
        (
            "class Endless:\n    def __repr__(self):\n        while True:\n"
            "            try: sum(range(10 ** 12))\n            except BaseException: pass\nEndless()"
        ),
        (
            "class Endless(Exception):\n    def __str__(self):\n        while True:\n"
            "            try: sum(range(10 ** 12))\n            except BaseException: pass\nraise Endless"
        ),
    ],
)
async def test_code_that_stops_its_own_worker_ends_at_its_time_limit(
    run: Run, kernel: Kernel, code: str
) -> None:
    reply = await run(f"print('begun')\n{code}", timeout=0.3)
    assert (reply.status, reply.stdout, reply.state_lost) == ("timed_out", "begun\n", True)
    assert not kernel.alive


async def test_a_worker_that_was_stopped_between_executions_ends_at_the_next_time_limit(
    run: Run, kernel: Kernel
) -> None:
    await run(
        "import os, subprocess\n"
        "open('wait', 'w').close()\n"
        "script = f'while [ -e wait ]; do :; done; kill -STOP {os.getpid()}; touch stopped'\n"
        "subprocess.Popen(['sh', '-c', script]);"
    )
    os.unlink("wait", dir_fd=kernel.data_directory)
    await until_files_exist(kernel, {"stopped"})
    reply = await run("1 + 1", timeout=0.3)
    assert (reply.status, reply.state_lost) == ("timed_out", True)


async def test_a_worker_that_dies_between_executions_is_noticed(run: Run, kernel: Kernel) -> None:
    await run(
        "import os, threading\n"
        "open('wait', 'w').close()\n"
        "def die():\n"
        "    while os.path.exists('/mnt/data/wait'): pass\n"
        "    os._exit(1)\n"
        "threading.Thread(target=die).start()"
    )
    assert kernel.alive
    os.unlink("wait", dir_fd=kernel.data_directory)
    async with asyncio.timeout(30):
        while kernel.alive:  # noqa: ASYNC110 - nobody sends an event
            await asyncio.sleep(0.01)
    reply = await run("1 + 1")
    assert (reply.status, reply.stderr, reply.state_lost) == ("aborted", "Execution aborted", True)


DAEMONS = """
import os
for _ in range(300):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os._exit(0)
        os._exit(0)
    os.wait()
"""
COUNT = """
import glob, os, signal
states = []
for path in glob.glob("/proc/[0-9]*/stat"):
    try:
        states.append(open(path).read().rpartition(")")[2].split()[0])
    except OSError:
        pass  # it has been reaped meanwhile
children = []
try:
    while len(children) < 1000:
        children.append(os.fork())
        if not children[-1]:
            signal.pause()
except OSError:
    pass
for child in children:
    os.kill(child, signal.SIGKILL)
    os.wait()
(states.count("Z"), len(children))
"""


async def test_orphans_leave_no_zombies_and_do_not_count(run: Run) -> None:
    assert (await run(DAEMONS)).status == "succeeded"
    # The last of them may not be reaped yet.
    async with asyncio.timeout(30):
        while True:
            zombies, started = map(int, str((await run(COUNT)).value.data).strip("()").split(","))
            if zombies == 0:
                break
    # The worker itself is one of those that the limit counts.
    assert started in {LIMITS.processes - 1, LIMITS.processes - 2}


async def test_grandchildren_outlive_their_cell_but_not_their_session(
    run: Run, kernel: Kernel
) -> None:
    mark = f"grandchild-of-{os.getpid()}-{id(kernel)}"
    script = f"touch runs; while [ ! -e go ]; do :; done; touch went; sleep 1000; echo {mark}"
    reply = await run(
        f"import subprocess; subprocess.Popen(['setsid', '-f', 'sh', '-c', {script!r}]);"
    )
    assert (reply.status, kernel.alive) == ("succeeded", True)
    await until_files_exist(kernel, {"runs"})
    await run("open('go', 'w').close()")
    await until_files_exist(kernel, {"went"})
    assert processes_with(mark)
    await kernel.kill()
    assert processes_with(mark) == []


async def test_a_fork_that_was_forgotten_in_a_cell_does_not_answer_later(run: Run) -> None:
    await run("import os, time\nif os.fork() == 0:\n    time.sleep(0.2)\n")
    replies = [await run(f"{number}") for number in range(100)]
    await run("import os; os.wait();")
    replies += [await run(f"{number}") for number in range(100, 200)]
    assert [reply.value.data for reply in replies] == list(range(200))


async def test_a_thread_that_fills_the_pipe_does_not_hold_up_executions(run: Run) -> None:
    first = await run(
        "import os, threading\n"
        "flooded = threading.Event()\n"
        "def flood():\n"
        "    while True:\n"
        "        os.write(1, b'y' * 65536)\n"
        "        flooded.set()\n"
        "threading.Thread(target=flood, daemon=True).start()\n"
        "flooded.wait();"
    )
    replies = [await run(f"{number}") for number in range(20)]
    assert [reply.value.data for reply in replies] == list(range(20))
    assert set("".join(reply.stdout for reply in (first, *replies))) == {"y"}


@pytest.mark.parametrize(
    "code",
    [
        "raise ValueError('x' * (100 << 20))",
        "raise type('E' * (1 << 20), (Exception,), {})",
        "raise ExceptionGroup('g', [ValueError(n) for n in range(20_000)])",
        "def f(n): return f(n - 1) if n else 1 / 0\nimport sys\nsys.setrecursionlimit(5000)\nf(4000)",
        (
            "error = None\nfor n in range(300):\n    try: raise ValueError(n) from error\n"
            "    except ValueError as e: error = e\nraise error"
        ),
        "exec(compile('\\n' * 1_000_000 + '1 / 0', 'long', 'exec'))",
        "a = " + "[" * 90 + "1 / 0" + "]" * 90,
        "+".join(["1"] * 1000) + "+ 1 / 0",
    ],
    ids=lambda code: code[:30],
)
async def test_a_huge_traceback_is_cut(run: Run, code: str) -> None:
    reply = await run(code)
    assert (reply.status, reply.state_lost) == ("failed", False), reply.stderr[-300:]
    assert 0 < len(reply.stderr) <= 1 << 18
    assert await still_works(run)


@pytest.mark.parametrize(
    "code",
    ["'x' * (300 << 20)", "[['y' * 1000] * 1000] * 200", "10 ** 4000", "type('V', (), {'a': 1} )"],
)
async def test_a_huge_value_is_cut_or_shown_as_text(run: Run, code: str) -> None:
    reply = await run(code)
    assert (reply.status, reply.state_lost) == ("succeeded", False)
    assert len(str(reply.value.data)) <= 16 << 20
    assert await still_works(run)


SERVER = """
import asyncio, sys
from dynamic_sessions_local.launchers import select_launcher
from dynamic_sessions_local.limits import Limits

async def main():
    launcher = await select_launcher(
        isolation="sandbox", launcher=sys.argv[1], python=None, limits=Limits(), preload=()
    )
    kernel = await launcher.launch()
    await kernel.execute(sys.argv[2], timeout=60, output_limit=100)
    print("ready", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""
# One that tries to stay, by each means that a process has.
CLING = """
import ctypes, os, signal, subprocess
for number in signal.valid_signals() - {{signal.SIGKILL, signal.SIGSTOP}}:
    signal.signal(number, signal.SIG_IGN)
ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)
for way in (["setsid", "-f"], ["nohup"], []):
    subprocess.Popen([*way, "sh", "-c", "while :; do sleep 1; done", "{mark}"])
"""


async def test_a_server_that_is_killed_leaves_no_session(launcher: Launcher) -> None:
    mark = f"session-without-a-server-{os.getpid()}"
    command = [sys.executable, "-c", SERVER, launcher.name, CLING.format(mark=mark)]
    server = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    assert server.stdout is not None
    try:
        async with asyncio.timeout(60):
            assert await server.stdout.readline() == b"ready\n"
            while len(left := set(processes_with(mark)) - {str(server.pid)}) < 3:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        server.send_signal(signal.SIGKILL)
        await server.wait()
    async with asyncio.timeout(30):
        while any(Path(f"/proc/{process}").exists() for process in left):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert processes_with(mark) == []
