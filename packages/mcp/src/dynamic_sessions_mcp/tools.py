"""What a tool is: a name, models of what goes in and comes out, and a call."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from mcp.types import CallToolResult, Tool, ToolAnnotations
from pydantic import BaseModel, ConfigDict

from dynamic_sessions_mcp.clients import ClientSession, RequestContext
from dynamic_sessions_mcp.settings import ServerSettings


class Arguments(BaseModel):
    """Arguments of a tool; a name that is not one of them is an error."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True, kw_only=True)
class ToolCall:
    """One call of a tool: for whom, and within which bounds."""

    client: ClientSession
    context: RequestContext
    settings: ServerSettings


A = TypeVar("A", bound=Arguments)
Handler: TypeAlias = Callable[[ToolCall, A], Awaitable[CallToolResult]]


@dataclass(frozen=True, kw_only=True)
class SessionTool:
    """A tool of the server."""

    definition: Tool
    call: Callable[[ToolCall, dict[str, Any]], Awaitable[CallToolResult]]


def session_tool(
    handler: Handler[A],
    arguments: type[A],
    *,
    title: str,
    description: str,
    annotations: ToolAnnotations,
    result: type[BaseModel] | None = None,
) -> SessionTool:
    """Make a tool of a handler; the handler's name is the tool's.

    Args:
        handler: What answers a call.
        arguments: What a call gives; its schema is what models read.
        title: For people.
        description: For models.
        annotations: What hosts should know before they let a model call it.
        result: The structured content's model.
    """

    async def call(call: ToolCall, given: dict[str, Any]) -> CallToolResult:
        return await handler(call, arguments.model_validate(given))

    definition = Tool(
        name=handler.__name__,
        title=title,
        description=description,
        input_schema=arguments.model_json_schema(),
        output_schema=None if result is None else result.model_json_schema(mode="serialization"),
        annotations=annotations,
    )
    return SessionTool(definition=definition, call=call)
