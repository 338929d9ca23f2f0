"""Files that come with a user's messages: into the session, and named in the message."""

import copy
from collections.abc import Sequence

from agent_framework import Content, Message

from dynamic_sessions import AsyncSession
from maf_dynamic_sessions.files import content_name, upload_content

# What models read by themselves stays in the message, too. Of other data a chat service makes
# nothing, or an error, or a long text.
_READ_BY_MODELS = ("image/", "audio/", "video/", "application/pdf")


async def uploaded(session: AsyncSession, messages: Sequence[Message]) -> list[Message]:
    """Put the data contents that have a file name into a session, and name them in the messages.

    Returns:
        The messages as the model should read them; those that were passed are left alone.

    Raises:
        ValueError: A name cannot be a file's in a session.
        ServiceError: The service, or the way to it, failed.
    """
    return [await _upload_from(session, message) for message in messages]


async def _upload_from(session: AsyncSession, message: Message) -> Message:
    if not any(map(content_name, message.contents)):
        return message
    contents: list[Content] = []
    for content in message.contents:
        if content_name(content) is None:
            contents.append(content)
            continue
        file = await upload_content(session, content)
        if str(content.media_type).startswith(_READ_BY_MODELS):
            contents.append(content)
        contents.append(Content.from_text(f"[file in the session: {file.name}]"))
    told = copy.copy(message)
    told.contents = contents
    return told
