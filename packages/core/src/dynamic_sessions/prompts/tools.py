"""What a model is told about a tool that runs Python in a session."""

from dynamic_sessions.functions import FunctionModule
from dynamic_sessions.prompts.functions import describe_functions

TOOL_DESCRIPTION_LIMIT = 1024
"""Characters. OpenAI's services refuse a tool with a longer description."""

_CHARACTERS_PER_TOKEN = 4

_PYTHON = """\
Run Python code in a sandboxed session and return what it printed, the value of its last \
expression, errors, and pictures that it showed. Variables, imports and files stay from one call \
to the next. The working directory is /mnt/data. A call may take {timeout:g} seconds."""

_FUNCTIONS = "\n\nThese functions are already defined for the code:\n\n{functions}"
_NAMES = "\n\nThese functions are already defined for the code: "


def describe_python_tool(
    functions: FunctionModule | None = None,
    *,
    timeout: float,
    limit: int = TOOL_DESCRIPTION_LIMIT,
) -> str:
    """Return the description of a tool that runs Python in a session.

    Args:
        functions: Functions that the code can call. Where there is no room for all of their stubs,
            these lose detail, and at last only the names stay.
        timeout: Seconds that a call may take.
        limit: Characters that the text may have.
    """
    text = _PYTHON.format(timeout=timeout)
    if functions is None or not functions.names:
        return text
    room = limit - len(text)
    try:
        budget = room // _CHARACTERS_PER_TOKEN
        return text + describe_functions(functions, _FUNCTIONS, token_budget=budget)
    except ValueError:
        return text + _NAMES + _fitting(functions.names, room - len(_NAMES))


def _fitting(names: tuple[str, ...], room: int) -> str:
    for count in range(len(names), 0, -1):
        left_out = len(names) - count
        text = ", ".join(names[:count]) + (f" and {left_out} more." if left_out else ".")
        if len(text) <= room:
            return text
    return f"{len(names)} of them."
