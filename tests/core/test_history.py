import ast
import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import nbformat
import pytest

from dynamic_sessions import (
    AsyncSessionPool,
    DualSession,
    Execution,
    ExecutionError,
    ExecutionStatus,
    Image,
    PastExecution,
    ServiceError,
    SessionHistory,
    SessionPool,
)
from dynamic_sessions.testing import ScriptedExecution, ScriptedService

URL = "https://pool.test/"
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def service() -> ScriptedService:
    return ScriptedService({"6 * 7": ScriptedExecution(result=42)})


@pytest.fixture
async def pool(service: ScriptedService) -> AsyncIterator[AsyncSessionPool]:
    async with AsyncSessionPool(URL, "token", transport=service.transport) as pool:
        yield pool


@pytest.fixture(scope="module")
def local_pool() -> Iterator[SessionPool]:
    with SessionPool("local") as pool:
        yield pool


def past(code: str, **kwargs: Any) -> PastExecution:
    arguments: dict[str, Any] = {"status": ExecutionStatus.SUCCEEDED, **kwargs}
    execution = Execution(**arguments)
    return PastExecution(code=code, started_at=NOON, execution=execution)


def history_of(*entries: PastExecution) -> SessionHistory:
    history = SessionHistory()
    for entry in entries:
        history.add(entry)
    return history


def cells_of(history: SessionHistory) -> list[Any]:
    """The cells of its notebook, which is valid."""
    notebook: Any = json.loads(history.to_notebook())
    nbformat.validate(notebook)  # pyright: ignore[reportUnknownMemberType] - it has no types
    return notebook["cells"]


async def test_the_history_has_the_callers_code_with_its_time_and_result(
    pool: AsyncSessionPool,
) -> None:
    session = pool.session("conversation-1")
    before = datetime.now(UTC)
    execution = await session.execute("6 * 7")

    (entry,) = session.history
    assert (entry.code, entry.execution, entry.failure) == ("6 * 7", execution, "")
    assert before <= entry.started_at <= datetime.now(UTC)


async def test_a_call_that_failed_once_its_code_was_sent_is_kept_without_a_result(
    pool: AsyncSessionPool, service: ScriptedService
) -> None:
    session = pool.session("conversation-1")
    await session.set_up()
    service.fail_next(httpx.Response(500))
    with pytest.raises(ServiceError):
        await session.execute("6 * 7")

    (entry,) = session.history
    assert entry.execution is None
    assert entry.failure.startswith("ServerError: ")
    assert cells_of(session.history)[0]["outputs"][0]["name"] == "stderr"


async def test_code_that_was_never_sent_is_not_in_the_history(
    pool: AsyncSessionPool, service: ScriptedService
) -> None:
    session = pool.session("conversation-1", functions=[cells_of])
    service.fail_next(httpx.Response(500))
    with pytest.raises(ServiceError):
        await session.execute("6 * 7")
    with pytest.raises(ValueError, match="time limit"):
        await session.execute("6 * 7", timeout=-1)

    assert len(session.history) == 0


async def test_a_history_keeps_the_latest_executions(service: ScriptedService) -> None:
    async with AsyncSessionPool(URL, "token", transport=service.transport, history_limit=2) as pool:
        session = pool.session("conversation-1")
        for number in range(4):
            await session.execute(f"{number}")

    assert [entry.code for entry in session.history] == ["2", "3"]


async def test_a_history_of_none_keeps_nothing(service: ScriptedService) -> None:
    async with AsyncSessionPool(URL, "token", transport=service.transport, history_limit=0) as pool:
        session = pool.session("conversation-1")
        await session.execute("6 * 7")

    assert list(session.history) == []
    with pytest.raises(ValueError, match="history_limit"):
        AsyncSessionPool(URL, "token", history_limit=-1)


def test_a_history_forgets_old_executions_where_they_are_large_but_never_the_latest() -> None:
    history = history_of(past("1", stdout="x" * 2_000_000), past("2", stdout="x" * 3_000_000))
    assert [entry.code for entry in history] == ["2"]
    history.add(past("3", stdout="x" * 9_000_000))
    assert [entry.code for entry in history] == ["3"]
    history.add(past("4"))
    assert [entry.code for entry in history] == ["4"]


async def test_both_kinds_of_caller_of_a_dual_session_share_one_history() -> None:
    session = DualSession("local")
    await session.async_session().execute("a = 1")
    await session.async_session().execute("a")
    codes = [entry.code for entry in session.history]
    session.session().execute("a + 1")
    await session.aclose()

    assert codes == ["a = 1", "a"]
    assert [entry.code for entry in session.history] == ["a = 1", "a", "a + 1"]
    assert session.history[-1].execution


