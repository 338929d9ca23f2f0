"""Pictures on the programmer's own disk."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from dynamic_sessions import Image


class ImageFolder:
    """A folder on this machine that keeps the pictures that code made.

    Args:
        path: The folder; it must exist. None keeps nothing.

    Raises:
        NotADirectoryError: There is no such folder.
    """

    def __init__(self, path: str | Path | None) -> None:
        self._path = Path(path) if path is not None else None
        self.saved: list[Path] = []
        if self._path is not None and not self._path.is_dir():
            raise NotADirectoryError(f"The folder for pictures, {path}, does not exist.")

    def save(self, images: Sequence[Image]) -> None:
        """Write each picture into a file of its own, whose name no code and no model chose."""
        if self._path is None:
            return
        for image in images:
            moment = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
            # The format comes from the session: it may be anything.
            suffix = image.format if image.format.isalnum() else "image"
            target = self._path / f"{moment}-{uuid.uuid4().hex}.{suffix}"
            target.write_bytes(image.data)
            self.saved.append(target)
