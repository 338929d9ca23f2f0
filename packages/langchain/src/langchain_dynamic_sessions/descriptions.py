"""What a model is told about the tools and the session."""

from collections.abc import Sequence

from dynamic_sessions import FunctionModule, describe_functions
from dynamic_sessions.prompts.names import on_one_line
from langchain_dynamic_sessions.conversations import ConversationSessions

DESCRIPTION_LIMIT = 1024
"""Characters. OpenAI's services refuse a tool with a longer description."""

_CHARACTERS_PER_TOKEN = 4

_PYTHON = """\
Run Python code in a sandboxed session and return what it printed, the value of its last \
expression, errors, and pictures that it showed. Variables, imports and files stay from one call \
to the next. The working directory is /mnt/data. A call may take {timeout:g} seconds."""

_GUIDE = """\
You can run Python with the tool {tool}, in a session that keeps variables, imports and files. Work \
out with it what can be computed, rather than in your head, and read errors before you try again. \
Save files that are meant for the user in /mnt/data, the working directory, under speaking names."""

_FILES_NAMED = 50

_FUNCTIONS = "\n\nThese functions are already defined for the code:\n\n{functions}"
_NAMES = "\n\nThese functions are already defined for the code: "


def python_description(sessions: ConversationSessions, *, with_functions: bool = True) -> str:
    """Return the description of the tool that runs Python in some sessions.

    Where there is no room for all of the functions' stubs, these lose detail, and at last only the
    names stay.

    Args:
        sessions: Where the code runs.
        with_functions: Whether the functions in them are described, too.
    """
    text = _PYTHON.format(timeout=sessions.timeout)
    if not with_functions:
        return text
    return text + _functions_text(sessions.functions, room=DESCRIPTION_LIMIT - len(text))


def session_guide(tool: str, functions: FunctionModule, files: Sequence[str]) -> str:
    """Return what a system prompt says about the session.

    Args:
        tool: Name of the tool that runs Python.
        functions: The functions in the session, which are described in full.
        files: Names of the files in it.
    """
    parts = [_GUIDE.format(tool=tool)]
    if functions.names:
        parts.append(describe_functions(functions))
    if files:
        names = [on_one_line(name) for name in files[:_FILES_NAMED]]
        more = [f"and {len(files) - len(names)} more"] if len(files) > len(names) else []
        parts.append("Files in /mnt/data: " + ", ".join([*names, *more]))
    return "\n\n".join(parts)


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
