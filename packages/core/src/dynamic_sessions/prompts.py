"""Functions and executions as text for a model."""

import json
import re
from collections.abc import Sequence

from dynamic_sessions.functions.module import FunctionModule
from dynamic_sessions.functions.spec import InjectableFunction
from dynamic_sessions.functions.stubs import stub
from dynamic_sessions.models import Execution, ExecutionStatus, JsonValue, SessionFile

FUNCTIONS_TEMPLATE = """\
The following Python functions are already defined for the code that you write. Call them by name.

{functions}"""

_PLACEHOLDER = re.compile(r"\{functions\}|\$\{functions\}|\$functions\b")

_ENDINGS = {
    ExecutionStatus.FAILED: "The code failed.",
    ExecutionStatus.TIMED_OUT: "The code was stopped at its time limit.",
    ExecutionStatus.ABORTED: "The code was aborted: the process that ran it died.",
    ExecutionStatus.CANCELED: "The code was canceled.",
}


def describe_functions(
    functions: Sequence[InjectableFunction] | FunctionModule, template: str = FUNCTIONS_TEMPLATE
) -> str:
    """Return a description of injected functions for a prompt.

    Args:
        functions: What was injected, or will be.
        template: Text in which {functions}, $functions or ${functions} stands for the stubs;
            every other dollar sign and brace is left alone.

    Raises:
        FunctionSourceError: A function cannot be injected at all.
    """
    module = (
        functions
        if isinstance(functions, FunctionModule)
        else FunctionModule.from_functions(functions)
    )
    stubs = "\n\n".join(stub(spec) for spec in module.specs)
    return _PLACEHOLDER.sub(lambda _: stubs, template)


def render_execution(
    execution: Execution,
    *,
    files: Sequence[SessionFile | str] = (),
    include_result: bool = True,
) -> str:
    """Return what a model should read after a run: output, errors, value, and what was made.

    The code's own output comes first and as it is: standard output, standard error with the
    traceback, then the value of the last expression on a line of its own. Images and files are
    named, never quoted.

    Args:
        execution: The run.
        files: Files that the run made, where they are known.
        include_result: Whether the value of the last expression is shown.
    """
    parts = [execution.stdout, execution.stderr]
    if include_result:
        parts.append(_value_text(execution.result))
    if not execution.ok and not execution.stderr:
        parts.append(str(execution.error or _ENDINGS[execution.status]))
    parts.extend(f"[image: {image.mime_type}]" for image in execution.images)
    parts.extend(
        f"[file: {item.name if isinstance(item, SessionFile) else item}]" for item in files
    )
    if execution.truncated:
        parts.append("[output was cut at its limit]")
    if execution.session_recycled:
        parts.append("[the session was new: earlier variables and imports were gone]")
    return join_lines(parts)


def join_lines(parts: Sequence[str]) -> str:
    """Join texts so that each begins on a line of its own; empty ones leave no trace."""
    text = ""
    for part in parts:
        separator = "\n" if text and part and not text.endswith("\n") else ""
        text += separator + part
    return text


def _value_text(value: JsonValue) -> str:
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
