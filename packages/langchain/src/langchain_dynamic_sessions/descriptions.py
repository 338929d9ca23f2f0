"""What a model is told about the tools and the session."""

from dynamic_sessions import FunctionModule, describe_functions
from langchain_dynamic_sessions.conversations import ConversationSessions

DESCRIPTION_LIMIT = 1024
"""Characters. OpenAI's services refuse a tool with a longer description."""

_CHARACTERS_PER_TOKEN = 4

_PYTHON = """\
Run Python code in a sandboxed session and return what it printed, the value of its last \
expression, errors, and pictures that it showed. Variables, imports and files stay from one call \
to the next. The working directory is /mnt/data. A call may take {timeout:g} seconds."""

_FUNCTIONS = "\n\nThese functions are already defined for the code:\n\n{functions}"
_NAMES = "\n\nThese functions are already defined for the code: "


def python_description(sessions: ConversationSessions) -> str:
    """Return the description of the tool that runs Python in some sessions.

    Where there is no room for all of the functions' stubs, these lose detail, and at last only the
    names stay.
    """
    text = _PYTHON.format(timeout=sessions.timeout)
    return text + _functions_text(sessions.functions, room=DESCRIPTION_LIMIT - len(text))


def _functions_text(functions: FunctionModule, *, room: int) -> str:
    if not functions.names:
        return ""
    try:
        return describe_functions(functions, _FUNCTIONS, token_budget=room // _CHARACTERS_PER_TOKEN)
    except ValueError:
        return _NAMES + _fitting(functions.names, room - len(_NAMES))


def _fitting(names: tuple[str, ...], room: int) -> str:
    for count in range(len(names), 0, -1):
        left_out = len(names) - count
        text = ", ".join(names[:count]) + (f" and {left_out} more." if left_out else ".")
        if len(text) <= room:
            return text
    return f"{len(names)} of them."
