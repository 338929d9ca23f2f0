"""Names and paths of files in a session, checked as text; nothing here touches a disk."""

from dataclasses import dataclass

from dynamic_sessions_local.errors import LocalPoolError

ROOT = "/mnt/data"
MAX_NAME = 255
MAX_DEPTH = 64


class FileError(LocalPoolError):
    """A file call that cannot be answered."""


class InvalidPathError(FileError):
    """The path or name could not be that of a file in the session."""


@dataclass(frozen=True, kw_only=True)
class FilePath:
    """A checked place under /mnt/data: the directories on the way, then the name."""

    directory: tuple[str, ...]
    name: str


def parse_directory(text: str) -> tuple[str, ...]:
    """The directories named by a `path` parameter; (), the root, for "", "/" and "/mnt/data"."""
    parts = tuple(part for part in _below_root(text).split("/") if part)
    if len(parts) > MAX_DEPTH:
        raise InvalidPathError("the path has too many components")
    for part in parts:
        _check_component(part)
    return parts


def parse_file(directory: tuple[str, ...], name: str) -> FilePath:
    """The file called `name` in `directory`; the name may lead through further directories."""
    relative = _below_root(name)
    if relative == name and name.startswith("/"):
        raise InvalidPathError(f"a file name is relative to {ROOT}")
    parts = directory + parse_directory(relative)
    if len(parts) == len(directory):
        raise InvalidPathError("the file name is empty")
    return FilePath(directory=parts[:-1], name=parts[-1])


def base_name(name: str) -> str:
    """The last component of the name that a multipart body gives, which may be a whole path."""
    last = name.rpartition("/")[2]
    _check_component(last)
    return last


def _below_root(text: str) -> str:
    if text == ROOT or text.startswith(ROOT + "/"):
        return text[len(ROOT) :].lstrip("/")
    return text


def _check_component(part: str) -> None:
    if part in {"", ".", ".."}:
        raise InvalidPathError(f"{part!r} is not a name")
    if "\0" in part:
        raise InvalidPathError("a name has no NUL characters")
    try:
        encoded = part.encode()
    except UnicodeEncodeError:
        raise InvalidPathError("a name is UTF-8") from None
    if len(encoded) > MAX_NAME:
        raise InvalidPathError(f"a name has at most {MAX_NAME} bytes")
