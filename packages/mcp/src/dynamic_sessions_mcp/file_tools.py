"""Tools for the session's files."""

import base64
import binascii
from collections.abc import Sequence
from typing import Literal

from mcp.types import CallToolResult, ToolAnnotations
from pydantic import BaseModel, Field

from dynamic_sessions import SessionFile
from dynamic_sessions.files import session_name
from dynamic_sessions.prompts import image_in, render_file, render_files
from dynamic_sessions_mcp.errors import ToolError
from dynamic_sessions_mcp.results import image_content, structured_result, text_in
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
    files = await call.client.use().files.list(arguments.directory, recursive=True)
    return file_list(files, render_files(files), limit=call.settings.output_limit)


async def read_file(call: ToolCall, arguments: ReadFileArguments) -> CallToolResult:
    """Show a text file in parts, or a picture."""
    name, limit = session_name(arguments.name), call.settings.file_limit
    try:
        content = await call.client.use().files.read(name, max_bytes=limit)
    except ValueError as error:
        raise ToolError(f"{error} Open it by code in the session.") from None
    image = image_in(content)
    if image is not None:
        described = FileText(name=name, size=len(content), text=None, next_offset=None)
        result = structured_result(f"{name}: {image.mime_type}", described)
        result.content.append(image_content(image))
        return result
    text = text_in(content)
    if text is None:
        raise ToolError(render_file(name, content))
    return _part(name, len(content), text, arguments.offset, call.settings.output_limit)


async def write_file(call: ToolCall, arguments: WriteFileArguments) -> CallToolResult:
    """Put a file into the session, in place of any of that name."""
    content = _decoded(arguments)
    if len(content) > call.settings.file_limit:
        raise ToolError(
            f"{len(content)} bytes are more than the {call.settings.file_limit} that this tool "
            "writes: make the file by code in the session."
        )
    written = await call.client.use().files.upload(content, name=arguments.name)
    return file_list([written], f"Written: {render_files([written])}")


def file_list(
    files: Sequence[SessionFile], text: str, *, limit: int | None = None
) -> CallToolResult:
    """Return files as a tool's result.

    Args:
        files: For programs.
        text: What models read of them.
        limit: Characters that the text may have; there is no such limit for the data.
    """
    if limit is not None and len(text) > limit:
        text = f"{text[:limit]}\n[{len(text) - limit} characters left out: list a directory]"
    entries = [FileEntry(name=item.name, size=item.size, type=item.type) for item in files]
    return structured_result(text, FileList(files=entries))


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


def _part(name: str, size: int, text: str, offset: int, limit: int) -> CallToolResult:
    part = text[offset : offset + limit]
    end = offset + len(part)
    next_offset = end if end < len(text) else None
    shown = part or ("[there is nothing at this offset]" if text else "[the file is empty]")
    if next_offset is not None:
        shown += f"\n[characters {offset} to {end} of {len(text)}; go on with offset={end}]"
    return structured_result(
        shown, FileText(name=name, size=size, text=part, next_offset=next_offset)
    )


def _decoded(arguments: WriteFileArguments) -> bytes:
    if arguments.encoding == "utf-8":
        return arguments.content.encode()
    try:
        return base64.b64decode(arguments.content, validate=True)
    except binascii.Error as error:
        raise ToolError(f"The content is not base64: {error}.") from None
