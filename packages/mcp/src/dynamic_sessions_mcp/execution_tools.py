"""Tools that run code, and the one that begins anew."""

from mcp.types import CallToolResult, TextContent, ToolAnnotations
from pydantic import Field

from dynamic_sessions import FunctionModule
from dynamic_sessions.prompts import clean_code, describe_functions
from dynamic_sessions_mcp.progress import reported_progress
from dynamic_sessions_mcp.results import RunResult, run_result
from dynamic_sessions_mcp.settings import ServerSettings
from dynamic_sessions_mcp.tools import Arguments, SessionTool, ToolCall, session_tool


class RunPythonArguments(Arguments):
    """Arguments of run_python."""

    code: str = Field(description="Python code; a last expression's value is shown")
    timeout_seconds: float | None = Field(
        default=None, gt=0, description="Time limit, where the server's own is too long"
    )


class ResetSessionArguments(Arguments):
    """Arguments of reset_session: none."""


async def run_python(call: ToolCall, arguments: RunPythonArguments) -> CallToolResult:
    """Run code in the client's session."""
    settings = call.settings
    timeout = min(arguments.timeout_seconds or settings.timeout, settings.timeout)
    async with reported_progress(call.context, every=settings.progress_seconds, total=timeout):
        execution = await call.client.use().execute(clean_code(arguments.code), timeout=timeout)
    return run_result(execution, limit=settings.output_limit)


async def reset_session(call: ToolCall, arguments: ResetSessionArguments) -> CallToolResult:
    """Delete the client's session; the next call begins another."""
    del arguments
    if call.client.was_used:
        await call.client.session.delete()
        call.client.was_used = False
    text = "The session is new: earlier variables, imports and files are gone."
    return CallToolResult(content=[TextContent(text=text)])


def execution_tools(settings: ServerSettings, functions: FunctionModule) -> list[SessionTool]:
    """Return the tools that run code."""
    return [
        session_tool(
            run_python,
            RunPythonArguments,
            title="Run Python",
            description=_description(settings, functions),
            annotations=ToolAnnotations(
                read_only_hint=False,
                destructive_hint=True,
                idempotent_hint=False,
                open_world_hint=True,
            ),
            result=RunResult,
        ),
        session_tool(
            reset_session,
            ResetSessionArguments,
            title="Reset the session",
            description="End the session with its variables and files, and begin a new one.",
            annotations=ToolAnnotations(
                read_only_hint=False,
                destructive_hint=True,
                idempotent_hint=True,
                open_world_hint=False,
            ),
        ),
    ]


def _description(settings: ServerSettings, functions: FunctionModule) -> str:
    text = (
        "Run Python in an isolated session. Variables, imports and files live on from call to "
        "call. Shown are what the code prints, the value of its last expression, and pictures, "
        "such as those of matplotlib. Files are in the working directory, /mnt/data. Code is "
        f"stopped after {settings.timeout:g} seconds."
    )
    return f"{text}\n\n{describe_functions(functions)}" if functions.names else text
