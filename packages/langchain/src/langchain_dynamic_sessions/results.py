"""From core's values to LangChain's message content."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from langchain_core.messages import ToolMessage

from dynamic_sessions import Execution, Image, render_execution
from dynamic_sessions.models import JsonValue
from dynamic_sessions.prompts import image_in, join_lines, render_file
from dynamic_sessions.prompts.names import on_one_line

ToolContent: TypeAlias = str | list[str | dict[str, Any]]
"""Text, or content blocks: one of text, then pictures."""

MAX_IMAGE_BYTES = 3_750_000
"""Larger ones come to more than 5 MB in base64, where services for models begin to refuse them."""

_FILES_NAMED = 20

_LEAST_INTEGER, _GREATEST_INTEGER = -(2**63), 2**63 - 1

_NO_OUTPUT = "The code ran to its end, without output."


def execution_content(
    execution: Execution,
    *,
    limit: int | None,
    include_images: bool,
) -> ToolContent:
    """Return what a model should see of a run. Services for models refuse an empty text."""
    text = render_execution(execution, limit=limit) or _NO_OUTPUT
    images = [image for image in execution.images if _can_be_shown(image)] if include_images else []
    return _with_images(text, images)


def artifact(execution: Execution) -> Execution:
    """Return a run as it can be kept in a message.

    Checkpoints of LangGraph refuse integers of more than 64 bits, and with them the whole state, so
    that such a result is its text, as other objects are.
    """
    if _fits_in_a_checkpoint(execution.result):
        return execution
    return replace(execution, result=str(execution.result))


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


def with_file_names(content: ToolContent, names: Sequence[str]) -> ToolContent:
    """Return what a model should see, with the names of files that a run made."""
    notes = [f"[file: {on_one_line(name)}]" for name in names[:_FILES_NAMED]]
    if len(names) > _FILES_NAMED:
        notes.append(f"[and {len(names) - _FILES_NAMED} more files]")
    if not notes:
        return content
    text = "\n".join(notes)
    if isinstance(content, str):
        return join_lines([content, text])
    return [*content, {"type": "text", "text": text}]


def with_status(result: Any) -> Any:
    """Mark a message about a run that did not succeed; leave everything else as it is."""
    if isinstance(result, ToolMessage):
        artifact: object = result.artifact
        if isinstance(artifact, Execution) and not artifact.ok:
            result.status = "error"
    return result


def _fits_in_a_checkpoint(value: JsonValue) -> bool:
    if isinstance(value, dict):
        return all(map(_fits_in_a_checkpoint, value.values()))
    if isinstance(value, list):
        return all(map(_fits_in_a_checkpoint, value))
    return not isinstance(value, int) or _LEAST_INTEGER <= value <= _GREATEST_INTEGER


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
