"""Checks required packages. The text of this file runs inside the session, not on the host.

It is sent only where packages are required: what it imports takes longer than all the rest of a
set-up. It may use the standard library alone, of any Python from 3.9 on.
"""

from __future__ import annotations

import importlib
import importlib.metadata as metadata
import importlib.util
import re
import sys
from typing import Any


def package_fault(text: str, folder: str) -> str:
    """Say what is wrong with a requirement, or nothing.

    Without the packaging library neither versions nor markers can be judged: then what is
    installed counts as right, and what carries a marker as not asked for.

    Args:
        text: The requirement, as in PEP 508.
        folder: Path of what was installed in this session.
    """
    library = _packaging()
    if library is None:
        match = re.match(r"\s*[A-Za-z0-9][A-Za-z0-9._-]*", text)
        name = match.group().strip() if match else text
        return "" if ";" in text or _installed_version(name) is not None else "is not installed"
    return _requirement_fault(library.Requirement(text), library, folder)


def _packaging() -> Any:
    for name in ("packaging.requirements", "pip._vendor.packaging.requirements"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None


def _requirement_fault(requirement: Any, library: Any, folder: str) -> str:
    if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
        return ""
    version = _installed_version(requirement.name)
    if version is None:
        return "is not installed"
    if requirement.specifier and not version:
        return "is installed without a version"
    if version and not requirement.specifier.contains(version, prereleases=True):
        return "is installed as " + version
    return _loaded_fault(requirement.name, folder) or _extras_fault(requirement, library, folder)


def _loaded_fault(name: str, folder: str) -> str:
    """Say that a distribution was installed here while another version of it was in use."""
    try:
        distribution = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return ""
    root = str(distribution.locate_file(""))
    if not root.startswith(folder):
        return ""
    for file in distribution.files or ():
        module = sys.modules.get(file.parts[0].partition(".")[0])
        place = getattr(module, "__file__", None) or root
        if not place.startswith(root):
            return "was loaded in another version before it could be installed"
    return ""


def _extras_fault(requirement: Any, library: Any, folder: str) -> str:
    """Say which of the distributions that only the extras of a requirement need is wrong."""
    for extra in sorted(requirement.extras):
        for text in _required_by(requirement.name):
            needed = library.Requirement(text)
            marker = needed.marker
            if marker is None or marker.evaluate({"extra": ""}):
                continue
            if marker.evaluate({"extra": extra}):
                needed.marker = None
                fault = _requirement_fault(needed, library, folder)
                if fault:
                    return "needs " + str(needed) + ", which " + fault
    return ""


def _required_by(name: str) -> list[str]:
    try:
        return metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return []


def _installed_version(name: str) -> str | None:
    """Return the version behind a distribution's name or an import's; None if there is none."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        pass
    wanted = _normalized(name)
    for distribution in metadata.distributions():
        if _normalized(distribution.metadata["Name"] or "") == wanted:
            return distribution.version
    if hasattr(metadata, "packages_distributions"):  # Python 3.9 has none.
        for distribution_name in metadata.packages_distributions().get(name, ()):
            return metadata.version(distribution_name)
    return "" if _is_importable(name) else None


def _is_importable(name: str) -> bool:
    try:
        return name.isidentifier() and importlib.util.find_spec(name) is not None
    except ValueError:  # It is loaded, but not by the import system.
        return True


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
