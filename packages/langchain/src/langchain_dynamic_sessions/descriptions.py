"""What a model is told about the tools and the session."""

from collections.abc import Sequence

from dynamic_sessions import FunctionModule, describe_functions
from dynamic_sessions.prompts.names import on_one_line

_GUIDE = """\
You can run Python with the tool {tool}, in a session that keeps variables, imports and files. Work \
out with it what can be computed, rather than in your head, and read errors before you try again. \
Save files that are meant for the user in /mnt/data, the working directory, under speaking names."""

_FILES_NAMED = 50


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
