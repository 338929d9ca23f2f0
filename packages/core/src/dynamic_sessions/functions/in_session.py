"""Defines injected functions. The text of this file runs inside the session, not on the host.

It may use the standard library alone, of any Python from 3.9 on. Only set_up() is called; the
dictionary that it runs in is thrown away, so that nothing of it stays in the user's namespace.
"""

from __future__ import annotations

import contextlib
import importlib.machinery
import importlib.util
import io
import json
import linecache
import os
import sys
import tempfile
import traceback
from typing import Any

_TEXT_LIMIT = 1500


def set_up(request_text: str, namespace: dict[str, Any], package_fault: Any, install: Any) -> None:
    """Change the directory, check requirements, define the module, bind its names, and report.

    Args:
        request_text: JSON object of working_directory, module, source, digest, names, packages,
            imports, distributions and mark.
        namespace: The user's namespace.
        package_fault: That of in_session_packages.py; None where no packages are required.
        install: That of in_session_install.py; None where nothing is to be installed.
    """
    request = json.loads(request_text)
    # An unconfined pool has no such directory: the code then stays where it is.
    with contextlib.suppress(OSError):
        os.chdir(request["working_directory"])
    # What imports and definitions print must not push the report over the output limit.
    with contextlib.redirect_stdout(io.StringIO()):
        report = _report(request, namespace, package_fault, install)
    sys.stdout.write(request["mark"] + json.dumps(report) + "\n")
    sys.stdout.flush()


def _report(
    request: dict[str, Any], namespace: dict[str, Any], package_fault: Any, install: Any
) -> dict[str, Any]:
    name, digest = request["module"], request["digest"]
    present = sys.modules.get(name)
    if getattr(present, "__digest__", None) == digest:
        for bound in request["names"]:
            namespace.setdefault(bound, getattr(present, bound))
        return {"ready": digest}
    missing = _missing(request, package_fault)
    reason = ""
    if missing and install is not None:
        reason = install(request, missing, _folder_to_install_into(request["working_directory"]))
        missing = _missing(request, package_fault)
    if missing:
        return {"missing": missing, "installing": reason[:_TEXT_LIMIT]}
    fault = _define(name, request["source"], digest)
    if fault:
        return {"fault": fault}
    for bound in request["names"]:
        namespace[bound] = getattr(sys.modules[name], bound)
    return {"ready": digest}


def _folder_to_install_into(working_directory: str) -> str:
    place = working_directory if os.access(working_directory, os.W_OK) else tempfile.gettempdir()
    return os.path.join(place, ".dynamic-sessions")  # noqa: PTH118 - compared as text


def _missing(request: dict[str, Any], package_fault: Any) -> list[list[str]]:
    folder = _folder_to_install_into(request["working_directory"])
    checks = [(text, package_fault(text, folder)) for text in request["packages"]]
    checks += [(text, _import_fault(text)) for text in request["imports"]]
    faults = [(text, fault) for text, fault in checks if fault]
    # Old API versions cut what is printed at 4096 characters, and half a report is none.
    limit = max(60, _TEXT_LIMIT // max(1, len(faults)))
    return [[text, fault[:limit]] for text, fault in faults]


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
