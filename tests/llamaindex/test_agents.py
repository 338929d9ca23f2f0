"""LlamaIndex's own agents on real sessions, with a model that follows a script."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, cast

import httpx
import pytest
from llama_index.core.agent.workflow import (
    BaseWorkflowAgent,
    CodeActAgent,
    FunctionAgent,
    ReActAgent,
    ToolCallResult,
)
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, MessageRole, ToolCallBlock
from llama_index.core.llms.mock import MockFunctionCallingLLM
from llama_index.core.tools import FunctionTool, ToolOutput
from llama_index.core.workflow import Context, JsonSerializer

from dynamic_sessions import AsyncSessionPool
from dynamic_sessions.testing import ScriptedService
from llama_index.tools.dynamic_sessions import CodeActSession, DynamicSessionsToolSpec

pytestmark = [
    # LlamaIndex's agents are pydantic models, and their workflow looks at every attribute.
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince20"),
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince211"),
    # Its agents ask a context whether it is running, and continue one without the chat memory.
    pytest.mark.filterwarnings("ignore:is_running called from within a step"),
    pytest.mark.filterwarnings("ignore:Skipping serialization of known unserializable key"),
]

PLOT = """
import matplotlib.pyplot as plt
plt.plot(numbers)
plt.savefig("chart.png")
plt.show()
"""


class ScriptedModel:
    """LlamaIndex's own model for tests, made to give one answer after the other.

    Attributes:
        shown: For each answer, the messages before it.
    """

    def __init__(self, *answers: ChatMessage | str) -> None:
        self.shown: list[Sequence[ChatMessage]] = []
        self._answers = iter(answers)
        self.llm = MockFunctionCallingLLM(response_generator=self._answer, is_chat_model=True)

    def _answer(self, messages: Sequence[ChatMessage], **_: Any) -> ChatMessage:
        self.shown.append(list(messages))
        answer = next(self._answers)
        return ChatMessage(role="assistant", content=answer) if isinstance(answer, str) else answer

    def was_told(self) -> list[str]:
        """Return what tools told the model in the last conversation."""
        return [
            message.content or ""
            for message in self.shown[-1]
            if message.role is MessageRole.TOOL
            or (message.content or "").startswith("Result of executing")
        ]


async def ask(
    agent: BaseWorkflowAgent, question: str, *, context: Context | None = None
) -> tuple[str, list[ToolOutput]]:
    """Return an agent's answer, and what its tools gave it."""
    handler = agent.run(user_msg=question, ctx=context)  # pyright: ignore[reportDeprecated] - all of its overloads match the deprecated one
    async with asyncio.timeout(60):
        outputs = [
            event.tool_output
            async for event in handler.stream_events()
            if isinstance(event, ToolCallResult)
        ]
        return str(cast("object", await handler)), outputs


def call(tool: str, **arguments: str) -> ChatMessage:
    return calls((tool, arguments))


def calls(*tool_calls: tuple[str, dict[str, str]]) -> ChatMessage:
    blocks = [
        ToolCallBlock(tool_call_id=str(number), tool_name=name, tool_kwargs=dict(arguments))
        for number, (name, arguments) in enumerate(tool_calls)
    ]
    return ChatMessage(role="assistant", blocks=blocks)


def code(text: str) -> str:
    return f"Let me see.\n<execute>\n{text}\n</execute>"


def load_numbers(count: int) -> list[int]:
    """Load some numbers."""
    return list(range(count))


def total(numbers: list[int]) -> int:
    """Add numbers up."""
    return sum(numbers)


async def test_a_function_agent_keeps_state_corrects_an_error_and_draws() -> None:
    model = ScriptedModel(
        call("execute", code="numbers = load_numbers(4)"),
        call("execute", code="numbers / 2"),
        call("execute", code="sum(numbers) / 2"),
        call("execute", code=PLOT),
        call("list_files"),
        call("read_file", name="chart.png"),
        "It is 3.",
    )
    async with DynamicSessionsToolSpec("local", functions=[load_numbers]) as spec:
        agent = FunctionAgent(tools=spec.to_tool_list(), llm=model.llm)
        answer, _ = await ask(agent, "What is half the sum of the first four numbers?")

    assert answer == "It is 3."
    told = model.was_told()
    assert "without output" in told[0]
    assert "TypeError" in told[1]
    assert told[2] == "3.0"
    assert "[image: image/png]" in told[3]
    assert told[4].startswith("chart.png (")
    pictures = [
        block
        for message in model.shown[-1]
        for block in message.blocks
        if isinstance(block, ImageBlock)
    ]
    assert [block.image_mimetype for block in pictures] == ["image/png", "image/png"]
    assert all(block.resolve_image().read(4) == b"\x89PNG" for block in pictures)


