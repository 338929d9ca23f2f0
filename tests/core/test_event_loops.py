import asyncio
import subprocess
import sys
from functools import partial

import anyio
import pytest
import trio

from dynamic_sessions import AsyncSessionPool
from dynamic_sessions.testing import ScriptedExecution, ScriptedService

URL = "https://pool.test/subscriptions/s/sessionPools/p"


def double(number: int) -> int:
    """Return twice the number."""
    return 2 * number


async def work_in_a_real_pool(folder: str) -> None:
    async with AsyncSessionPool("local") as pool:
        session = pool.session(functions=[double])
        assert (await session.execute("double(21)")).result == 42
        assert (await session.execute("6 * 7", asynchronous=True)).result == 42
        await session.files.upload(b"x" * 600_000, name="a.bin")
        copy = await session.files.download("a.bin", to=folder)
        assert copy.stat().st_size == 600_000
        with anyio.move_on_after(0.3):
            await session.execute("while True: pass")
        run = await session.execute("double(4)")
        assert run.result == 8
        assert run.session_recycled


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_everything_works_under_asyncio_and_trio(
    backend: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = str(tmp_path_factory.mktemp(backend))
    anyio.run(work_in_a_real_pool, folder, backend=backend)


class BlockingCredential:
    """A credential as those of azure.identity are: synchronous."""

    def get_token(self, *_scopes: str, **_kwargs: object) -> "BlockingCredential":
        return self

    token = "a token"
    expires_on = 2**40


def test_tokens_are_refreshed_under_trio() -> None:
    service = ScriptedService({"6 * 7": ScriptedExecution(result=42)})

    async def main() -> None:
        async with AsyncSessionPool(URL, BlockingCredential(), transport=service.transport) as pool:
            assert (await pool.session().execute("6 * 7")).result == 42

    trio.run(main)


def test_a_pool_of_another_event_loop_is_refused_with_what_to_do() -> None:
    service = ScriptedService()
    pool = AsyncSessionPool(URL, "token", transport=service.transport)
    session = pool.session()
    asyncio.run(_run(partial(session.execute, "1")))
    with pytest.raises(RuntimeError, match="another event loop"):
        asyncio.run(_run(partial(session.execute, "1")))


async def _run(call: "partial[object]") -> None:
    await call()  # pyright: ignore[reportGeneralTypeIssues] - a partial of a coroutine function


def test_importing_starts_no_event_loop_and_no_thread() -> None:
    program = (
        "import threading, asyncio, dynamic_sessions\n"
        "print(threading.active_count(), asyncio._get_running_loop())\n"
        "dynamic_sessions.SessionPool('https://pool.test', 'token').session()\n"
        "print(threading.active_count())"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["1", "None", "1"]
