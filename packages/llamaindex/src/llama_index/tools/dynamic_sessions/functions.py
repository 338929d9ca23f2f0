"""From the tools of a CodeActAgent to functions that travel into its session."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from llama_index.core.tools import BaseTool, FunctionTool

from dynamic_sessions import FunctionModule, FunctionSourceError

CodeActTool: TypeAlias = BaseTool | Callable[..., Any]

# CodeActAgent takes these names for itself, and leaves tools that have them out of its prompt.
_RESERVED_NAMES = frozenset({"execute", "handoff"})


def function_tools(tools: Sequence[CodeActTool]) -> list[FunctionTool]:
    """Return tools in the form in which CodeActAgent describes them to its model.

    Raises:
        FunctionSourceError: A tool cannot be what the agent's prompt promises: a plain function
            that the code may call.
    """
    return [_function_tool(tool) for tool in tools]


def module_of_tools(tools: Sequence[FunctionTool], *, name: str) -> FunctionModule:
    """Gather the functions of some tools into the module that is injected.

    Raises:
        FunctionSourceError: A function cannot travel.
        ValueError: The module name cannot be used.
    """
    return FunctionModule.from_functions([tool.real_fn for tool in tools], name=name)


def _function_tool(tool: CodeActTool) -> FunctionTool:
    if not isinstance(tool, BaseTool):
        tool = FunctionTool.from_defaults(tool)
    name = tool.metadata.get_name()
    if not isinstance(tool, FunctionTool):
        raise _refusal(
            name,
            f"is a {type(tool).__name__}, which needs what is on this machine",
            "pass a function, or give the tool to another agent",
        )
    if tool.requires_context:
        raise _refusal(
            name,
            "takes the workflow's Context, which does not exist in the session",
            "take what it needs from the Context as plain arguments",
        )
    if inspect.iscoroutinefunction(tool.real_fn) or inspect.isasyncgenfunction(tool.real_fn):
        raise _refusal(
            name,
            "is asynchronous, and CodeActAgent shows it to its model as a plain function, so that "
            "calls would not be awaited",
            "make it a plain function",
        )
    if name in _RESERVED_NAMES:
        raise _refusal(name, "has a name that CodeActAgent uses itself", "choose another name")
    return tool


def _refusal(name: str, fault: str, cure: str) -> FunctionSourceError:
    return FunctionSourceError(f"The tool {name} {fault}: {cure}.", function=name)
