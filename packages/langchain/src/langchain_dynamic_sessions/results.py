"""From core's values to LangChain's message content."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any, TypeAlias

from langchain_core.messages import ToolMessage

from dynamic_sessions import Execution, Image, render_execution
from dynamic_sessions.prompts import image_in, render_file

ToolContent: TypeAlias = str | list[str | dict[str, Any]]
"""Text, or content blocks: one of text, then pictures."""

MAX_IMAGE_BYTES = 3_750_000
"""Larger ones come to more than 5 MB in base64, where services for models begin to refuse them."""

NO_OUTPUT = "The code ran to its end, without output."


def execution_content(
    execution: Execution,
    *,
    limit: int | None,
    include_images: bool,
) -> ToolContent:
    """Return what a model should see of a run. Services for models refuse an empty text."""
    text = render_execution(execution, limit=limit) or NO_OUTPUT
    images = [image for image in execution.images if _can_be_shown(image)] if include_images else []
    return _with_images(text, images)


def file_content(name: str, content: bytes) -> ToolContent:
    """Return what a model should see of a file: its text, or the picture."""
    image = image_in(content)
    if image is None or not _can_be_shown(image):
        return render_file(name, content)
    return _with_images(f"[image: {image.mime_type}]", [image])


def _with_images(text: str, images: Sequence[Image]) -> ToolContent:
    """Return a text and pictures as content blocks; a text alone as it is."""
    if not images:
        return text
    return [{"type": "text", "text": text}, *map(_image_block, images)]


def with_status(result: Any) -> Any:
    """Mark a message about a run that did not succeed; leave everything else as it is."""
    if isinstance(result, ToolMessage):
        artifact: object = result.artifact
        if isinstance(artifact, Execution) and not artifact.ok:
            result.status = "error"
    return result


def _can_be_shown(image: Image) -> bool:
    return len(image.data) <= MAX_IMAGE_BYTES and image_in(image.data) is not None


def _image_block(image: Image) -> dict[str, Any]:
    # By its content: code in the session chose the name of the format.
    shown = image_in(image.data) or image
    return {
        "type": "image",
        "base64": b64encode(shown.data).decode(),
        "mime_type": shown.mime_type,
    }