def test_a_notebook_of_a_real_session_shows_all_kinds_of_output(local_pool: SessionPool) -> None:
    session = local_pool.session()
    for code in (
        "import sys; print('out'); print('err', file=sys.stderr); 'text'",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
        "1 / 0",
        "%precision 3\n!echo from the shell",
    ):
        session.execute(code)

    first, second, third, fourth = (cell["outputs"] for cell in cells_of(session.history))
    assert [(each["output_type"], each.get("name")) for each in first] == [
        ("stream", "stdout"),
        ("stream", "stderr"),
        ("execute_result", None),
    ]
    assert first[-1]["data"] == {"text/plain": "text"}
    assert list(second[0]["data"]) == ["image/png"]
    assert [each["output_type"] for each in third] == ["error"]
    assert third[0]["ename"] == "ZeroDivisionError"
    assert "from the shell\n" in fourth[0]["text"]


def test_a_notebook_says_where_another_session_began() -> None:
    history = history_of(past("a = 1"), past("b = 1", session_recycled=True))

    kinds = [cell["cell_type"] for cell in cells_of(history)]
    assert kinds == ["code", "markdown", "code"]


def test_an_empty_history_is_a_valid_notebook_and_script() -> None:
    assert cells_of(SessionHistory()) == []
    assert SessionHistory().to_script() == ""


def test_a_script_runs_what_succeeded(tmp_path: Path) -> None:
    error = ExecutionError(name="NameError", message="no\rraise SystemExit(1)", traceback="")
    history = history_of(
        past("%matplotlib inline\na = 20"),
        past("raise ValueError", status=ExecutionStatus.FAILED, error=error),
        past("1\r\x0craise SystemExit(2)", status=ExecutionStatus.TIMED_OUT),
        past("%%bash\nraise this"),
        past("!pip install nothing"),
        PastExecution(code="raise OSError", started_at=NOON, failure="ServerError: 500"),
        past("text = '''two\nlines'''\nprint(a + len(text), end='')"),
    )
    script = history.to_script()
    names: dict[str, Any] = {}
    exec(compile(script, "script.py", "exec"), names)  # noqa: S102 - it is what is under test

    assert (names["a"], names["text"]) == (20, "two\nlines")
    assert "# !pip install nothing\n" in script
    assert len(ast.parse(script).body) == 3


@pytest.mark.parametrize(
    ("code", "stays"),
    [
        ("from __future__ import annotations\na = 1", "a = 1"),
        ("import asyncio\nawait asyncio.sleep(0)", ""),
        ("files = !ls\nlen(files)", ""),
        ("%%time\na = 1", ""),
        ("if True:\n    !ls", ""),
        ("len?", ""),
        ("text = '''\n%d\n!'''", "text = '''\n%d\n!'''"),
        ("pattern = '\\d'", "pattern = '\\d'"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*invalid escape")
def test_a_script_has_what_only_cells_may_do_as_comments(code: str, stays: str) -> None:
    history = history_of(past("first = 1"), past(code), past("last = 1"))
    script = history.to_script()
    compile(script, "script.py", "exec")

    expected = ast.parse(f"first = 1\n{stays}\nlast = 1")
    assert ast.unparse(ast.parse(script)) == ast.unparse(expected)
    assert all(line in script for line in code.split("\n"))


def test_a_script_of_commands_is_one_for_bash(tmp_path: Path) -> None:
    def command(code: str, stdin: str = "") -> PastExecution:
        return PastExecution(
            code=code,
            language="bash",
            stdin=stdin,
            started_at=NOON,
            execution=Execution(status=ExecutionStatus.SUCCEEDED, exit_code=0, result=0),
        )

    history = history_of(command("cd /; x=1"), command("cat; echo $x", "it's\nso"))
    script = tmp_path / "script.sh"
    script.write_text(history.to_script())
    done = subprocess.run(  # noqa: S603 - our own script
        ["/bin/bash", script], check=True, capture_output=True, text=True
    )

    assert done.stdout == "it's\nso\n"
    first, second = cells_of(history)
    assert (first["source"], first["outputs"]) == ("%%bash\ncd /; x=1", [])
    assert second["source"].startswith("%%bash\nprintf")


def test_pictures_of_other_formats_keep_their_type() -> None:
    history = history_of(past("plot", images=(Image(data=PNG, format="jpeg"),)))
    (cell,) = cells_of(history)
    assert list(cell["outputs"][0]["data"]) == ["image/jpeg"]
