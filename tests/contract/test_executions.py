import uuid

import pytest

from dynamic_sessions import AsyncSession, AsyncSessionPool, ExecutionStatus, JsonValue


async def test_output_streams_come_back_apart(session: AsyncSession) -> None:
    run = await session.execute("print('out')")
    assert (run.ok, run.stdout, run.stderr, run.result) == (True, "out\n", "", None)
    run = await session.execute("import sys; print('err', file=sys.stderr)")
    assert (run.ok, run.stdout, run.stderr) == (True, "", "err\n")


@pytest.mark.parametrize(
    ("code", "value"),
    [("6 * 7", 42), ("'text'", "text"), ("1 / 4", 0.25), ("2 > 1", True), ("[1, 2]", "[1, 2]")],
)
async def test_the_last_expression_is_the_result(
    session: AsyncSession, code: str, value: JsonValue
) -> None:
    run = await session.execute(code)
    assert run.result == value
    assert type(run.result) is type(value)


async def test_code_that_fails_is_a_result(session: AsyncSession) -> None:
    run = await session.execute("print('before'); 1 / 0")
    assert run.status is ExecutionStatus.FAILED
    assert run.stdout == "before\n"
    assert run.error is not None
    assert (run.error.name, run.error.message) == ("ZeroDivisionError", "division by zero")


async def test_a_figure_is_an_image(session: AsyncSession) -> None:
    run = await session.execute("import matplotlib.pyplot as plt; plt.plot([1, 2]); plt.show()")
    (image,) = run.images
    assert image.format == "png"
    assert image.data.startswith(b"\x89PNG")
    assert run.result is None


async def test_the_time_limit_ends_the_code(session: AsyncSession) -> None:
    run = await session.execute("import time; time.sleep(30)", timeout=1)
    assert run.status is ExecutionStatus.TIMED_OUT


async def test_code_runs_in_the_data_directory(session: AsyncSession) -> None:
    assert (await session.execute("import os; os.getcwd()")).result == "/mnt/data"


def double(number: int) -> int:
    """Return twice the number."""
    return 2 * number


async def test_injected_functions_are_names_and_a_module(pool: AsyncSessionPool) -> None:
    session = pool.session(functions=[double])
    assert (await session.execute("double(21)")).result == 42
    assert (await session.execute("from functions import double; double(2)")).result == 4


async def test_a_deleted_session_is_gone_and_deleting_again_is_no_error(
    session: AsyncSession,
) -> None:
    await session.files.upload(b"x", name="kept.txt")
    await session.delete()
    await session.delete()
    assert list(await session.files.list()) == []


async def test_an_asynchronous_run_has_the_same_result(
    session: AsyncSession, request: pytest.FixtureRequest
) -> None:
    if "2024-02-02" in request.node.name:
        pytest.skip("the legacy dialect has no asynchronous runs")
    run = await session.execute("6 * 7", asynchronous=True)
    assert (run.ok, run.result) == (True, 42)


async def test_a_run_can_be_asked_for_again_by_its_id(
    session: AsyncSession, request: pytest.FixtureRequest
) -> None:
    if "2024-02-02" in request.node.name:
        pytest.skip("the legacy dialect has no asynchronous runs")
    run = await session.execute("6 * 7", execution_id=str(uuid.uuid4()))
    assert await session.attach(run.execution_id or "") == run
