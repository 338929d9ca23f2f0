"""Modules that sessions of the service have, for interpreters that have them not."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

_NAMES = {"pkg_resources"}


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        if fullname not in _NAMES:
            return None
        return spec_from_file_location(fullname, Path(__file__).with_name(f"{fullname}.py"))


def offer() -> None:
    """Let code import them; whatever is installed under such a name goes first."""
    sys.meta_path.append(_Finder())
