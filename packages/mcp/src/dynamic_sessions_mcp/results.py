"""From core's executions to what a tool call returns."""

import base64
import json
from typing import Literal

from mcp.types import CallToolResult, ContentBlock, ImageContent, TextContent
from pydantic import BaseModel, Field, JsonValue

from dynamic_sessions import Execution, Image
from dynamic_sessions.prompts import image_in, render_execution


class RunResult(BaseModel):
    """What came of a run, for programs; the text beside it is for models."""

    status: Literal["succeeded", "failed", "timed_out", "aborted", "canceled"]
    output: str = Field(
        description="Standard output, errors and the value of the last expression, as text"
    )
    result: JsonValue = Field(
        default=None,
        description="Value of the last expression, or its text; null where it is too long",
    )
    error: str | None = Field(default=None, description="The exception that the code raised")
    exit_code: int | None = Field(default=None, description="Of a command")
    images: int = Field(default=0, description="How many pictures the code made")
    duration_seconds: float | None = None
    session_recycled: bool = Field(
        default=False, description="Whether earlier variables and imports are gone"
    )
    truncated: bool = Field(default=False, description="Whether output was cut at its limit")


def run_result(execution: Execution, *, limit: int) -> CallToolResult:
    """Return a run's text, its pictures, and the same as data.

    Code that failed is an error of the call: hosts show it as one, and models try again.

    Args:
        execution: The run.
        limit: Characters that the text may have.
    """
    text = render_execution(execution, limit=limit)
    content: list[ContentBlock] = [TextContent(text=text or "It ran without output.")]
    # What does not begin like a picture, services for models refuse together with all else.
    content += [image_content(image) for image in execution.images if image_in(image.data)]
    structured = RunResult(
        status=execution.status.value,
        output=text,
        result=_short(execution.result, limit),
        error=None if execution.error is None else str(execution.error)[:limit],
        exit_code=execution.exit_code,
        images=len(execution.images),
        duration_seconds=execution.duration,
        session_recycled=execution.session_recycled,
        truncated=execution.truncated,
    )
    return CallToolResult(
        content=content,
        structured_content=structured.model_dump(mode="json"),
        is_error=not execution.ok,
    )


def structured_result(text: str, structured: BaseModel) -> CallToolResult:
    """Return a call's result as text and as data."""
    return CallToolResult(
        content=[TextContent(text=text)],
        structured_content=structured.model_dump(mode="json"),
    )


def failed_result(text: str) -> CallToolResult:
    """Return the result of a call that failed."""
    return CallToolResult(content=[TextContent(text=text)], is_error=True)


def image_content(image: Image) -> ImageContent:
    """Return a picture as content."""
    return ImageContent(data=base64.b64encode(image.data).decode(), mime_type=image.mime_type)


def text_in(content: bytes) -> str | None:
    """Return a file's content as text, or None where it is none."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _short(value: JsonValue, limit: int) -> JsonValue:
    return value if len(json.dumps(value)) <= limit else None
