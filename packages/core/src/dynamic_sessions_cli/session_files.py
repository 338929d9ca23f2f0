"""Which files of a session a name or a pattern stands for."""

from collections.abc import Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from itertools import takewhile

from dynamic_sessions import AsyncSessionFiles, NotFoundError, SessionFile
from dynamic_sessions.files import DATA_DIRECTORY, session_name
from dynamic_sessions_cli.statuses import CommandError, ExitStatus

_ANY_FOLDERS = "**"


def has_pattern(name: str) -> bool:
    """Return whether a name has signs that stand for others."""
    return any(sign in name for sign in "*?[")


async def find(files: AsyncSessionFiles, name: str) -> Sequence[SessionFile]:
    """Return the files and directories that a name or a pattern stands for, in order.

    Args:
        files: The session's.
        name: A path below the data directory. In its parts, `*`, `?` and `[...]` stand for signs,
            and a part `**` for any number of directories.

    Raises:
        CommandError: The name is not valid, or there is no such file.
    """
    trimmed = name.rstrip("/").removeprefix(DATA_DIRECTORY).lstrip("/")
    if trimmed in {"", "."}:
        return await files.list()
    try:
        pattern = session_name(trimmed).split("/")
    except ValueError as error:
        raise CommandError(str(error)) from error
    fixed = list(takewhile(lambda part: not has_pattern(part), pattern))
    directory = "/".join(fixed if len(fixed) < len(pattern) else pattern[:-1])
    is_deep = len(pattern) > len(fixed) + 1 or _ANY_FOLDERS in pattern
    entries: Sequence[SessionFile] = ()
    with suppress(NotFoundError):
        entries = await files.list(directory, recursive=is_deep)
    found = [entry for entry in entries if _matches(entry.name.split("/"), pattern)]
    if not found:
        raise CommandError(
            f"The session has no file {name!r}.",
            "`dynamic-sessions files ls` lists those that it has.",
            status=ExitStatus.SERVICE_FAILED,
        )
    return sorted(found, key=lambda entry: entry.name)


async def below(files: AsyncSessionFiles, entry: SessionFile) -> Sequence[SessionFile]:
    """Return the files of a directory, however deep; of a file, the file itself."""
    if entry.type == "file":
        return [entry]
    entries = await files.list(entry.name, recursive=True)
    return [each for each in entries if each.type == "file"]


def _matches(name: Sequence[str], pattern: Sequence[str]) -> bool:
    if not pattern:
        return not name
    if pattern[0] == _ANY_FOLDERS:
        rest = pattern[1:] or ("*",)
        return any(_matches(name[skipped:], rest) for skipped in range(len(name)))
    return bool(name) and fnmatchcase(name[0], pattern[0]) and _matches(name[1:], pattern[1:])
