"""The session's files as resources: what a host can show, or attach to a conversation."""

import base64
from urllib.parse import quote, unquote

from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    BlobResourceContents,
    ReadResourceResult,
    Resource,
    ResourceTemplate,
    TextResourceContents,
)

from dynamic_sessions_mcp.errors import ToolError
from dynamic_sessions_mcp.file_tools import find_file
from dynamic_sessions_mcp.media import media_type, named_media_type
from dynamic_sessions_mcp.tools import ToolCall

URI_PREFIX = "session:///"

TEMPLATE = ResourceTemplate(
    name="session-file",
    title="File of the session",
    uri_template=URI_PREFIX + "{+path}",
    description="A file below the session's working directory, /mnt/data",
)


async def list_resources(call: ToolCall) -> list[Resource]:
    """Return the session's files; none where there is no session, which a list does not begin."""
    if not call.client.was_used:
        return []
    return [
        Resource(
            uri=URI_PREFIX + quote(entry.name),
            name=entry.name,
            mime_type=named_media_type(entry.name),
            size=entry.size,
        )
        for entry in await call.client.session.files.list(recursive=True)
        if entry.type == "file"
    ]


async def read_resource(call: ToolCall, uri: str) -> ReadResourceResult:
    """Return a file's content.

    Raises:
        MCPError: The session has no such file, or the file is over the limit.
    """
    if not uri.startswith(URI_PREFIX):
        raise MCPError(INVALID_PARAMS, f"There is no resource {uri}.")
    try:
        entry = await find_file(call, unquote(uri.removeprefix(URI_PREFIX), errors="strict"))
    except (ToolError, ValueError) as error:
        raise MCPError(INVALID_PARAMS, str(error)) from None
    if entry.size > call.settings.file_limit:
        raise MCPError(
            INVALID_PARAMS,
            f"{entry.size} bytes are more than the limit, {call.settings.file_limit}.",
        )
    content = await call.client.use().files.read(entry)
    kind = media_type(entry.name, content)
    return ReadResourceResult(contents=[_contents(uri, content, kind)])


def _contents(uri: str, content: bytes, kind: str) -> TextResourceContents | BlobResourceContents:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        blob = base64.b64encode(content).decode()
        return BlobResourceContents(uri=uri, mime_type=kind, blob=blob)
    return TextResourceContents(uri=uri, mime_type=kind, text=text)
