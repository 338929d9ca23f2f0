"""Tools that run code, and the one that begins anew."""

from collections.abc import Awaitable, Callable
from functools import partial

from mcp.types import CallToolResult, TextContent, ToolAnnotations
from pydantic import Field

from dynamic_sessions import Execution, FunctionModule
from dynamic_sessions.prompts import clean_code, describe_functions
from dynamic_sessions_mcp.progress import reporting_progress
from dynamic_sessions_mcp.results import RunResult, run_result
from dynamic_sessions_mcp.settings import ServerSettings
from dynamic_sessions_mcp.tools import Arguments, SessionTool, ToolCall, session_tool


class RunPythonArguments(Arguments):
    """Arguments of run_python."""

    code: str = Field(description="Python code; a last expression's value is shown")
    timeout_seconds: float | None = Field(
        default=None, gt=0, description="Time limit, where the server's own is too long"
    )


class RunShellArguments(Arguments):
    """Arguments of run_shell."""

    command: str = Field(description="A line or a script for Bash")
    stdin: str = Field(default="", description="What the command reads")
    timeout_seconds: float | None = Field(
        default=None, gt=0, description="Time limit, where the server's own is too long"
    )


class ResetSessionArguments(Arguments):
    """Arguments of reset_session: none."""


async def run_python(call: ToolCall, arguments: RunPythonArguments) -> CallToolResult:
    """Run code in the client's session."""
    code = clean_code(arguments.code)
    timeout = _time_limit(call, arguments.timeout_seconds)
    session = call.client.use()
    return await _run(call, partial(session.execute, code, timeout=timeout), timeout)


async def run_shell(call: ToolCall, arguments: RunShellArguments) -> CallToolResult:
    """Run a command in the client's session, which is one of a Shell pool."""
    timeout = _time_limit(call, arguments.timeout_seconds)
    run = partial(
        call.client.use().run_command, arguments.command, stdin=arguments.stdin, timeout=timeout
    )
    return await _run(call, run, timeout)


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
    running = ToolAnnotations(
        read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=True
    )
    if settings.kind == "shell":
        run = session_tool(
            run_shell,
            RunShellArguments,
            title="Run a command",
            description=_describe_shell(settings),
            annotations=running,
            result=RunResult,
        )
    else:
        run = session_tool(
            run_python,
            RunPythonArguments,
            title="Run Python",
            description=_describe_python(settings, functions),
            annotations=running,
            result=RunResult,
        )
    return [
        run,
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


def _time_limit(call: ToolCall, wanted: float | None) -> float:
    return min(wanted or call.settings.timeout, call.settings.timeout)


async def _run(
    call: ToolCall, run: Callable[[], Awaitable[Execution]], timeout: float
) -> CallToolResult:
    execution = await reporting_progress(
        call.context, run, every=call.settings.progress_seconds, total=timeout
    )
    return run_result(execution, limit=call.settings.output_limit)


def _describe_python(settings: ServerSettings, functions: FunctionModule) -> str:
    text = (
        "Run Python in an isolated session. Variables, imports and files live on from call to "
        "call. Shown are what the code prints, the value of its last expression, and pictures, "
        "such as those of matplotlib. Files are in the working directory, /mnt/data. Code is "
        f"stopped after {settings.timeout:g} seconds."
    )
    return f"{text}\n\n{describe_functions(functions)}" if functions.names else text


def _describe_shell(settings: ServerSettings) -> str:
    return (
        "Run a Bash command in an isolated session. Each is a process of its own that starts in "
        "/mnt/data; files live on from call to call, and nothing else. A command is stopped after "
        f"{settings.timeout:g} seconds."
    )
