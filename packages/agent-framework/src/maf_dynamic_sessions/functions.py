"""From Agent Framework's tools to functions that can be had in a session."""

import inspect
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from agent_framework import FunctionTool, normalize_tools

from dynamic_sessions import FunctionModule, FunctionSourceError, FunctionSpec
from dynamic_sessions.functions import spec_from_callable

logger = logging.getLogger("maf_dynamic_sessions")

ToolInput: TypeAlias = FunctionTool | Callable[..., Any]
"""A function, with the framework's decorator or without."""

_TOOL_DECORATORS = ("agent_framework.tool", "agent_framework._tools.tool")
_GATHERING = frozenset({inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD})


@dataclass(frozen=True, kw_only=True)
class SortedTools:
    """Tools by where they run: as functions of the session, or here."""

    injected: tuple[FunctionTool, ...]
    direct: tuple[FunctionTool, ...]
    """Tools that stay tools of the agent's, each called by the model itself."""


def function_tools(tools: ToolInput | Sequence[ToolInput]) -> tuple[FunctionTool, ...]:
    """Return tools and plain functions as tools.

    Raises:
        TypeError: Something else is among them, such as a hosted tool or an MCP server.
    """
    found: list[FunctionTool] = []
    for item in normalize_tools(tools):
        if not isinstance(item, FunctionTool):
            raise TypeError(
                f"A {type(item).__name__} is no function: give it to the agent, beside the session."
            )
        found.append(item)
    return tuple(found)


def merged_tools(
    tools: Sequence[FunctionTool], further: Sequence[FunctionTool]
) -> tuple[FunctionTool, ...]:
    """Return tools and further ones, which replace those of the same name."""
    by_name = {tool.name: tool for tool in tools}
    for tool in further:
        by_name.pop(tool.name, None)
        by_name[tool.name] = tool
    return tuple(by_name.values())


def without_tool(tools: Sequence[FunctionTool], name: str) -> tuple[FunctionTool, ...]:
    """Return tools without one of them.

    Raises:
        KeyError: None of them has this name.
    """
    remaining = tuple(tool for tool in tools if tool.name != name)
    if len(remaining) == len(tools):
        raise KeyError(f"There is no tool {name!r}.")
    return remaining


def function_module(tools: Sequence[FunctionTool]) -> FunctionModule:
    """Gather the functions of tools into the module that is injected.

    Raises:
        FunctionSourceError: One of them cannot run in a session.
    """
    return FunctionModule.from_functions([_spec_of(tool) for tool in tools])


def sort_tools(tools: Sequence[FunctionTool]) -> SortedTools:
    """Find out which tools can run in a session."""
    specs: dict[str, FunctionSpec] = {}
    for tool in tools:
        try:
            specs[tool.name] = _spec_of(tool)
        except FunctionSourceError as error:
            _log_staying(tool.name, error)
    # What a function uses may turn out to be missing only among the others.
    while True:
        try:
            FunctionModule.from_functions(list(specs.values()))
        except FunctionSourceError as error:
            staying = [name for name, spec in specs.items() if spec.name == error.function]
            if not staying:
                raise
            for name in staying:
                _log_staying(name, error)
                del specs[name]
        else:
            return SortedTools(
                injected=tuple(tool for tool in tools if tool.name in specs),
                direct=tuple(tool for tool in tools if tool.name not in specs),
            )


def _spec_of(tool: FunctionTool) -> FunctionSpec:
    if reason := _reason_to_stay(tool):
        raise FunctionSourceError(
            f"The tool {tool.name} {reason}; give it to the agent, beside the session.",
            function=tool.name,
        )
    function = cast("Callable[..., object]", tool.func)
    return spec_from_callable(function, requirement_decorators=_TOOL_DECORATORS)


def _reason_to_stay(tool: FunctionTool) -> str | None:
    """Say what about a tool would be lost if code called its function without the framework."""
    if type(tool) is not FunctionTool:
        return f"is a {type(tool).__name__}, which is more than its function"
    if tool.func is None:
        return "has no function"
    if tool.approval_mode == "always_require":
        return "needs an approval of each call"
    if tool.max_invocations is not None or tool.max_invocation_exceptions is not None:
        return "has its calls counted"
    if _has_supplied_parameters(tool):
        return "takes what the framework supplies"
    return None


def _has_supplied_parameters(tool: FunctionTool) -> bool:
    function = cast("Callable[..., object]", tool.func)
    asked_for = cast("dict[str, object]", tool.parameters().get("properties", {}))
    return any(
        name not in asked_for and parameter.kind not in _GATHERING
        for name, parameter in inspect.signature(function).parameters.items()
    )


def _log_staying(name: str, error: FunctionSourceError) -> None:
    logger.info("The tool %s stays outside the session: %s", name, error)
