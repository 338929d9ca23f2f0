"""What a call of execute_code_blocks() sends, and what becomes of the answers."""

import asyncio
import base64
import json
import threading
from collections.abc import AsyncIterator

import httpx
import pytest
from autogen_core import CancellationToken
from autogen_core.code_executor import CodeBlock

from autogen_ext_dynamic_sessions import (
    ACADynamicSessionsCodeExecutor,
    CodeExecutionTimeoutError,
    SessionConnectionError,
)
from dynamic_sessions import AsyncSessionPool, Image, PermissionDeniedError, ServiceError
from dynamic_sessions.testing import ScriptedExecution, ScriptedService

TIMED_OUT = ScriptedExecution(
    stdout="so far\n",
    stderr="Request timed out waiting for code execution to complete",
    failed=True,
)


def python(*codes: str) -> list[CodeBlock]:
    return [CodeBlock(code=code, language="python") for code in codes]


def executed(service: ScriptedService) -> list[str]:
    return [
        body["code"]
        for request in service.requests
        if request.url.path.endswith("/executions")
        for body in [json.loads(request.content)]
    ]


@pytest.mark.parametrize("language", ["python", "Python", "PYTHON", "py", "python3", " python "])
async def test_python_is_known_under_all_its_names(
    language: str,
    executor: ACADynamicSessionsCodeExecutor,
    service: ScriptedService,
    token: CancellationToken,
) -> None:
    service.script["6 * 7"] = ScriptedExecution(result=42)

    result = await executor.execute_code_blocks([CodeBlock("6 * 7", language)], token)

    assert (result.exit_code, result.output) == (0, "42")


async def test_an_unknown_language_ends_the_call(
    executor: ACADynamicSessionsCodeExecutor, service: ScriptedService, token: CancellationToken
) -> None:
    service.script["1"] = ScriptedExecution(stdout="one")
    blocks = [CodeBlock("1", "python"), CodeBlock("ls", "Bash"), CodeBlock("2", "python")]

    result = await executor.execute_code_blocks(blocks, token)

    assert (result.exit_code, result.output) == (1, "one\nunknown language bash")
    assert "2" not in executed(service)


async def test_blocks_stop_at_the_first_that_fails(
    executor: ACADynamicSessionsCodeExecutor, service: ScriptedService, token: CancellationToken
) -> None:
    service.script["bad"] = ScriptedExecution(stderr="NameError: name 'bad'", failed=True)

    result = await executor.execute_code_blocks(python("good", "bad", "never"), token)

    assert (result.exit_code, result.output) == (1, "NameError: name 'bad'")
    assert [item.ok for item in result.executions] == [True, False]
    assert executed(service)[-1] == "bad"


@pytest.mark.parametrize("api_version", ["2025-10-02-preview", "2024-02-02-preview"])
async def test_a_failure_is_told_in_every_dialect(
    api_version: str, service: ScriptedService, token: CancellationToken
) -> None:
    service.script["bad"] = ScriptedExecution(stderr="NameError: bad", failed=True)
    async with AsyncSessionPool(
        "https://pool.test", "token", api_version=api_version, transport=service.transport
    ) as pool:
        executor = ACADynamicSessionsCodeExecutor(session_pool=pool)
        result = await executor.execute_code_blocks(python("bad"), token)

    assert result.exit_code == 1


async def test_output_is_stdout_then_stderr_then_the_value_on_its_own_line(
    executor: ACADynamicSessionsCodeExecutor, service: ScriptedService, token: CancellationToken
) -> None:
    service.script["first"] = ScriptedExecution(stdout="hi", stderr="careful\n", result=1.5)
    service.script["second"] = ScriptedExecution(stdout="there\n")

    result = await executor.execute_code_blocks(python("first", "second"), token)

    assert result.output == "hi\ncareful\n1.5\nthere\n"


async def test_values_can_be_left_out(
    session_pool: AsyncSessionPool, service: ScriptedService, token: CancellationToken
) -> None:
    service.script["first"] = ScriptedExecution(stdout="hi\n", result=1.5)
    executor = ACADynamicSessionsCodeExecutor(
        session_pool=session_pool, suppress_result_output=True
    )

    result = await executor.execute_code_blocks(python("first"), token)

    assert result.output == "hi\n"
    assert result.executions[0].result == 1.5


