"""Which modules the caller's program has, and no session can have."""

import importlib.metadata
import importlib.util
import sys
import sysconfig
from functools import cache
from pathlib import Path

_INSTALLED = ("stdlib", "platstdlib", "purelib", "platlib")


def is_only_on_host(module: str) -> bool:
    """Whether a module is the caller's own: its file is not where packages are installed.

    Nothing is imported to find out. A module that is not on this machine at all may well be in
    the session.
    """
    root = module.partition(".")[0]
    if root in sys.stdlib_module_names:
        return False
    places = _places(root)
    return bool(places) and not any(_is_installed(place) for place in places)


def distributions_of(module: str) -> tuple[str, ...]:
    """Return the distributions that this machine has the top of a module from."""
    return _distributed_modules().get(module.partition(".")[0], ())


@cache
def _distributed_modules() -> dict[str, tuple[str, ...]]:
    found = importlib.metadata.packages_distributions()
    return {module: tuple(dict.fromkeys(names)) for module, names in found.items()}


def _places(root: str) -> list[Path]:
    try:
        spec = importlib.util.find_spec(root)
    except (ImportError, ValueError):  # The module was put together by hand, as __main__ is.
        spec = None
    if spec is None:
        return []
    files = [spec.origin] if spec.has_location and spec.origin else []
    return [Path(place).resolve() for place in (*files, *(spec.submodule_search_locations or ()))]


def _is_installed(place: Path) -> bool:
    roots = [Path(path).resolve() for name in _INSTALLED if (path := sysconfig.get_path(name))]
    return any(place.is_relative_to(root) for root in roots) or not {
        "site-packages",
        "dist-packages",
    }.isdisjoint(place.parts)
