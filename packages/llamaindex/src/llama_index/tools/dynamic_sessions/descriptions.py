"""What a model is told about each tool, and the arguments that it may pass."""

from llama_index.core.bridge.pydantic import BaseModel, Field
from llama_index.core.tools import ToolMetadata

from dynamic_sessions import FunctionModule
from dynamic_sessions.prompts import describe_python_tool


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
    code = describe_python_tool(functions, timeout=timeout)
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
