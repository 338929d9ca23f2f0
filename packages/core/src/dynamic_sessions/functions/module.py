"""The module that injected functions become, and the code that sets it up in a session."""

import ast
import functools
import hashlib
import json
import keyword
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import TypedDict, cast

from dynamic_sessions.errors import FunctionLoadError, MissingPackagesError
from dynamic_sessions.functions.assembly import (
    check_complete,
    gather,
    module_text,
    names_imported_by,
)
from dynamic_sessions.functions.distributions import distributions_to_install
from dynamic_sessions.functions.parsing import parsed
from dynamic_sessions.functions.source import spec_of
from dynamic_sessions.functions.spec import FunctionSpec, InjectableFunction
from dynamic_sessions.models import Execution

REPORT_MARK = "dynamic-sessions-set-up:"
"""Stands before the JSON report that set-up code prints."""

_FUTURE_IMPORT = "from __future__ import annotations\n"
_CHANGE_DIRECTORY = "try:\n import os; os.chdir({directory!r})\nexcept OSError: pass"


@dataclass(frozen=True, kw_only=True)
class FunctionModule:
    """Functions as the text of one module, the same text whatever the order they came in."""

    name: str
    """What user code imports the functions from."""
    specs: tuple[FunctionSpec, ...]
    source: str
    digest: str
    packages: tuple[str, ...]
    imports: tuple[str, ...]
    install_missing: bool = False
    """Whether set-up installs what the session lacks. Not a part of the digest."""

    @classmethod
    def from_functions(
        cls,
        functions: Sequence[InjectableFunction],
        *,
        name: str = "functions",
        install_missing: bool = False,
    ) -> "FunctionModule":
        """Gather functions and all that they need into one module.

        Args:
            functions: Functions and classes, partial functions, specifications, source texts.
            name: Name of the module in the session.
            install_missing: Whether packages that the session lacks are installed there, by pip;
                the session needs a network for it, or an index of its own.

        Raises:
            FunctionSourceError: A function cannot travel, or two of them contradict each other.
            ValueError: The module name cannot be used.
        """
        _check_module_name(name)
        specs = tuple(dict.fromkeys(spec_of(function) for function in functions))
        statements = gather(specs)
        available = statements.keys() | names_imported_by(specs)
        for spec in specs:
            check_complete(spec, available)
        packages = sorted({package for spec in specs for package in spec.packages})
        source = module_text(specs, statements)
        bound = {name for spec in specs for name in (spec.name, *spec.types)}
        return cls(
            name=name,
            specs=specs,
            source=source,
            digest=_digest(name, source, packages, sorted(bound)),
            packages=tuple(packages),
            imports=tuple(sorted({line for spec in specs for line in spec.imports})),
            install_missing=install_missing,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the functions, in the order they were given."""
        return tuple(dict.fromkeys(spec.name for spec in self.specs))

    @property
    def types(self) -> tuple[str, ...]:
        """Names of further classes that the functions' signatures mention; set up like these."""
        mentioned = {name for spec in self.specs for name in spec.types}
        return tuple(sorted(mentioned.difference(self.names)))

    def set_up_code(self, *, working_directory: str) -> str:
        """Return the one piece of code that prepares a session.

        It changes the directory (where that exists), checks requirements, defines the module and
        binds the functions in the user's namespace, in which it leaves no other name. Running it
        again changes nothing.
        """
        if not self.specs:
            return f"exec({_CHANGE_DIRECTORY.format(directory=working_directory)!a}, {{}})"
        request = json.dumps(
            {
                "working_directory": working_directory,
                "module": self.name,
                "names": sorted((*self.names, *self.types)),
                "source": self.source,
                "digest": self.digest,
                "packages": self.packages,
                "imports": self.imports,
                "distributions": distributions_to_install(self.packages, self.imports)
                if self.install_missing
                else {},
                "mark": REPORT_MARK,
            }
        )
        program = _set_up_program(
            checks_packages=bool(self.packages), installs=self.install_missing
        )
        return f"exec({program!a}, {{'request': {request!a}, 'namespace': globals()}})"

    def check_set_up(self, execution: Execution) -> None:
        """Read the report of an execution of set_up_code().

        Raises:
            MissingPackagesError: The session lacks packages or imports.
            FunctionLoadError: The text failed in the session, or no report came back.
        """
        if not execution.ok:
            reason = str(execution.error) if execution.error else execution.stderr.strip()
            raise FunctionLoadError(f"The session could not be set up ({reason}).")
        if not self.specs:
            return
        report = _report_in(execution.stdout)
        if "missing" in report:
            raise _missing_packages(report["missing"], report.get("installing", ""))
        if fault := report.get("fault"):
            function = self._definition_at(fault["line"])
            raise FunctionLoadError(
                f"The injected functions could not be defined in the session: {fault['error']}: "
                f"{fault['message']}" + (f" (in {function})." if function else "."),
                function=function,
            )

    def _definition_at(self, line: int | None) -> str | None:
        for statement in parsed(self.source).body:
            last = statement.end_lineno or statement.lineno
            first = min([statement.lineno, *_decorator_lines(statement)])
            if line is not None and first <= line <= last:
                return getattr(statement, "name", None)
        return None


class _Fault(TypedDict):
    error: str
    message: str
    line: int | None


class _Report(TypedDict, total=False):
    ready: str
    missing: list[tuple[str, str]]
    installing: str
    fault: _Fault


def _check_module_name(name: str) -> None:
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(f"{name!r} cannot be the name of a module.")
    if name in sys.stdlib_module_names:
        raise ValueError(f"{name!r} is a module of Python's own; choose another name.")


def _digest(name: str, source: str, packages: Sequence[str], names: Sequence[str]) -> str:
    content = json.dumps([name, source, packages, names])
    return hashlib.sha256(content.encode()).hexdigest()


@functools.cache
def _set_up_program(*, checks_packages: bool, installs: bool) -> str:
    texts = [_text_of("in_session.py")]
    texts += [_text_of("in_session_packages.py")] if checks_packages else []
    texts += [_text_of("in_session_install.py")] if installs else []
    check = "package_fault" if checks_packages else "None"
    install = "install" if installs else "None"
    texts.append(f"set_up(request, namespace, {check}, {install})\n")
    # Only the first line of a text may be one of these.
    return "\n".join([_FUTURE_IMPORT, *(text.replace(_FUTURE_IMPORT, "") for text in texts)])


def _missing_packages(missing: Sequence[tuple[str, str]], installing: str) -> MissingPackagesError:
    faults = "; ".join(f"{text} ({fault})" for text, fault in missing)
    reason = f" Installing did not succeed: {installing}" if installing else ""
    return MissingPackagesError(
        f"The session lacks what injected functions require: {faults}.{reason}",
        missing=[text for text, _ in missing],
    )


def _text_of(file: str) -> str:
    return (resources.files("dynamic_sessions.functions") / file).read_text(encoding="utf-8")


def _report_in(stdout: str) -> _Report:
    _, mark, rest = stdout.rpartition(REPORT_MARK)
    try:
        report: object = json.loads(rest.partition("\n")[0]) if mark else None
    except ValueError:
        report = None
    if not isinstance(report, dict):
        raise FunctionLoadError("The session did not report on the injected functions.")
    return cast("_Report", report)


def _decorator_lines(statement: ast.stmt) -> list[int]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [item.lineno for item in statement.decorator_list]
    return []