async def test_an_image_is_on_the_result_and_its_base64_nowhere_in_the_text(
    executor: ACADynamicSessionsCodeExecutor, service: ScriptedService, token: CancellationToken
) -> None:
    pixels = b"\x89PNG\r\n\x1a\n" * 100
    service.script["plot"] = ScriptedExecution(stdout="drawn\n", result=Image(data=pixels))

    result = await executor.execute_code_blocks(python("plot"), token)

    assert [image.data for image in result.images] == [pixels]
    assert result.output == "drawn\n[image: image/png]"
    assert base64.b64encode(pixels).decode()[:40] not in repr(result)


async def test_the_first_block_costs_one_request_beside_its_own_and_the_next_ones_none(
    executor: ACADynamicSessionsCodeExecutor, service: ScriptedService, token: CancellationToken
) -> None:
    await executor.execute_code_blocks(python("a", "b"), token)
    await executor.execute_code_blocks(python("c"), token)

    assert len(service.requests) == 4
    assert executed(service)[1:] == ["a", "b", "c"]


async def test_two_first_calls_at_once_set_up_once(
    executor: ACADynamicSessionsCodeExecutor, service: ScriptedService, token: CancellationToken
) -> None:
    await asyncio.gather(
        executor.execute_code_blocks(python("a1", "a2"), token),
        executor.execute_code_blocks(python("b1", "b2"), token),
    )

    assert executed(service)[1:] in (["a1", "a2", "b1", "b2"], ["b1", "b2", "a1", "a2"])


@pytest.mark.parametrize(
    "code",
    ["!pip install requests -q numpy", "%pip install --upgrade pandas", "import requests\n!ls"],
)
async def test_code_that_installs_is_left_to_the_session(
    code: str,
    executor: ACADynamicSessionsCodeExecutor,
    service: ScriptedService,
    token: CancellationToken,
) -> None:
    result = await executor.execute_code_blocks(python(code), token)

    assert result.exit_code == 0
    assert executed(service)[-1] == code


async def test_the_time_limit_is_sent_to_the_service(
    session_pool: AsyncSessionPool, service: ScriptedService, token: CancellationToken
) -> None:
    for asked, sent in ((90, 90), (300, 220)):
        executor = ACADynamicSessionsCodeExecutor(session_pool=session_pool, timeout=asked)
        await executor.execute_code_blocks(python("1"), token)
        body = json.loads(service.requests[-1].content)
        assert body["timeoutInSeconds"] == sent


async def test_code_at_its_time_limit_raises_as_autogen_documents(
    executor: ACADynamicSessionsCodeExecutor, service: ScriptedService, token: CancellationToken
) -> None:
    service.script["loop"] = TIMED_OUT
    service.script["before"] = ScriptedExecution(stdout="before\n")

    with pytest.raises(asyncio.TimeoutError) as caught:
        await executor.execute_code_blocks(python("before", "loop", "never"), token)

    assert isinstance(caught.value, CodeExecutionTimeoutError)
    assert caught.value.result.output.startswith("before\nso far\n")
    assert "before\nso far" in str(caught.value)


async def test_code_at_its_time_limit_can_be_a_result(
    session_pool: AsyncSessionPool, service: ScriptedService, token: CancellationToken
) -> None:
    service.script["loop"] = TIMED_OUT
    executor = ACADynamicSessionsCodeExecutor(session_pool=session_pool, raise_on_timeout=False)

    result = await executor.execute_code_blocks(python("loop", "never"), token)

    assert result.exit_code == 124
    assert result.output.startswith("so far\n")


async def test_a_service_that_does_not_answer_is_a_timeout(
    executor: ACADynamicSessionsCodeExecutor, service: ScriptedService, token: CancellationToken
) -> None:
    await executor.execute_code_blocks(python("1"), token)
    service.fail_next(httpx.ReadTimeout("too late"))

    with pytest.raises(asyncio.TimeoutError):
        await executor.execute_code_blocks(python("2"), token)


