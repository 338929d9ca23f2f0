"""What a model is told about the tool and the session behind it."""

from dynamic_sessions import FunctionModule, describe_functions

DESCRIPTION = (
    "Run Python code in a sandboxed session and return what it prints, the value of its last "
    "expression, its errors and its pictures."
)
CODE_DESCRIPTION = "The Python code, plain, without Markdown."

_INSTRUCTIONS = """\
The tool {tool} runs Python. Variables, imports and files stay from one call to the next. The \
value of the last expression comes back, and so does what is printed; pictures that are shown come \
back as images. The working directory is /mnt/data, and files go there."""

_ONLY_IN_CODE = "These functions are not tools of their own: call them in code."
_ALSO_TOOLS = (
    "Some of these functions may be tools of their own as well; to combine calls, write code."
)

# OpenAI refuses a function whose description is longer.
_LONGEST_DESCRIPTION = 1024
_CHARACTERS_PER_TOKEN = 4


def build_instructions(
    module: FunctionModule, *, tool_name: str, tools_visible_to_model: bool
) -> str:
    """Return what an agent's instructions say about the tool.

    Args:
        module: The functions that are in the session.
        tool_name: The tool's name.
        tools_visible_to_model: Whether the functions are tools of the agent's, too.
    """
    parts = [_INSTRUCTIONS.format(tool=tool_name)]
    if module.names:
        parts.append(_ALSO_TOOLS if tools_visible_to_model else _ONLY_IN_CODE)
        parts.append(describe_functions(module))
    return "\n\n".join(parts)


def build_description(module: FunctionModule) -> str:
    """Return the tool's description: with the functions, as far as they fit into one."""
    if not module.names:
        return DESCRIPTION
    room = (_LONGEST_DESCRIPTION - len(DESCRIPTION) - 2) // _CHARACTERS_PER_TOKEN
    try:
        functions = describe_functions(module, token_budget=room)
    except ValueError:
        functions = (
            f"{len(module.names)} functions are defined; "
            f"import {module.name}; help({module.name}) describes them."
        )
    return f"{DESCRIPTION}\n\n{functions}"
