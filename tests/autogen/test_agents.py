"""AutoGen's own agents and tools on real sessions, with a model that follows a script."""

import asyncio
from pathlib import Path

import pytest
from autogen_agentchat.agents import AssistantAgent, CodeExecutorAgent
from autogen_agentchat.conditions import MaxMessageTermination
from autogen_agentchat.messages import CodeExecutionEvent, TextMessage, ToolCallExecutionEvent
from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_core import CancellationToken, FunctionCall
from autogen_core.code_executor import CodeBlock
from autogen_core.models import CreateResult, ModelFamily, ModelInfo, RequestUsage
from autogen_ext.models.replay import ReplayChatCompletionClient
from autogen_ext.tools.code_execution import (  # pyright: ignore[reportMissingTypeStubs]
    CodeExecutionInput,
    PythonCodeExecutionTool,
)

from autogen_ext_dynamic_sessions import ACADynamicSessionsCodeExecutor, DynamicSessionsCodeResult

# The sandbox stands in for the approval that the agent would have a person give.
pytestmark = pytest.mark.filterwarnings("ignore:No approval function set")

Executor = ACADynamicSessionsCodeExecutor

MODEL = ModelInfo(
    vision=False,
    function_calling=True,
    json_output=True,
    family=ModelFamily.UNKNOWN,
    structured_output=True,
)

PLOT = """
import matplotlib.pyplot as plt
plt.plot([1, 2, 3])
plt.savefig("chart.png")
plt.show()
"""


def model(*answers: str | CreateResult) -> ReplayChatCompletionClient:
    return ReplayChatCompletionClient(list(answers), model_info=MODEL)


def fenced(code: str, language: str = "python") -> str:
    return f"Here it is.\n\n```{language}\n{code}\n```\n"


def total(numbers: list[int]) -> int:
    """Add numbers up."""
    return sum(numbers)


async def test_an_agent_runs_the_code_of_another_agent() -> None:
    async with Executor("local", functions=[total]) as executor:
        coder = AssistantAgent(
            "coder",
            model(fenced("numbers = [1, 2, 3]", "Python"), fenced("total(numbers)")),
            system_message=executor.format_functions_for_prompt(),
        )
        runner = CodeExecutorAgent("runner", code_executor=executor)
        team = RoundRobinGroupChat([coder, runner], termination_condition=MaxMessageTermination(5))

        result = await team.run(task="Add the numbers up.")

    last = result.messages[-1]
    assert isinstance(last, TextMessage)
    assert (last.source, last.content) == ("runner", "6")


async def test_an_agent_with_a_model_runs_its_own_code_again_after_an_error() -> None:
    async with Executor("local") as executor:
        agent = CodeExecutorAgent(
            "agent",
            code_executor=executor,
            model_client=model(
                fenced("1 / 0"),
                '{"reason": "division", "retry": true}',
                fenced("print(6 * 7)"),
                "It is 42.",
            ),
            max_retries_on_error=1,
        )
        messages = [item async for item in agent.run_stream(task="What is six times seven?")]

    events = [item for item in messages if isinstance(item, CodeExecutionEvent)]
    assert [event.result.exit_code for event in events] == [1, 0]
    assert "ZeroDivisionError" in events[0].result.output
    assert events[1].result.output == "42\n"
    assert all(isinstance(event.result, DynamicSessionsCodeResult) for event in events)


async def test_code_without_output_gets_autogens_hint() -> None:
    async with Executor("local") as executor:
        agent = CodeExecutorAgent("agent", code_executor=executor)
        response = await agent.on_messages(
            [TextMessage(content=fenced("x = 1"), source="user")], CancellationToken()
        )

    assert isinstance(response.chat_message, TextMessage)
    assert "produced no output" in response.chat_message.content


async def test_a_model_calls_the_code_execution_tool() -> None:
    call = CreateResult(
        finish_reason="function_calls",
        content=[FunctionCall(id="1", name="CodeExecutor", arguments='{"code": "6 * 7"}')],
        usage=RequestUsage(prompt_tokens=0, completion_tokens=0),
        cached=False,
    )
    async with Executor("local") as executor:
        agent = AssistantAgent(
            "assistant",
            model(call, "It is 42."),
            tools=[PythonCodeExecutionTool(executor)],
            reflect_on_tool_use=True,
        )
        result = await agent.run(task="What is six times seven?")

    events = [item for item in result.messages if isinstance(item, ToolCallExecutionEvent)]
    assert [event.content[0].content for event in events] == ["42"]
    assert events[0].content[0].is_error is False


async def test_the_code_execution_tool_tells_failure_from_success() -> None:
    async with Executor("local") as executor:
        tool = PythonCodeExecutionTool(executor)

        failed = await tool.run(CodeExecutionInput(code="unknown"), CancellationToken())
        succeeded = await tool.run(CodeExecutionInput(code="print('fine')"), CancellationToken())

    assert (failed.success, succeeded.success) == (False, True)
    assert "NameError" in failed.output
    assert succeeded.output == "fine\n"


async def test_a_chart_comes_back_as_image_and_as_file(token: CancellationToken) -> None:
    async with Executor("local", report_files=True) as executor:
        result = await executor.execute_code_blocks([CodeBlock(PLOT, "python")], token)
        (copy,) = await executor.download_files(result.files, token)
        content = Path(copy).read_bytes()

    assert [image.data[:8] for image in result.images] == [b"\x89PNG\r\n\x1a\n"]
    assert result.files == ["chart.png"]
    assert content.startswith(b"\x89PNG")
    assert result.output == "[image: image/png]\n[file: chart.png]"


async def test_uploaded_data_is_where_the_code_looks_for_it(token: CancellationToken) -> None:
    async with Executor("local") as executor:
        (executor.work_dir / "data").mkdir()
        (executor.work_dir / "data" / "sales.csv").write_text("region,total\nnorth,42\n")
        await executor.upload_files(["data/sales.csv"], token)

        result = await executor.execute_code_blocks(
            [CodeBlock("import pandas; int(pandas.read_csv('data/sales.csv').total[0])", "python")],
            token,
        )

    assert result.output == "42"


async def test_an_endless_loop_ends_at_the_time_limit(token: CancellationToken) -> None:
    async with Executor("local", timeout=1) as executor:
        with pytest.raises(TimeoutError) as caught:
            await executor.execute_code_blocks(
                [CodeBlock("print('begun', flush=True)\nwhile True: pass", "python")], token
            )
        result = await executor.execute_code_blocks([CodeBlock("6 * 7", "python")], token)

    assert "begun" in str(caught.value)
    assert result.exit_code == 0


async def test_cancelling_the_token_ends_a_loop_in_the_session(token: CancellationToken) -> None:
    endless = CodeBlock("open('begun', 'w').close()\nwhile True: pass", "python")
    async with Executor("local", timeout=60) as executor:
        call = asyncio.create_task(executor.execute_code_blocks([endless], token))
        async with asyncio.timeout(20):
            while "begun" not in await executor.get_file_list(CancellationToken()):
                pass
            token.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            result = await executor.execute_code_blocks(
                [CodeBlock("import os; os.path.exists('begun')", "python")], CancellationToken()
            )

    output, _, note = result.output.partition("\n")
    assert output == "False"
    assert "earlier variables and imports were gone" in note