async def test_a_service_error_is_a_connection_error_that_says_why(
    executor: ACADynamicSessionsCodeExecutor, service: ScriptedService, token: CancellationToken
) -> None:
    error = {"code": "Forbidden", "message": "The quota of unicorns is used up."}
    service.fail_next(httpx.Response(403, json={"error": error}))

    with pytest.raises(ConnectionError, match="unicorns") as caught:
        await executor.execute_code_blocks(python("1"), token)

    assert isinstance(caught.value, SessionConnectionError)
    assert isinstance(caught.value, ServiceError)
    assert isinstance(caught.value.__cause__, PermissionDeniedError)


async def test_files_that_the_code_made_are_reported_on_request(
    service: ScriptedService, token: CancellationToken
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if b'"make"' in request.content:
            (session,) = service.sessions.values()
            session.files["new.csv"] = b"made"
        return service(request)

    async with AsyncSessionPool(
        "https://pool.test", "token", transport=httpx.MockTransport(answer)
    ) as pool:
        executor = ACADynamicSessionsCodeExecutor(session_pool=pool, report_files=True)
        result = await executor.execute_code_blocks(python("make"), token)

    assert result.files == ["new.csv"]
    assert result.output == "[file: new.csv]"


@pytest.fixture
async def stuck(
    service: ScriptedService,
) -> AsyncIterator[tuple[ACADynamicSessionsCodeExecutor, asyncio.Event]]:
    """An executor whose code "stuck" never ends, and an event that says when it has begun."""
    begun = asyncio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        response = service(request)
        if b'"stuck"' in request.content:
            begun.set()
            await asyncio.Event().wait()
        return response

    async with AsyncSessionPool(
        "https://pool.test", "token", transport=httpx.MockTransport(answer)
    ) as pool:
        yield ACADynamicSessionsCodeExecutor(session_pool=pool), begun


@pytest.mark.parametrize("from_thread", [False, True])
async def test_cancelling_the_token_stops_the_code_and_not_only_the_request(
    from_thread: bool,
    stuck: tuple[ACADynamicSessionsCodeExecutor, asyncio.Event],
    service: ScriptedService,
    token: CancellationToken,
) -> None:
    executor, begun = stuck
    call = asyncio.create_task(executor.execute_code_blocks(python("stuck", "never"), token))
    async with asyncio.timeout(10):
        await begun.wait()
        if from_thread:
            thread = threading.Thread(target=token.cancel)
            thread.start()
            await asyncio.to_thread(thread.join)
        else:
            token.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    assert service.requests[-1].method == "DELETE"
    assert not service.sessions

    result = await executor.execute_code_blocks(python("next"), CancellationToken())
    assert result.exit_code == 0


async def test_cancelling_the_task_stops_the_code_too(
    stuck: tuple[ACADynamicSessionsCodeExecutor, asyncio.Event],
    service: ScriptedService,
    token: CancellationToken,
) -> None:
    executor, begun = stuck
    call = asyncio.create_task(executor.execute_code_blocks(python("stuck"), token))
    async with asyncio.timeout(10):
        await begun.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    assert not service.sessions


async def test_a_token_that_was_cancelled_before_sends_nothing(
    executor: ACADynamicSessionsCodeExecutor, service: ScriptedService, token: CancellationToken
) -> None:
    token.cancel()

    with pytest.raises(asyncio.CancelledError):
        await executor.execute_code_blocks(python("1"), token)

    assert not service.requests


async def test_callbacks_do_not_pile_up_on_a_long_lived_token(
    executor: ACADynamicSessionsCodeExecutor, token: CancellationToken
) -> None:
    for _ in range(20):
        await executor.execute_code_blocks(python("1"), token)
        await executor.get_file_list(token)

    assert len(vars(token)["_callbacks"]) == 1


async def test_cancelling_one_call_leaves_a_call_with_another_token_alone(
    stuck: tuple[ACADynamicSessionsCodeExecutor, asyncio.Event], token: CancellationToken
) -> None:
    executor, begun = stuck
    other = CancellationToken()
    first = asyncio.create_task(executor.execute_code_blocks(python("stuck"), token))
    async with asyncio.timeout(10):
        await begun.wait()
        second = asyncio.create_task(executor.execute_code_blocks(python("fine"), other))
        token.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert (await second).exit_code == 0


async def test_no_blocks_are_an_empty_success(
    executor: ACADynamicSessionsCodeExecutor, service: ScriptedService, token: CancellationToken
) -> None:
    result = await executor.execute_code_blocks([], token)

    assert (result.exit_code, result.output) == (0, "")
    assert not service.requests
