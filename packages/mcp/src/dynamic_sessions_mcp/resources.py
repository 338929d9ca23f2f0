"""The session's files as resources: what a host can show, or attach to a conversation."""

import base64
import mimetypes
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

from dynamic_sessions import NotFoundError
from dynamic_sessions.prompts import image_in
from dynamic_sessions_mcp.errors import error_text
from dynamic_sessions_mcp.results import text_in
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
            mime_type=_media_type(entry.name),
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
    name = unquote(uri.removeprefix(URI_PREFIX), errors="strict")
    try:
        content = await call.client.use().files.read(name, max_bytes=call.settings.file_limit)
    except (NotFoundError, ValueError) as error:
        raise MCPError(INVALID_PARAMS, error_text(error)) from None
    return ReadResourceResult(contents=[_contents(uri, name, content)])


def _contents(uri: str, name: str, content: bytes) -> TextResourceContents | BlobResourceContents:
    image, text = image_in(content), text_in(content)
    kind = _media_type(name) if image is None else image.mime_type
    if image is not None or text is None:
        blob = base64.b64encode(content).decode()
        return BlobResourceContents(uri=uri, mime_type=kind, blob=blob)
    return TextResourceContents(uri=uri, mime_type=kind, text=text)


def _media_type(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
