"""Defines injected functions. The text of this file runs inside the session, not on the host.

It may use the standard library alone, of any Python from 3.9 on. Only set_up() is called; the
dictionary that it runs in is thrown away, so that nothing of it stays in the user's namespace.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.machinery
import importlib.metadata as metadata
import importlib.util
import io
import json
import linecache
import os
import re
import sys
import traceback
from typing import Any

INSTALLED = ".dynamic-sessions"
"""Folder below the working directory into which missing packages are installed."""

_TEXT_LIMIT = 1500


def set_up(request_text: str, namespace: dict[str, Any], install: Any = None) -> None:
    """Change the directory, check requirements, define the module, bind its names, and report.

    Args:
        request_text: JSON object of working_directory, module, source, digest, names, packages,
            imports, distributions and mark.
        namespace: The user's namespace.
        install: The installer of in_session_install.py, where what is missing is to be installed.
    """
    request = json.loads(request_text)
    # An unconfined pool has no such directory: the code then stays where it is.
    with contextlib.suppress(OSError):
        os.chdir(request["working_directory"])
    # What imports and definitions print must not push the report over the output limit.
    with contextlib.redirect_stdout(io.StringIO()):
        report = _report(request, namespace, install)
    sys.stdout.write(request["mark"] + json.dumps(report) + "\n")
    sys.stdout.flush()


def _report(request: dict[str, Any], namespace: dict[str, Any], install: Any) -> dict[str, Any]:
    name, digest = request["module"], request["digest"]
    present = sys.modules.get(name)
    if getattr(present, "__digest__", None) == digest:
        for bound in request["names"]:
            namespace.setdefault(bound, getattr(present, bound))
        return {"ready": digest}
    missing = _missing(request["packages"], request["imports"])
    reason = ""
    if missing and install is not None:
        reason = install(request, missing, INSTALLED)
        missing = _missing(request["packages"], request["imports"])
    if missing:
        return {"missing": missing, "installing": reason[:_TEXT_LIMIT]}
    fault = _define(name, request["source"], digest)
    if fault:
        return {"fault": fault}
    for bound in request["names"]:
        namespace[bound] = getattr(sys.modules[name], bound)
    return {"ready": digest}


def _missing(packages: list[str], imports: list[str]) -> list[list[str]]:
    library = _packaging()
    checks = [(text, _package_fault(text, library)) for text in packages]
    checks += [(text, _import_fault(text)) for text in imports]
    return [[text, fault[:_TEXT_LIMIT]] for text, fault in checks if fault]


def _packaging() -> Any:
    for name in ("packaging.requirements", "pip._vendor.packaging.requirements"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None


def _package_fault(text: str, library: Any) -> str:
    """Say what is wrong with a requirement, or nothing.

    Without the packaging library neither versions nor markers can be judged: then what is
    installed counts as right, and what carries a marker as not asked for.
    """
    if library is None:
        match = re.match(r"\s*[A-Za-z0-9][A-Za-z0-9._-]*", text)
        name = match.group().strip() if match else text
        return "" if ";" in text or _installed_version(name) is not None else "is not installed"
    requirement = library.Requirement(text)
    if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
        return ""
    version = _installed_version(requirement.name)
    if version is None:
        return "is not installed"
    if requirement.specifier and not version:
        return "is installed without a version"
    if version and not requirement.specifier.contains(version, prereleases=True):
        return "is installed as " + version
    return _loaded_fault(requirement.name) or _extras_fault(requirement, library)


def _loaded_fault(name: str) -> str:
    """Say that a distribution was installed here while another version of it was in use."""
    try:
        distribution = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return ""
    root = str(distribution.locate_file(""))
    if INSTALLED not in root:
        return ""
    for file in distribution.files or ():
        module = sys.modules.get(file.parts[0].partition(".")[0])
        place = getattr(module, "__file__", None) or root
        if not place.startswith(root):
            return "was loaded in another version before it could be installed"
    return ""


def _extras_fault(requirement: Any, library: Any) -> str:
    """Say which of the distributions that only the extras of a requirement need is wrong."""
    for extra in sorted(requirement.extras):
        for text in _required_by(requirement.name):
            needed = library.Requirement(text)
            marker = needed.marker
            if marker is None or marker.evaluate({"extra": ""}):
                continue
            if marker.evaluate({"extra": extra}):
                needed.marker = None
                fault = _package_fault(str(needed), library)
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


def _import_fault(statement: str) -> str:
    try:
        exec(statement, {})  # noqa: S102 - an import statement, checked by the client
    except (Exception, SystemExit) as error:  # noqa: BLE001 - any import may raise anything
        return type(error).__name__ + ": " + str(error)
    return ""


def _define(name: str, source: str, digest: str) -> dict[str, Any] | None:
    filename = "<" + name + ">"
    spec = importlib.machinery.ModuleSpec(name, None, origin=filename)
    module: Any = importlib.util.module_from_spec(spec)
    module.__file__ = filename
    previous = sys.modules.get(name), linecache.cache.get(filename)
    # Without a modification time the entry is never dropped, so that tracebacks show lines.
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    sys.modules[name] = module
    try:
        exec(compile(source, filename, "exec", dont_inherit=True), module.__dict__)  # noqa: S102
        module.__digest__ = digest
    except (Exception, SystemExit) as error:  # noqa: BLE001 - reported, whatever it is
        return _described(error, filename)
    finally:
        if not hasattr(module, "__digest__"):
            _restore(sys.modules, name, previous[0])
            _restore(linecache.cache, filename, previous[1])
    return None


def _restore(mapping: Any, key: str, value: Any) -> None:
    mapping.pop(key, None)
    if value is not None:
        mapping[key] = value


def _described(error: BaseException, filename: str) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == filename]
    if isinstance(error, SyntaxError) and error.filename == filename:
        lines.append(error.lineno)
    return {
        "error": type(error).__name__,
        "message": str(error)[:_TEXT_LIMIT],
        "line": lines[0] if lines else None,
    }
