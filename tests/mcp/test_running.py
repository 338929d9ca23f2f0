"""How code is taken, what a long run tells, and pools that run commands."""

import anyio
import pytest
from mcp.client import Client

from dynamic_sessions import AsyncSessionPool
from dynamic_sessions.testing import ScriptedService
from dynamic_sessions_local import LocalSessionPool
from dynamic_sessions_mcp import ServerSettings, create_server

from .connecting import DEADLINE, data_of, text_of


def double(number: int) -> int:
    """Return twice the number."""
    return 2 * number


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_long_run_says_that_it_goes_on(pool: LocalSessionPool, mode: str) -> None:
    settings = ServerSettings(progress_seconds=0.02, timeout=50)
    server = create_server(pool.endpoint, pool.credential, settings=settings)
    notices: list[tuple[float, float | None, str | None]] = []
    twice = anyio.Event()

    async def note(progress: float, total: float | None, message: str | None) -> None:
        notices.append((progress, total, message))
        if len(notices) == 2:
            twice.set()

    async with Client(server, mode=mode) as client, anyio.create_task_group() as tasks:

        async def run() -> None:
            code = "import os, time\nwhile not os.path.exists('go'): time.sleep(0.01)"
            await client.call_tool("run_python", {"code": code}, progress_callback=note)

        tasks.start_soon(run)
        with anyio.fail_after(DEADLINE):
            await twice.wait()
            await client.call_tool("write_file", {"name": "go", "content": ""})
    times = [progress for progress, _, _ in notices]
    assert times == sorted(set(times))
    assert {total for _, total, _ in notices} == {50}
    assert all(message and message.startswith("running for") for _, _, message in notices)


async def test_wrapping_around_code_is_taken_off(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    async with Client(create_server(session_pool=session_pool)) as client:
        await client.call_tool("run_python", {"code": "```python\npython_version = 3\n```"})
    assert service.code == ["python_version = 3"]


async def test_functions_are_described_and_can_be_called(pool: LocalSessionPool) -> None:
    server = create_server(pool.endpoint, pool.credential, functions=[double])
    async with Client(server) as client:
        (tool, *_) = (await client.list_tools()).tools
        run = await client.call_tool("run_python", {"code": "double(21)"})
    assert tool.description is not None
    assert "def double(number: int) -> int:" in tool.description
    assert text_of(run) == "42"


async def test_long_output_is_cut_in_the_text_and_in_the_data(pool: LocalSessionPool) -> None:
    settings = ServerSettings(output_limit=500)
    server = create_server(pool.endpoint, pool.credential, settings=settings)
    async with Client(server) as client:
        run = await client.call_tool("run_python", {"code": "print('x y ' * 1000)\n'y z ' * 1000"})
    assert len(text_of(run)) <= 500
    assert data_of(run)["output"] == text_of(run)
    assert data_of(run)["result"] is None


async def test_a_model_cannot_have_more_time_than_the_operator_grants(
    pool: LocalSessionPool,
) -> None:
    server = create_server(pool.endpoint, pool.credential, settings=ServerSettings(timeout=1))
    async with Client(server) as client:
        code = {"code": "while True: pass", "timeout_seconds": 200}
        with anyio.fail_after(DEADLINE):
            run = await client.call_tool("run_python", code)
    assert "time limit" in text_of(run)


async def test_a_shell_pool_runs_commands(shell_pool: LocalSessionPool) -> None:
    settings = ServerSettings(kind="shell")
    server = create_server(shell_pool.endpoint, shell_pool.credential, settings=settings)
    async with Client(server) as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]
        await client.call_tool("run_shell", {"command": "cat > f", "stdin": "b\na\n"})
        run = await client.call_tool("run_shell", {"command": "sort f; exit 3"})
        read = await client.call_tool("read_file", {"name": "f"})
    assert tools[0] == "run_shell"
    assert "run_python" not in tools
    assert text_of(run).startswith("a\nb\n")
    assert run.is_error
    assert data_of(run)["exit_code"] == 3
    assert text_of(read) == "b\na\n"
