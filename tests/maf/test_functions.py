"""Which tools become functions of the session, and which stay beside it."""

import threading
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from agent_framework import FunctionInvocationContext, FunctionTool, tool
from pydantic import BaseModel, Field

from dynamic_sessions import (
    AsyncSessionPool,
    FunctionModule,
    FunctionSourceError,
    with_requirements,
)
from maf_dynamic_sessions import (
    DynamicSessionsCodeActProvider,
    DynamicSessionsTool,
    SessionFunctionError,
)
from maf_dynamic_sessions.instructions import build_description

RATE = 3


def plain(amount: int) -> int:
    """Convert an amount."""
    return RATE * amount


@tool
def bare(amount: int) -> int:
    """Convert an amount."""
    return RATE * amount


@tool(approval_mode="never_require", description="Converts.")
def described(amount: Annotated[int, Field(description="In cents.", ge=0)]) -> int:
    """Convert an amount."""
    return helper(amount)


def helper(amount: int) -> int:
    return RATE * amount


@tool
async def waited_for(amount: int) -> int:
    """Convert an amount, after a while."""
    return plain(amount)


@with_requirements(packages=["no-such-distribution>=1"])
def demanding(amount: int) -> int:
    """Convert an amount."""
    return amount


@tool(approval_mode="always_require")
def approved(amount: int) -> int:
    """Spend an amount."""
    return amount


@tool(max_invocations=2)
def counted(amount: int) -> int:
    """Spend an amount, twice at most."""
    return amount


@tool
def supplied(amount: int, ctx: FunctionInvocationContext) -> int:
    """Spend an amount for whoever asks."""
    return amount + len(ctx.kwargs)


class Account:
    def spend(self, amount: int) -> int:
        """Spend an amount."""
        return amount


LOCK = threading.Lock()


def locked(amount: int) -> int:
    """Convert an amount, one at a time."""
    with LOCK:
        return RATE * amount


class OwnTool(FunctionTool):
    pass


class Amount(BaseModel):
    amount: int


def closure() -> Callable[[int], int]:
    rate = [RATE]

    def enclosed(amount: int) -> int:
        """Convert an amount."""
        return rate[0] * amount

    return enclosed


declared = FunctionTool(name="declared", description="Elsewhere.", input_model=Amount)
own = OwnTool(name="own", description="More.", func=plain)


@pytest.mark.parametrize(
    ("function", "call"),
    [
        (plain, "plain(14)"),
        (bare, "bare(14)"),
        (described, "described(14)"),
        (waited_for, "await waited_for(14)"),
        (bare, "from functions import bare as convert; convert(14)"),
    ],
)
async def test_a_function_is_called_in_code(function: Callable[[int], int], call: str) -> None:
    async with DynamicSessionsTool("local", tools=[function]) as code_tool:
        (content,) = await code_tool.invoke(arguments={"code": call})

    assert content.text == "42"


STAYING = [approved, counted, supplied, locked, declared, own, Account().spend, closure()]


@pytest.mark.parametrize("item", STAYING, ids=lambda item: getattr(item, "name", "function"))
async def test_a_tool_that_cannot_travel_stays_a_tool(
    session_pool: AsyncSessionPool, item: FunctionTool | Callable[..., Any]
) -> None:
    provider = DynamicSessionsCodeActProvider(session_pool=session_pool, tools=[plain, item])

    (direct,) = provider.get_direct_tools()
    assert [offered.name for offered in provider.get_tools()] == ["plain", direct.name]
    assert provider.create_run_tool().get_tools() == provider.get_tools()[:1]
    assert provider.build_serializable_state()["direct_tool_names"] == [direct.name]


@pytest.mark.parametrize("item", STAYING, ids=lambda item: getattr(item, "name", "function"))
async def test_the_tool_alone_refuses_it(
    session_pool: AsyncSessionPool, item: FunctionTool | Callable[..., Any]
) -> None:
    code_tool = DynamicSessionsTool(session_pool=session_pool, tools=plain)

    with pytest.raises(FunctionSourceError):
        code_tool.add_tools(item)

    assert [offered.name for offered in code_tool.get_tools()] == ["plain"]


async def test_what_is_no_function_is_refused(session_pool: AsyncSessionPool) -> None:
    with pytest.raises(TypeError, match="no function"):
        DynamicSessionsTool(session_pool=session_pool, tools=[{"type": "web_search"}])  # pyright: ignore[reportArgumentType]


async def test_a_missing_package_is_named_before_any_code_runs() -> None:
    async with DynamicSessionsTool("local", tools=[demanding]) as code_tool:
        with pytest.raises(SessionFunctionError, match="no-such-distribution"):
            await code_tool.invoke(arguments={"code": "open('ran', 'w')"})


async def test_the_tool_alone_describes_its_functions(session_pool: AsyncSessionPool) -> None:
    code_tool = DynamicSessionsTool(session_pool=session_pool, tools=[plain, described])

    assert "def plain(amount: int) -> int" in code_tool.description
    assert "def described(" in code_tool.build_instructions(tools_visible_to_model=True)


@pytest.mark.parametrize("count", [1, 5, 200])
def test_a_description_stays_short_enough_for_every_service(count: int) -> None:
    functions = [
        f"def convert_{number}(amount: int) -> int:\n    {'Convert. ' * 200!r}\n    return amount"
        for number in range(count)
    ]

    description = build_description(FunctionModule.from_functions(functions))

    assert len(description) <= 1024
    assert ("def convert_0" in description) == (count < 200)
    assert ("help(functions)" in description) == (count == 200)


async def test_a_copy_for_a_run_is_left_alone_by_later_changes(
    session_pool: AsyncSessionPool,
) -> None:
    code_tool = DynamicSessionsTool(session_pool=session_pool, tools=[plain])
    run_tool = code_tool.create_run_tool()

    code_tool.clear_tools()

    assert code_tool.get_tools() == []
    assert [item.name for item in run_tool.get_tools()] == ["plain"]
    assert "def plain" in run_tool.build_instructions(tools_visible_to_model=False)
