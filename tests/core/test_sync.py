import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dynamic_sessions import SessionPool


@pytest.fixture(scope="module")
def pool() -> Iterator[SessionPool]:
    with SessionPool("local") as pool:
        yield pool


def test_a_session_keeps_its_state(pool: SessionPool) -> None:
    session = pool.session()
    session.execute("x = 20")
    assert session.execute("x + 1").result == 21
    session.delete()


def test_files_go_in_and_come_out(pool: SessionPool, tmp_path: Path) -> None:
    session = pool.session()
    session.files.upload(b"abc", name="a.txt")
    assert [file.name for file in session.files.list()] == ["a.txt"]
    assert session.files.read("a.txt") == b"abc"
    assert session.files.download("a.txt", to=tmp_path).read_bytes() == b"abc"
    session.files.delete("a.txt")
    assert list(session.files.list()) == []


def test_many_threads_may_use_one_pool(pool: SessionPool) -> None:
    def work(number: int) -> object:
        return pool.session(f"thread-{number}").execute(f"{number} * 2").result

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(work, range(4))) == [0, 2, 4, 6]


async def test_it_works_inside_a_running_event_loop(pool: SessionPool) -> None:
    assert asyncio.get_running_loop().is_running()
    assert pool.session("in-a-loop").execute("1 + 1").result == 2


async def test_it_can_be_closed_inside_a_running_event_loop() -> None:
    with SessionPool("local") as pool:
        assert pool.session("in-a-loop").execute("1 + 1").result == 2
    assert asyncio.get_running_loop().is_running()


def double(number: int) -> int:
    return 2 * number


def test_functions_are_set_up_and_packages_listed(pool: SessionPool) -> None:
    session = pool.session(functions=[double])
    session.set_up()
    assert session.execute("double(4)").result == 8
    assert "ipython" in session.list_packages()


def test_closing_leaves_no_thread_behind() -> None:
    before = set(threading.enumerate())
    with SessionPool("local") as pool:
        assert pool.session().execute("1").result == 1
    left = {thread.name for thread in set(threading.enumerate()) - before}
    assert "dynamic-sessions-client" not in left


def test_a_program_that_closes_nothing_ends_all_the_same() -> None:
    program = """
from dynamic_sessions import SessionPool

session = SessionPool("local").session()
session.files.upload(b"x", name="a.txt")
print(session.execute("6 * 7").result)
"""
    done = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "42\n", "")


def test_ctrl_c_stops_the_code_and_the_pool_goes_on(pool: SessionPool) -> None:
    session = pool.session("interrupted")
    session.set_up()

    def interrupt_when_it_runs() -> None:
        while not any(file.name == "running" for file in session.files.list()):
            pass
        signal.pthread_kill(waiting, signal.SIGINT)

    waiting = threading.get_ident()
    watcher = threading.Thread(target=interrupt_when_it_runs)
    watcher.start()
    with pytest.raises(KeyboardInterrupt):
        session.execute("open('running', 'w').close()\nwhile True: pass")
    watcher.join()

    run = session.execute("import os; os.path.exists('running')")
    assert run.result is False
