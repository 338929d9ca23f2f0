"""From core's values to LlamaIndex's content blocks."""

from typing import TypeAlias, TypeVar

from llama_index.core.base.llms.types import ImageBlock, TextBlock

from dynamic_sessions import Execution, Image, SessionFile, render_execution
from dynamic_sessions.prompts import image_in, render_file, render_files

ContentBlocks: TypeAlias = list[TextBlock | ImageBlock]
"""What a tool shows a model: text first, then pictures."""

FileT_co = TypeVar("FileT_co", bound=SessionFile, covariant=True)

_NO_OUTPUT = "The code ran to its end, without output."


class FileListing(tuple[FileT_co, ...]):
    """The files of a directory. As text, which is what a model sees, one file a line."""

    __slots__ = ()

    def __str__(self) -> str:
        return render_files(self)


def execution_blocks(execution: Execution) -> ContentBlocks:
    """Return what a model should see of a run.

    Services for models refuse a conversation with an empty text, or with a picture of a kind that
    they do not know; code can show anything as a picture. Such a picture is only named.
    """
    text = render_execution(execution) or _NO_OUTPUT
    viewable = [image for item in execution.images if (image := image_in(item.data))]
    return [TextBlock(text=text), *map(_image_block, viewable)]


def file_blocks(name: str, content: bytes) -> ContentBlocks:
    """Return what a model should see of a file."""
    image = image_in(content)
    if image is None:
        return [TextBlock(text=render_file(name, content))]
    return [TextBlock(text=f"[image: {image.mime_type}]"), _image_block(image)]


def _image_block(image: Image) -> ImageBlock:
    return ImageBlock(image=image.data, image_mimetype=image.mime_type)
