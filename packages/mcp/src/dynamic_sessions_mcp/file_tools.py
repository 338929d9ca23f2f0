"""Tools for the session's files."""

import base64
import binascii
from typing import Literal

from mcp.types import CallToolResult, ToolAnnotations
from pydantic import BaseModel, Field

from dynamic_sessions import NotFoundError, SessionFile
from dynamic_sessions.files import session_name
from dynamic_sessions_mcp.errors import ToolError
from dynamic_sessions_mcp.media import media_type
from dynamic_sessions_mcp.results import SHOWN_IMAGE_TYPES, image_content, structured_result
from dynamic_sessions_mcp.tools import Arguments, SessionTool, ToolCall, session_tool


class FileEntry(BaseModel):
    """A file or directory."""

    name: str = Field(description="Path below /mnt/data")
    size: int = Field(description="Bytes")
    type: Literal["file", "directory"]


class FileList(BaseModel):
    """Files and directories."""

    files: list[FileEntry]


class FileText(BaseModel):
    """A part of a text file, or the file as a picture."""

    name: str
    size: int = Field(description="Bytes of the whole file")
    text: str | None = Field(description="The part; null where the file is a picture")
    next_offset: int | None = Field(description="Where the next part begins; null at the end")


class ListFilesArguments(Arguments):
    """Arguments of list_files."""

    directory: str = Field(default="", description="Below /mnt/data; by default all of it")


class ReadFileArguments(Arguments):
    """Arguments of read_file."""

    name: str = Field(description="Path below /mnt/data")
    offset: int = Field(default=0, ge=0, description="Character to begin at")


class WriteFileArguments(Arguments):
    """Arguments of write_file."""

    name: str = Field(description="Path below /mnt/data")
    content: str = Field(description="The whole content")
    encoding: Literal["utf-8", "base64"] = Field(
        default="utf-8", description="base64 for content that is not text"
    )


async def list_files(call: ToolCall, arguments: ListFilesArguments) -> CallToolResult:
    """List the session's files."""
    entries = await call.client.use().files.list(arguments.directory, recursive=True)
    files = [FileEntry(name=item.name, size=item.size, type=item.type) for item in entries]
    lines = [f"{item.name}/" if item.type == "directory" else _line(item) for item in files]
    return structured_result(
        _shortened("\n".join(lines), call.settings.output_limit) or "There are no files.",
        FileList(files=files),
    )


async def read_file(call: ToolCall, arguments: ReadFileArguments) -> CallToolResult:
    """Show a text file in parts, or a picture."""
    entry = await find_file(call, arguments.name)
    if entry.size > call.settings.file_limit:
        raise ToolError(
            f"{entry.name} has {entry.size} bytes, more than the {call.settings.file_limit} that "
            "this tool reads: open it by code in the session."
        )
    content = await call.client.use().files.read(entry)
    kind = media_type(entry.name, content)
    if kind in SHOWN_IMAGE_TYPES:
        return _picture(entry, content, kind)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise ToolError(
            f"{entry.name} is not text, but {kind}, {entry.size} bytes: open it by code there."
        ) from None
    return _part(entry, text, arguments.offset, call.settings.output_limit)


async def write_file(call: ToolCall, arguments: WriteFileArguments) -> CallToolResult:
    """Put a file into the session, in place of any of that name."""
    content = _decoded(arguments)
    if len(content) > call.settings.file_limit:
        raise ToolError(
            f"{len(content)} bytes are more than the {call.settings.file_limit} that this tool "
            "writes: make the file by code in the session."
        )
    written = await call.client.use().files.upload(content, name=arguments.name)
    entry = FileEntry(name=written.name, size=written.size, type="file")
    return structured_result(f"Written: {_line(entry)}", FileList(files=[entry]))


async def find_file(call: ToolCall, name: str) -> SessionFile:
    """Return a file's entry in its directory's list, which has its size.

    Raises:
        ToolError: There is none.
    """
    wanted = session_name(name)
    missing = ToolError(f"There is no file {wanted!r}. list_files shows which there are.")
    try:
        entries = await call.client.use().files.list(wanted.rpartition("/")[0])
    except NotFoundError:
        raise missing from None
    for entry in entries:
        if entry.name == wanted and entry.type == "file":
            return entry
    raise missing


def file_tools() -> list[SessionTool]:
    """Return the tools for the session's files."""
    reading = ToolAnnotations(read_only_hint=True, open_world_hint=False)
    return [
        session_tool(
            list_files,
            ListFilesArguments,
            title="List files",
            description="List the session's files with their sizes.",
            annotations=reading,
            result=FileList,
        ),
        session_tool(
            read_file,
            ReadFileArguments,
            title="Read a file",
            description="Show a text file of the session, long ones in parts, or a picture.",
            annotations=reading,
            result=FileText,
        ),
        session_tool(
            write_file,
            WriteFileArguments,
            title="Write a file",
            description="Put a file into the session, in place of any of that name.",
            annotations=ToolAnnotations(
                read_only_hint=False,
                destructive_hint=True,
                idempotent_hint=True,
                open_world_hint=False,
            ),
            result=FileList,
        ),
    ]


def _line(entry: FileEntry) -> str:
    return f"{entry.name} ({entry.size} bytes)"


def _shortened(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    return f"{text[:limit]}\n[{len(text) - limit} characters left out]"


def _picture(entry: SessionFile, content: bytes, kind: str) -> CallToolResult:
    described = FileText(name=entry.name, size=entry.size, text=None, next_offset=None)
    result = structured_result(f"{entry.name}: {kind}, {entry.size} bytes", described)
    result.content.append(image_content(content, kind))
    return result


def _part(entry: SessionFile, text: str, offset: int, limit: int) -> CallToolResult:
    part = text[offset : offset + limit]
    end = offset + len(part)
    next_offset = end if end < len(text) else None
    shown = part or "[there is nothing at this offset]" if text else "[the file is empty]"
    if next_offset is not None:
        shown += f"\n[characters {offset} to {end} of {len(text)}; go on with offset={end}]"
    return structured_result(
        shown, FileText(name=entry.name, size=entry.size, text=part, next_offset=next_offset)
    )


def _decoded(arguments: WriteFileArguments) -> bytes:
    if arguments.encoding == "utf-8":
        return arguments.content.encode()
    try:
        return base64.b64decode(arguments.content, validate=True)
    except binascii.Error as error:
        raise ToolError(f"The content is not base64: {error}.") from None
