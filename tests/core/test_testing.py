import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from dynamic_sessions import AsyncSessionPool, ServiceError
from dynamic_sessions.testing import ScriptedExecution, ScriptedService

URL = "https://pool.test/subscriptions/s/sessionPools/p"


def greet(name: str) -> str:
    """Greet somebody."""
    return f"Hello, {name}"


async def test_code_of_callers_is_remembered_without_set_ups() -> None:
    service = ScriptedService()
    async with AsyncSessionPool(URL, "token", transport=service.transport) as pool:
        await pool.session().execute("first")
        await pool.session(functions=[greet]).execute("second")
    assert service.code == ["first", "second"]


async def test_a_script_can_be_a_function_of_the_code() -> None:
    def answer(code: str) -> ScriptedExecution:
        return ScriptedExecution(stdout=code.upper(), failed="1 / 0" in code)

    service = ScriptedService(answer)
    async with AsyncSessionPool(URL, "token", transport=service.transport) as pool:
        assert (await pool.session().execute("abc")).stdout == "ABC"
        assert not (await pool.session().execute("1 / 0")).ok


async def test_an_asynchronous_run_takes_as_many_polls_as_the_script_says() -> None:
    service = ScriptedService({"train()": ScriptedExecution(result=0.93, polls=2)})
    async with AsyncSessionPool(URL, "token", transport=service.transport) as pool:
        run = await pool.session().execute("train()", asynchronous=True)
    assert run.result == 0.93
    asked = [request for request in service.requests if "/executions/" in request.url.path]
    assert len(asked) == 2


async def test_a_fault_can_be_put_before_any_request() -> None:
    service = ScriptedService()
    async with AsyncSessionPool(URL, "token", transport=service.transport) as pool:
        session = pool.session("conversation")
        await session.set_up()
        service.fail_next(httpx.ReadError("reset"))
        with pytest.raises(ServiceError) as caught:
            await session.execute("1")
    assert caught.value.outcome_unknown
    assert service.code == []


async def test_a_session_tells_of_itself_as_the_service_does() -> None:
    service = ScriptedService()
    async with AsyncSessionPool(URL, "token", cooldown=0, transport=service.transport) as pool:
        session = pool.session("conversation")
        assert not (await session.execute("1")).session_recycled
        assert not (await session.execute("1")).session_recycled
        service.recycle("conversation")
        assert (await session.execute("1")).session_recycled


PLUGIN_TEST = """
def test_the_fixture_runs_real_code(session_pool):
    assert session_pool.session().execute("6 * 7").result == 42
"""


def test_the_fixture_is_there_wherever_the_package_is_installed(tmp_path: Path) -> None:
    (tmp_path / "test_agent.py").write_text(PLUGIN_TEST)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_agent.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_pytest_alone_does_not_load_the_client(tmp_path: Path) -> None:
    (tmp_path / "test_nothing.py").write_text(
        "import sys\ndef test_nothing():\n    assert 'dynamic_sessions' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_nothing.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr
