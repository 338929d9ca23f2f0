"""Tools that copy files between the session and the one folder that the operator shares.

The operator chose the folder; a model's names lead nowhere else. Names with a part that begins with
a dot are out of bounds: there are secrets to read, and hooks to write, in such files.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import anyio.to_thread
from mcp.types import CallToolResult, ToolAnnotations
from pydantic import Field

from dynamic_sessions import SessionFile
from dynamic_sessions.files import session_name
from dynamic_sessions.local_paths import files_below
from dynamic_sessions.prompts import render_files
from dynamic_sessions_mcp.errors import ToolError
from dynamic_sessions_mcp.file_tools import FileList, file_list
from dynamic_sessions_mcp.settings import ServerSettings
from dynamic_sessions_mcp.tools import Arguments, SessionTool, ToolCall, session_tool


class ListSharedFilesArguments(Arguments):
    """Arguments of list_shared_files: none."""


class LoadSharedFileArguments(Arguments):
    """Arguments of load_shared_file."""

    name: str = Field(description="Path below the shared folder, as list_shared_files shows it")


class SaveSharedFileArguments(Arguments):
    """Arguments of save_shared_file."""

    name: str = Field(description="Path below /mnt/data, and then below the shared folder")
    overwrite: bool = Field(
        default=False, description="Whether a file of that name may be replaced"
    )


def shared_folder_tools(settings: ServerSettings) -> list[SessionTool]:
    """Return the tools for the shared folder; none where none is shared."""
    if settings.shared_folder is None:
        return []
    folder = settings.shared_folder

    async def list_shared_files(
        call: ToolCall, arguments: ListSharedFilesArguments
    ) -> CallToolResult:
        del arguments
        files = await anyio.to_thread.run_sync(_visible_files, folder)
        return file_list(files, render_files(files), limit=call.settings.output_limit)

    async def load_shared_file(
        call: ToolCall, arguments: LoadSharedFileArguments
    ) -> CallToolResult:
        name = _visible_name(arguments.name)
        with _places_untold(f"{name!r} is not a file of the shared folder."):
            loaded = await call.client.use().files.upload(name, name=name, root=folder)
        return file_list([loaded], f"In the session: {render_files([loaded])}")

    async def save_shared_file(
        call: ToolCall, arguments: SaveSharedFileArguments
    ) -> CallToolResult:
        name = _visible_name(arguments.name)
        if_exists = "replace" if arguments.overwrite else "refuse"
        with _places_untold(f"{name!r} cannot be a file of the shared folder."):
            saved = await call.client.use().files.download(name, to=folder, if_exists=if_exists)
        copy = SessionFile(name=name, size=(await anyio.Path(saved).stat()).st_size)
        return file_list([copy], f"In the shared folder: {render_files([copy])}")

    tools = [
        session_tool(
            list_shared_files,
            ListSharedFilesArguments,
            title="List shared files",
            description="List the files of the user's shared folder, which are not in the session "
            "until load_shared_file copies them there.",
            annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False),
            result=FileList,
        ),
        session_tool(
            load_shared_file,
            LoadSharedFileArguments,
            title="Load a shared file",
            description="Copy a file of the user's shared folder into the session.",
            annotations=ToolAnnotations(
                read_only_hint=False,
                destructive_hint=False,
                idempotent_hint=True,
                open_world_hint=False,
            ),
            result=FileList,
        ),
    ]
    if settings.read_only:
        return tools
    return [
        *tools,
        session_tool(
            save_shared_file,
            SaveSharedFileArguments,
            title="Save a file",
            description="Copy a file of the session into the user's shared folder, under the same "
            "name.",
            annotations=ToolAnnotations(
                read_only_hint=False,
                destructive_hint=True,
                idempotent_hint=True,
                open_world_hint=False,
            ),
            result=FileList,
        ),
    ]


@contextmanager
def _places_untold(text: str) -> Generator[None]:
    """Refuse a name without the folder's place on this machine, which is none of a model's."""
    try:
        yield
    except ValueError:
        raise ToolError(text) from None


def _visible_files(folder: Path) -> list[SessionFile]:
    paths = {path.relative_to(folder).as_posix(): path for path in files_below(folder)}
    return [
        SessionFile(name=name, size=path.stat().st_size)
        for name, path in paths.items()
        if not _is_hidden(name)
    ]


def _visible_name(name: str) -> str:
    relative = session_name(name)
    if _is_hidden(relative):
        raise ToolError(f"{name!r} is hidden: names that begin with a dot are out of bounds.")
    return relative


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))
