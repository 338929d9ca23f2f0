"""Starting and closing: what comes up, what is left, and who notices a failure."""

import asyncio
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

import dynamic_sessions_local.server
from dynamic_sessions_local import LocalSessionPool, SandboxUnavailableError
from dynamic_sessions_local.launchers import Launcher

from .waiting import PATIENCE, until


def pool_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if "sessions" in thread.name}


def alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def call(pool: LocalSessionPool, method: str, path: str, **options: Any) -> httpx.Response:
    return httpx.request(
        method,
        f"{pool.endpoint}{path}",
        params={"api-version": "2025-10-02-preview", "identifier": "the-session"},
        headers={"authorization": f"Bearer {pool.credential.get_token().token}"},
        timeout=PATIENCE,
        **options,
    )


def execute(pool: LocalSessionPool, code: str) -> object:
    response = call(pool, "POST", "executions", json={"code": code})
    return response.json()["result"]["executionResult"]


def python(script: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(  # noqa: S603 - the text of a test
        [sys.executable, "-W", "error", "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process: "subprocess.Popen[str]") -> str:
    """What a script printed; it must have ended well and silently."""
    with process:
        # Some scripts start dozens of sessions, on a machine that may have much else to do.
        out, err = process.communicate(timeout=3 * PATIENCE)
    assert (process.returncode, err) == (0, "")
    return out


def test_nothing_is_left_of_a_closed_pool() -> None:
    # In a process of its own: the pools of other tests have threads and kernels too.
    out = finished(
        python(
            """
import gc, os, pathlib, threading, httpx
from dynamic_sessions_local import LocalSessionPool

def left():
    gc.collect()
    tasks = pathlib.Path("/proc/self/task").glob("*/children")
    return (
        threading.active_count(),
        len(os.listdir("/proc/self/fd")),
        "".join(task.read_text() for task in tasks),
    )

httpx.Client().close()
before = left()
for _ in range(3):
    with LocalSessionPool(warm=2) as pool:
        endpoint = pool.endpoint
        httpx.post(
            endpoint + "files",
            params={"api-version": "2025-10-02-preview", "identifier": "the-session"},
            headers={"authorization": "Bearer " + pool.credential.get_token().token},
            files={"file": ("a", b"x")},
            timeout=30,
        ).raise_for_status()
        assert left()[2]
    try:
        httpx.get(endpoint)
    except httpx.ConnectError:
        print("refused")
after = left()
assert after == before, (before, after)
"""
        )
    )
    assert out.split() == ["refused"] * 3


@pytest.mark.parametrize("launcher", ["fork", "spawn"])
def test_a_process_out_of_descriptors_refuses_sessions_and_recovers(launcher: str) -> None:
    out = finished(
        python(
            f"""
import os, resource, httpx
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
from dynamic_sessions_local import LocalSessionPool

def left():
    return len(os.listdir("/proc/self/fd"))

with LocalSessionPool(launcher={launcher!r}, preload=(), max_warm=0, warm=0) as pool:
    client = httpx.Client(
        base_url=pool.endpoint,
        headers={{"authorization": "Bearer " + pool.credential.get_token().token}},
        timeout=30,
    )
    def call(method, path, number, **options):
        parameters = {{"api-version": "2025-10-02-preview", "identifier": f"session-{{number}}"}}
        return client.request(method, path, params=parameters, **options)
    def execute(number):
        return call("POST", "executions", number, json={{"code": "1 + 1"}})
    execute(0).raise_for_status()
    call("DELETE", "session", 0)
    before = left()
    replies = [execute(number) for number in range(25)]
    failed = [reply for reply in replies if not reply.is_success]
    for number in range(25):
        call("DELETE", "session", number)
    print(len(failed) > 0, {{reply.status_code for reply in failed}})
    print(all("oo many open files" in reply.text for reply in failed), left() == before)
    print(execute(99).json()["result"]["executionResult"])
    client.close()
"""
        )
    )
    assert out.splitlines() == ["True {503}", "True True", "2"]


def test_closing_ends_code_that_runs_and_answers_its_caller() -> None:
    code = {"code": "open('/mnt/data/begun', 'w').close()\nwhile True: pass"}
    with ThreadPoolExecutor(1) as threads:
        with LocalSessionPool() as pool:
            running = threads.submit(call, pool, "POST", "executions", json=code)
            until(lambda: call(pool, "GET", "files/begun").status_code == 200)
            begun = time.monotonic()
        assert running.result(PATIENCE).json()["status"] == "Canceled"
    assert time.monotonic() - begun < 10


async def test_a_pool_serves_any_event_loop() -> None:
    async with LocalSessionPool(warm=0) as pool:
        assert await asyncio.to_thread(execute, pool, "1 + 1") == 2
    assert not pool.running


async def test_a_start_that_is_cancelled_leaves_nothing() -> None:
    before = pool_threads()
    pool = LocalSessionPool(warm=0)
    entering = asyncio.create_task(pool.__aenter__())
    await asyncio.sleep(0)
    entering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await entering
    assert not pool.running
    assert pool_threads() <= before


def test_a_pool_can_be_closed_twice_and_started_again() -> None:
    pool = LocalSessionPool(warm=0)
    pool.close()
    pool.start()
    with pytest.raises(RuntimeError):
        pool.start()
    pool.close()
    pool.close()
    with pool:
        assert pool.isolation
        assert execute(pool, "1") == 1


@pytest.mark.parametrize("attribute", ["endpoint", "isolation"])
def test_a_pool_that_does_not_run_has_no_endpoint(attribute: str) -> None:
    with pytest.raises(RuntimeError):
        getattr(LocalSessionPool(), attribute)


def test_the_token_is_random_and_hidden() -> None:
    one, two = LocalSessionPool(), LocalSessionPool()
    token = one.credential.get_token("https://dynamicsessions.io/.default", claims=None)
    assert len(token.token) >= 32
    assert token.token != two.credential.get_token().token
    assert token.expires_on > time.time() + 3600
    for shown in (repr(one), repr(one.credential), repr(token)):
        assert token.token not in shown


def test_a_port_in_use_is_an_error_of_the_caller() -> None:
    before = pool_threads()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        pool = LocalSessionPool(port=taken.getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            pool.start()
    assert not pool.running
    assert pool_threads() <= before


def test_a_missing_sandbox_is_an_error_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(**_: object) -> Launcher:
        raise SandboxUnavailableError("nothing works here", "install something")

    monkeypatch.setattr(dynamic_sessions_local.server, "select_launcher", refuse)
    before = pool_threads()
    pool = LocalSessionPool()
    with pytest.raises(SandboxUnavailableError, match="install something"):
        pool.start()
    assert not pool.running
    assert pool_threads() <= before


@pytest.mark.parametrize(
    "options",
    [
        {"isolation": "none", "host": "0.0.0.0"},  # noqa: S104 - must be refused
        {"isolation": "none", "host": "example.com"},
        {"isolation": "maybe"},
        {"token": ""},
        {"token": "two words"},
        {"token": "línea"},
        {"port": 65_536},
        {"warm": -1},
        {"max_sessions": 0},
        {"cooldown": 0},
    ],
)
def test_arguments_that_make_no_sense_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        LocalSessionPool(**options)  # pyright: ignore[reportArgumentType] - that is the point


def test_without_a_sandbox_the_pool_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with LocalSessionPool(isolation="none", warm=0) as pool:
        assert pool.isolation == "none"
    assert "without isolation" in caplog.text


def test_importing_the_package_loads_no_server_and_no_shell() -> None:
    heavy = finished(
        python(
            "import sys, dynamic_sessions_local\n"
            "heavy = {'uvicorn', 'starlette', 'IPython', 'anyio', 'asyncio.subprocess'}\n"
            "print(sorted(heavy & set(sys.modules)))"
        )
    )
    assert heavy.strip() in {"[]", "['asyncio.subprocess']"}


def test_the_shared_pool_is_one_and_ends_with_the_interpreter() -> None:
    out = finished(
        python(
            """
import threading
from concurrent.futures import ThreadPoolExecutor
from dynamic_sessions_local import shared_pool
with ThreadPoolExecutor(8) as threads:
    pools = list(threads.map(lambda _: shared_pool(), range(8)))
assert len(set(map(id, pools))) == 1
pools[0].close()
pool = shared_pool()
assert pool.running and pool is not pools[0]
import httpx, pathlib
httpx.post(
    pool.endpoint + "files",
    params={"api-version": "2025-10-02-preview", "identifier": "the-session"},
    headers={"authorization": "Bearer " + pool.credential.get_token().token},
    files={"file": ("a", b"x")},
    timeout=30,
).raise_for_status()
for task in pathlib.Path("/proc/self/task").glob("*/children"):
    print(task.read_text())
"""
        )
    )
    sandboxes = [int(text) for text in out.split()]
    assert sandboxes
    assert not any(map(alive, sandboxes))


def test_a_forked_child_has_a_shared_pool_of_its_own() -> None:
    out = finished(
        python(
            """
import os, sys
from dynamic_sessions_local import shared_pool
parent = shared_pool()
endpoint = parent.endpoint
if os.fork() == 0:
    parent.close()
    assert shared_pool().endpoint != endpoint
    sys.exit()
_, status = os.wait()
import httpx
assert status == 0
print(httpx.get(endpoint).status_code)
"""
        )
    )
    assert out.split() == ["401"]


@pytest.mark.parametrize("launcher", ["fork", "spawn"])
def test_sandboxes_die_with_an_interpreter_that_is_killed_whatever_they_do(launcher: str) -> None:
    process = python(
        f"""
import pathlib, threading, time
from dynamic_sessions_local import LocalSessionPool
pool = LocalSessionPool(warm=0, launcher={launcher!r}).start()
import httpx
client = httpx.Client(
    base_url=pool.endpoint,
    params={{"api-version": "2025-10-02-preview", "identifier": "the-session"}},
    headers={{"authorization": "Bearer " + pool.credential.get_token().token}},
    timeout=60,
)
code = "open('begun', 'w').close()\\nwhile True: pass"
threading.Thread(target=client.post, args=["executions"], kwargs={{"json": {{"code": code}}}}).start()
while not client.get("files").json()["value"]:
    time.sleep(0.01)

def below(process):
    for task in pathlib.Path(f"/proc/{{process}}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield child
            yield from below(child)

print(*below("self"), flush=True)
input()
"""
    )
    with process:
        assert process.stdout is not None
        sandboxes = [int(text) for text in process.stdout.readline().split()]
        assert len(sandboxes) > 1
        assert all(map(alive, sandboxes))
        process.send_signal(signal.SIGKILL)
        until(lambda: not any(map(alive, sandboxes)))
