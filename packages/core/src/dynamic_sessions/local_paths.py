"""Places on this machine, below a directory that the programmer named. No name leads out of it."""

import os
from collections.abc import Sequence
from pathlib import Path

_RESERVED_ON_WINDOWS = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$"}
    | {f"{device}{digit}" for device in ("com", "lpt") for digit in "123456789¹²³"}
)
_FORBIDDEN_ON_WINDOWS = frozenset('<>:"|?*\\')


def check_local_name(name: str, *, windows: bool = os.name == "nt") -> Sequence[str]:
    """Return the parts of a relative name that may name a file on this machine.

    Args:
        name: With forward slashes, without empty parts, "." or "..".
        windows: Whether this machine's names follow the rules of Windows: no drive letters, no
            devices, no alternate streams.

    Raises:
        ValueError: It may not.
    """
    parts = name.split("/")
    if windows and any(_is_special_on_windows(part) for part in parts):
        raise ValueError(f"{name!r} cannot be a file's name on this machine.")
    return parts


def make_target(root: Path, name: str) -> Path:
    """Return the path for a file below a directory; the directories on the way are made.

    Raises:
        ValueError: The name cannot be one here, a symbolic link would lead out of the directory,
            or a directory has that name.
    """
    parts = check_local_name(name)
    # Parents are looked at one by one before they are made, so that a symbolic link below the
    # directory cannot lead the creation of the next one elsewhere.
    root.mkdir(parents=True, exist_ok=True)
    directory = root
    for part in parts[:-1]:
        directory = directory / part
        if directory.is_symlink():
            raise ValueError(f"{directory} is a symbolic link, which a download does not follow.")
        directory.mkdir(exist_ok=True)
    target = directory / parts[-1]
    if target.is_dir():
        raise ValueError(f"{target} is a directory; the file would replace it.")
    return target


def find_below(root: Path, name: str | os.PathLike[str]) -> Path:
    """Return an existing file below a directory, by a name that may come from anywhere.

    Raises:
        ValueError: It lies elsewhere, by its name or by a symbolic link.
        FileNotFoundError: There is no such file.
    """
    real_root = root.resolve(strict=True)
    found = (real_root / name).resolve(strict=True)
    if not found.is_relative_to(real_root):
        raise ValueError(f"{os.fspath(name)!r} is not a file below {root}.")
    return found


def files_below(root: Path) -> Sequence[Path]:
    """Return the regular files below a directory, in order; symbolic links are passed over."""
    found: list[Path] = []
    for folder, folders, files in os.walk(root, followlinks=False):
        folders.sort()
        paths = [Path(folder, name) for name in sorted(files)]
        found += [path for path in paths if path.is_file() and not path.is_symlink()]
    return found


def _is_special_on_windows(part: str) -> bool:
    stem = part.partition(".")[0].rstrip(" ").lower()
    return (
        stem in _RESERVED_ON_WINDOWS
        or part[-1] in ". "
        or any(character in _FORBIDDEN_ON_WINDOWS for character in part)
    )
