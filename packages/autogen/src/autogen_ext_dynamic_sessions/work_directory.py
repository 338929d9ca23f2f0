"""The directory on this machine that an executor's files come from and go to."""

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path


class WorkDirectory:
    """A directory of the caller's, or a temporary one that is made when it is needed.

    A temporary directory goes with remove(), with this object, or with the process.
    """

    def __init__(self, given: Path | str | None) -> None:
        self.given = Path(given) if given is not None else None
        self._temporary: Path | None = None
        self._finalize: Callable[[], object] | None = None

    def make(self) -> Path:
        """Return the directory, and make it where it does not exist."""
        if self.given is not None:
            self.given.mkdir(parents=True, exist_ok=True)
            return self.given
        if self._temporary is None:
            self._temporary = Path(tempfile.mkdtemp(prefix="dynamic-sessions-"))
            self._finalize = weakref.finalize(
                self, shutil.rmtree, self._temporary, ignore_errors=True
            )
        return self._temporary

    def remove(self) -> None:
        """Remove the directory if it is a temporary one."""
        if self._finalize is not None:
            self._finalize()
        self._temporary = self._finalize = None

    def confined(self, files: Sequence[Path | str]) -> dict[str, Path]:
        """Return files of the directory by their names relative to it.

        Raises:
            ValueError: A path, or a symbolic link behind it, leads out of the directory.
            FileNotFoundError: There is no such file.
        """
        root = self.make().resolve()
        found: dict[str, Path] = {}
        for file in files:
            path = Path(os.path.normpath(root / file))
            target = path.resolve()
            if not (path.is_relative_to(root) and target.is_relative_to(root)):
                raise ValueError(f"{file} is not inside the working directory {root}.")
            if not target.is_file():
                raise FileNotFoundError(f"{file} does not exist in the working directory.")
            found[path.relative_to(root).as_posix()] = target
        return found