async def test_the_next_question_finds_the_state_of_the_last_one() -> None:
    model = ScriptedModel(
        call("execute", code="x = 41"), "Noted.", call("execute", code="x + 1"), "42."
    )
    async with DynamicSessionsToolSpec("local") as spec:
        agent = FunctionAgent(tools=spec.to_tool_list(), llm=model.llm)
        context = Context(agent)
        await ask(agent, "Remember 41.", context=context)
        await ask(agent, "One more?", context=context)

    assert model.was_told()[-1] == "42"


async def test_calls_of_one_turn_run_in_their_order() -> None:
    model = ScriptedModel(
        calls(
            *[("execute", {"code": f"order = [*globals().get('order', []), {n}]"}) for n in (1, 2)]
        ),
        call("execute", code="order"),
        "Done.",
    )
    async with DynamicSessionsToolSpec("local") as spec:
        agent = FunctionAgent(tools=spec.to_tool_list(), llm=model.llm)
        await ask(agent, "Count.")

    assert model.was_told()[-1] == "[1, 2]"


async def test_a_model_without_function_calls_reads_the_descriptions_instead() -> None:
    model = ScriptedModel(
        'Thought: I need a tool.\nAction: execute\nAction Input: {"code": "6 * 7"}',
        "Thought: I can answer.\nAnswer: 42",
    )
    async with DynamicSessionsToolSpec("local") as spec:
        agent = ReActAgent(tools=spec.to_tool_list(), llm=model.llm)
        answer, _ = await ask(agent, "What is six times seven?")

    assert answer == "42"
    assert "Observation: 42" in (model.shown[-1][-1].content or "")


async def test_a_workflow_with_pictures_can_be_stored() -> None:
    model = ScriptedModel(call("execute", code="numbers = [1]" + PLOT), call("list_files"), "Done.")
    async with DynamicSessionsToolSpec("local") as spec:
        agent = FunctionAgent(tools=spec.to_tool_list(), llm=model.llm)
        context = Context(agent)
        await ask(agent, "Draw.", context=context)
        stored = json.dumps(context.to_dict(serializer=JsonSerializer()))

    assert Context.from_dict(agent, json.loads(stored), serializer=JsonSerializer())


async def test_a_service_that_fails_is_an_error_of_the_tool_and_the_model_hears_of_it(
    service: ScriptedService, session_pool: AsyncSessionPool
) -> None:
    model = ScriptedModel(call("execute", code="1"), "The service does not let me.")
    spec = DynamicSessionsToolSpec(session_pool=session_pool)
    service.fail_next(httpx.Response(403, json={"error": {"code": "Forbidden", "message": "No."}}))
    agent = FunctionAgent(tools=spec.to_tool_list(), llm=model.llm)
    _, outputs = await ask(agent, "Go on.")

    assert [output.is_error for output in outputs] == [True]
    assert "Session Executor" in model.was_told()[0]
    assert spec.session_id not in model.was_told()[0]


async def test_a_code_act_agent_calls_its_own_tools_in_the_session() -> None:
    model = ScriptedModel(
        code("numbers = load_numbers(4)"),
        code("total(number)"),
        code("print(total(numbers))"),
        code("```python\n" + PLOT + "\n```"),
        "It is 6.",
    )
    tools = [load_numbers, FunctionTool.from_defaults(total)]
    async with CodeActSession("local", tools=tools) as session:
        agent = CodeActAgent(session.code_execute_fn, tools=session.tools, llm=model.llm)
        answer, outputs = await ask(agent, "Add the first four numbers up.")

    assert answer == "It is 6."
    prompt = model.shown[0][0].content or ""
    assert "def load_numbers(count: int) -> list[int]:" in prompt
    assert "def total(numbers: list[int]) -> int:" in prompt
    told = model.was_told()
    assert "NameError" in told[1]
    assert told[2].endswith("\n\n6\n")
    assert "[image: image/png]" in told[3]
    assert isinstance(outputs[-1].blocks[1], ImageBlock)


async def test_several_agents_may_have_the_tools_of_one_session() -> None:
    async with CodeActSession("local", tools=[total]) as session:
        for _ in range(2):
            model = ScriptedModel(code("print(total([1, 2]))"), "It is 3.")
            agent = CodeActAgent(session.code_execute_fn, tools=session.tools, llm=model.llm)
            await ask(agent, "Add.")
            assert model.was_told()[0].endswith("3\n")

    assert len(session.tools) == 1
