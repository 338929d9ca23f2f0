"""How a sandbox's files travel: over the files of /mnt/data, and by commands to any other place."""

import posixpath
import shlex
import uuid
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from deepagents.backends.protocol import (
    FILE_NOT_FOUND,
    INVALID_PATH,
    IS_DIRECTORY,
    PERMISSION_DENIED,
    FileDownloadResponse,
    FileUploadResponse,
)

from dynamic_sessions import ServiceError
from dynamic_sessions.files import DATA_DIRECTORY, session_name

_PLACED, _DIRECT, _COPIED = "placed", "direct", "copied"
_ERRORS = frozenset({FILE_NOT_FOUND, IS_DIRECTORY, PERMISSION_DENIED})

# What stands between uploads and their places. One word is written for each file, in order.
_PLACE = f"""\
place() {{
    if [ -d "$2" ]; then rm -f -- "$1"; echo {IS_DIRECTORY}
    elif mkdir -p -- "$(dirname -- "$2")" && mv -fT -- "$1" "$2"; then echo {_PLACED}
    else rm -f -- "$1"; echo {PERMISSION_DENIED}
    fi 2>/dev/null
}}
"""

# The file calls of /mnt/data follow no symbolic links and may read what the session may not.
_OFFER = f"""\
offer() {{
    if [ ! -e "$1" ]; then echo {FILE_NOT_FOUND}
    elif [ -d "$1" ]; then echo {IS_DIRECTORY}
    elif [ ! -f "$1" ] || [ ! -r "$1" ]; then echo {PERMISSION_DENIED}
    elif [ "$3" = yes ] && [ "$(realpath -- "$1")" = "$1" ]; then echo {_DIRECT}
    elif cp -- "$1" "$2"; then echo {_COPIED}
    else rm -f -- "$2"; echo {PERMISSION_DENIED}
    fi 2>/dev/null
}}
"""


@dataclass(frozen=True, kw_only=True)
class Passage:
    """A file's path in the sandbox, and the name that it has in /mnt/data on its way."""

    path: str
    staged: str

    @property
    def is_valid(self) -> bool:
        """Whether the path is absolute and can be a file's."""
        return self.path.startswith("/") and "\0" not in self.path and _is_unicode(self.path)

    @property
    def staged_path(self) -> str:
        """The absolute path of the staged copy."""
        return f"{DATA_DIRECTORY}/{self.staged}"

    @property
    def target(self) -> str:
        """The path without doubled slashes, "." and ".."."""
        return posixpath.normpath("/" + self.path.lstrip("/"))

    @property
    def name(self) -> str | None:
        """The name below /mnt/data, if it is one for the file calls."""
        try:
            return session_name(self.target)
        except ValueError:
            return None


class _Batch:
    """Some files on their way, and what went wrong with which of them."""

    def __init__(self, paths: Sequence[str]) -> None:
        name = uuid.uuid4().hex
        self.files = [
            Passage(path=path, staged=f".passage-{name}-{number}")
            for number, path in enumerate(paths)
        ]
        self.errors: dict[Passage, str] = {
            file: INVALID_PATH for file in self.files if not file.is_valid
        }

    @property
    def pending(self) -> list[Passage]:
        """The files that nothing went wrong with."""
        return [file for file in self.files if file not in self.errors]

    @contextmanager
    def noting(self, *files: Passage) -> Generator[None]:
        """Note what fails as these files' error, in place of raising it."""
        try:
            yield
        except (ServiceError, ValueError) as error:
            self.errors |= dict.fromkeys(files, str(error))


class UploadBatch(_Batch):
    """Uploads to any place: staged in /mnt/data, then moved by one command."""

    @property
    def command(self) -> str:
        """Moves what was uploaded to where it belongs."""
        calls = (f"place {_quoted(file.staged_path, file.target)}" for file in self.pending)
        return _PLACE + "\n".join(calls)

    def read(self, output: str) -> None:
        """Note what the command says."""
        words = zip(self.pending, _words(output, len(self.pending)), strict=True)
        self.errors.update({file: _error(word) for file, word in words if word != _PLACED})

    def responses(self) -> list[FileUploadResponse]:
        """Return what became of each file, in order."""
        return [
            FileUploadResponse(path=file.path, error=self.errors.get(file)) for file in self.files
        ]


class DownloadBatch(_Batch):
    """Downloads from any place: by the file calls, of the file or of a staged copy."""

    def __init__(self, paths: Sequence[str]) -> None:
        super().__init__(paths)
        self.names: dict[Passage, str] = {}
        self.contents: dict[Passage, bytes] = {}

    @property
    def command(self) -> str:
        """Tells how each file can be had, and copies those that cannot be had in place."""
        calls = (
            f"offer {_quoted(file.target, file.staged_path)} {'yes' if file.name else 'no'}"
            for file in self.pending
        )
        return _OFFER + "\n".join(calls)

    @property
    def copies(self) -> list[str]:
        """Names of the staged copies, which are to be deleted at last."""
        return [file.staged for file, name in self.names.items() if name == file.staged]

    def read(self, output: str) -> None:
        """Note what the command says."""
        for file, word in zip(self.pending, _words(output, len(self.pending)), strict=True):
            name = {_DIRECT: file.name, _COPIED: file.staged}.get(word)
            if name is None:
                self.errors[file] = _error(word)
            else:
                self.names[file] = name

    def responses(self) -> list[FileDownloadResponse]:
        """Return what became of each file, in order."""
        return [
            FileDownloadResponse(
                path=file.path, content=self.contents.get(file), error=self.errors.get(file)
            )
            for file in self.files
        ]


def _words(output: str, count: int) -> list[str]:
    """Return one word for each file: a command that was stopped writes fewer."""
    words = output.split()[:count]
    return words + [""] * (count - len(words))


def _error(word: str) -> str:
    return word if word in _ERRORS else PERMISSION_DENIED


def _quoted(*paths: str) -> str:
    return " ".join(map(shlex.quote, paths))


def _is_unicode(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
