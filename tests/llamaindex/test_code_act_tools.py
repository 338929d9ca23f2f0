"""Which tools a CodeActAgent can have in its session, and what is said of the others."""

from collections.abc import AsyncIterator

import pytest
from llama_index.core.base.llms.types import TextBlock
from llama_index.core.tools import BaseTool, FunctionTool, ToolMetadata, ToolOutput
from llama_index.core.workflow import Context

from dynamic_sessions import AsyncSessionPool, FunctionSourceError
from dynamic_sessions.testing import ScriptedService
from llama_index.tools.dynamic_sessions import CodeActSession


def double(number: int) -> int:
    """Return twice the number."""
    return 2 * number


def remember(context: Context, number: int) -> int:
    """Remember a number."""
    del context
    return number


async def fetch(number: int) -> int:
    """Fetch a number."""
    return number


async def numbers() -> AsyncIterator[int]:
    """Yield numbers."""
    yield 1


class Shelf:
    def lookup(self, number: int) -> int:
        """Look a number up."""
        return number


class Lookup(BaseTool):
    """A tool that is no function, as those of query engines are."""

    @property
    def metadata(self) -> ToolMetadata:
        return ToolMetadata(name="lookup", description="Look something up.")

    def __call__(self, input: object) -> ToolOutput:  # noqa: A002 - as LlamaIndex has it
        return ToolOutput(tool_name="lookup", content=str(input), raw_input={}, raw_output=input)


def adder(amount: int) -> object:
    def add(number: int) -> int:
        """Add."""
        return number + amount

    return FunctionTool.from_defaults(add)


@pytest.mark.parametrize(
    ("tool", "reason"),
    [
        (FunctionTool.from_defaults(remember), "Context"),
        (fetch, "asynchronous"),
        (FunctionTool.from_defaults(async_fn=fetch), "asynchronous"),
        (numbers, "asynchronous"),
        (Shelf().lookup, "bound method"),
        (Lookup(), "Lookup"),
        (adder(1), "closes over 'amount'"),
        (FunctionTool.from_defaults(double, name="execute"), "another name"),
        (FunctionTool.from_defaults(double, name="handoff"), "another name"),
    ],
)
def test_a_tool_that_the_prompt_would_promise_in_vain_is_refused(
    tool: BaseTool, reason: str
) -> None:
    with pytest.raises(FunctionSourceError, match=reason) as caught:
        CodeActSession("local", tools=[double, tool])

    assert caught.value.function is not None


def test_a_tool_with_both_kinds_of_function_has_the_plain_one() -> None:
    async def adouble(number: int) -> int:
        return 2 * number

    session = CodeActSession("local", tools=[FunctionTool.from_defaults(double, async_fn=adouble)])

    assert [tool.metadata.name for tool in session.tools if isinstance(tool, FunctionTool)] == [
        "double"
    ]


async def test_code_finds_the_tools_by_the_names_that_the_prompt_shows() -> None:
    renamed = FunctionTool.from_defaults(double, name="twice")
    async with CodeActSession("local", tools=[renamed]) as session:
        blocks = await session.code_execute_fn("double(21)")

    assert blocks == [TextBlock(text="42")]


async def test_the_agents_additions_to_its_tools_stay_the_agents() -> None:
    given = [double]
    session = CodeActSession("local", tools=given)
    session.tools.append(fetch)

    assert len(session.tools) == 1
    assert given == [double]


async def test_its_session_is_deleted_unless_it_was_named(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    async with (
        CodeActSession(session_pool=session_pool, session_id="kept") as kept,
        CodeActSession(session_pool=session_pool) as own,
    ):
        await kept.code_execute_fn("1")
        await own.code_execute_fn("1")
        assert set(service.sessions) == {"kept", own.session_id}

    assert set(service.sessions) == {"kept"}
    assert repr(kept) == "CodeActSession(session_id='kept')"
