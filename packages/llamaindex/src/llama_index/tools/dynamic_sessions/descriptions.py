"""What a model is told about each tool, and the arguments that it may pass."""

from llama_index.core.bridge.pydantic import BaseModel, Field
from llama_index.core.tools import ToolMetadata

from dynamic_sessions import FunctionModule, describe_functions

DESCRIPTION_LIMIT = 1024
"""Characters. LlamaIndex refuses to offer a tool of a longer description to OpenAI's models."""

_CHARACTERS_PER_TOKEN = 4

_EXECUTE = """\
Run Python code in a sandboxed session and return what it printed, the value of its last \
expression, errors, and pictures that it showed. Variables, imports and files stay from one call \
to the next. The working directory is /mnt/data. A call may take {timeout:g} seconds."""

_FUNCTIONS_TEMPLATE = "\n\nThese functions are already defined for the code:\n\n{functions}"
_NAMES = "\n\nThese functions are already defined for the code: "


class ExecuteArguments(BaseModel):
    """Arguments of the tool that runs code."""

    code: str = Field(description="Python code, without a fence around it.")


class CodeInterpreterArguments(BaseModel):
    """Arguments of the same tool under its old name."""

    python_code: str = Field(description="Python code, without a fence around it.")


class ListFilesArguments(BaseModel):
    """Arguments of the tool that lists files."""

    directory: str = Field(
        default="", description="A directory below /mnt/data; by default that directory itself."
    )


class ReadFileArguments(BaseModel):
    """Arguments of the tool that reads a file."""

    name: str = Field(description="The file's name below /mnt/data.")


class WriteFileArguments(BaseModel):
    """Arguments of the tool that writes a file."""

    name: str = Field(description="The file's name below /mnt/data.")
    content: str = Field(description="The whole text of the file.")


def tool_metadata(functions: FunctionModule, *, timeout: float) -> dict[str, ToolMetadata]:
    """Return what models are told about each tool, by the tool's name.

    Args:
        functions: Functions that the code can call. Where the description has no room for all of
            their stubs, these lose detail, and at last only the names stay.
        timeout: Seconds that a run may take.
    """
    code = _EXECUTE.format(timeout=timeout)
    code += _functions_text(functions, room=DESCRIPTION_LIMIT - len(code))
    return {
        item.get_name(): item
        for item in (
            ToolMetadata(name="execute", description=code, fn_schema=ExecuteArguments),
            ToolMetadata(
                name="code_interpreter", description=code, fn_schema=CodeInterpreterArguments
            ),
            ToolMetadata(
                name="list_files",
                description="List the files of the session that runs the code.",
                fn_schema=ListFilesArguments,
            ),
            ToolMetadata(
                name="read_file",
                description=(
                    "Read a file of the session: a text, or a picture to look at. Of a long text "
                    "the middle is left out; read such files with code."
                ),
                fn_schema=ReadFileArguments,
            ),
            ToolMetadata(
                name="write_file",
                description=(
                    "Write a text file into the session, where code can open it by its name. A "
                    "file of the same name is replaced."
                ),
                fn_schema=WriteFileArguments,
            ),
        )
    }


def _functions_text(functions: FunctionModule, *, room: int) -> str:
    if not functions.names:
        return ""
    try:
        return describe_functions(
            functions, _FUNCTIONS_TEMPLATE, token_budget=room // _CHARACTERS_PER_TOKEN
        )
    except ValueError:
        return _NAMES + _fitting(functions.names, room - len(_NAMES))


def _fitting(names: tuple[str, ...], room: int) -> str:
    for count in range(len(names), 0, -1):
        left_out = len(names) - count
        text = ", ".join(names[:count]) + (f" and {left_out} more." if left_out else ".")
        if len(text) <= room:
            return text
    return f"{len(names)} of them."
