"""A session's files as a model should see them."""

from collections.abc import Sequence

from dynamic_sessions.models import Image, SessionFile
from dynamic_sessions.prompts.executions import DEFAULT_LIMIT
from dynamic_sessions.prompts.names import on_one_line
from dynamic_sessions.prompts.shortening import MIN_LIMIT, shorten_together

MAX_IMAGE_PIXELS = 8000
"""Of the width and of the height of a picture."""

_PNG = b"\x89PNG\r\n\x1a\n"

# What vision models take, by the bytes that such a file begins with.
_SIGNATURES = {
    _PNG: "png",
    b"\xff\xd8\xff": "jpeg",
    b"GIF87a": "gif",
    b"GIF89a": "gif",
}


def render_files(files: Sequence[SessionFile], *, limit: int | None = DEFAULT_LIMIT) -> str:
    """Return a list of files, one a line: the name and the size; directories end in a slash.

    Args:
        files: The files.
        limit: Characters that the text may have; see render_file().

    Raises:
        ValueError: The limit is under 200 characters.
    """
    if not files:
        return "There are no files."
    return _within("\n".join(map(_line, files)), limit)


def render_file(file_name: str, content: bytes, *, limit: int | None = DEFAULT_LIMIT) -> str:
    """Return the text of a file, or a sentence that says that it has none.

    Args:
        file_name: The file's name in the session.
        content: All of it.
        limit: Characters that the text may have; where it is longer, its middle is left out, and
            a note says how much. None shows all of it.

    Raises:
        ValueError: The limit is under 200 characters.
    """
    if not content:
        return f"{on_one_line(file_name)} is empty."
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        return f"{on_one_line(file_name)} is not a text file ({len(content):,} bytes): use code."
    return _within(text, limit)


def image_in(content: bytes) -> Image | None:
    """Return a file's content as a picture, if it begins like one that models can look at.

    The name of a file proves nothing: a service for models refuses a whole conversation because
    of one picture that is none, or that is wider or higher than MAX_IMAGE_PIXELS; of PNG, in which
    charts come, that is looked at.
    """
    if content.startswith(_PNG) and max(_png_size(content)) > MAX_IMAGE_PIXELS:
        return None
    for signature, image_format in _SIGNATURES.items():
        if content.startswith(signature):
            return Image(data=content, format=image_format)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return Image(data=content, format="webp")
    return None


def _png_size(content: bytes) -> tuple[int, int]:
    # The first chunk's data begin with both, after its length and its name.
    return int.from_bytes(content[16:20]), int.from_bytes(content[20:24])


def _within(text: str, limit: int | None) -> str:
    if limit is None:
        return text
    if limit < MIN_LIMIT:
        raise ValueError(f"A limit is at least {MIN_LIMIT} characters; {limit} is not.")
    return shorten_together([text], limit)[0]


def _line(file: SessionFile) -> str:
    if file.type == "directory":
        return f"{on_one_line(file.name)}/"
    return f"{on_one_line(file.name)} ({file.size:,} bytes)"
