"""The module that injected functions become, and the code that sets it up in a session."""

import ast
import functools
import hashlib
import json
import keyword
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import TypedDict, cast

from dynamic_sessions.errors import FunctionLoadError, FunctionSourceError, MissingPackagesError
from dynamic_sessions.functions.bindings import ALWAYS_THERE
from dynamic_sessions.functions.scope import FreeNames, bound_names, free_names
from dynamic_sessions.functions.source import spec_of
from dynamic_sessions.functions.spec import FunctionSpec, InjectableFunction, UnresolvedName
from dynamic_sessions.models import Execution

REPORT_MARK = "dynamic-sessions-set-up:"
"""Stands before the JSON report that set-up code prints."""

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

    @classmethod
    def from_functions(
        cls, functions: Sequence[InjectableFunction], *, name: str = "functions"
    ) -> "FunctionModule":
        """Gather functions and all that they need into one module.

        Args:
            functions: Plain functions, functions with requirements, specifications, source texts.
            name: Name of the module in the session.

        Raises:
            FunctionSourceError: A function cannot travel, or two of them contradict each other.
            ValueError: The module name cannot be used.
        """
        _check_module_name(name)
        specs = tuple(dict.fromkeys(spec_of(function) for function in functions))
        statements = _gather(specs)
        for spec in specs:
            _check_complete(spec, statements.keys() | _names_imported_by(specs))
        packages = sorted({package for spec in specs for package in spec.packages})
        imports = sorted({line for spec in specs for line in spec.imports})
        source = _module_text(imports, statements)
        return cls(
            name=name,
            specs=specs,
            source=source,
            digest=_digest(name, source, packages, [spec.name for spec in specs]),
            packages=tuple(packages),
            imports=tuple(imports),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the functions, in the order they were given."""
        return tuple(dict.fromkeys(spec.name for spec in self.specs))

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
                "names": sorted(self.names),
                "source": self.source,
                "digest": self.digest,
                "packages": self.packages,
                "imports": self.imports,
                "mark": REPORT_MARK,
            }
        )
        program = _set_up_program() + "\nset_up(request, namespace)\n"
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
        if missing := report.get("missing"):
            faults = "; ".join(f"{text} ({fault})" for text, fault in missing)
            raise MissingPackagesError(
                f"The session lacks what injected functions require: {faults}.",
                missing=[text for text, _ in missing],
            )
        if fault := report.get("fault"):
            function = self._definition_at(fault["line"])
            raise FunctionLoadError(
                f"The injected functions could not be defined in the session: {fault['error']}: "
                f"{fault['message']}" + (f" (in {function})." if function else "."),
                function=function,
            )

    def _definition_at(self, line: int | None) -> str | None:
        for statement in ast.parse(self.source).body:
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
    fault: _Fault


@dataclass(frozen=True, kw_only=True)
class _Statement:
    text: str
    free: FreeNames


def _check_module_name(name: str) -> None:
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(f"{name!r} cannot be the name of a module.")
    if name in sys.stdlib_module_names:
        raise ValueError(f"{name!r} is a module of Python's own; choose another name.")


def _gather(specs: Iterable[FunctionSpec]) -> dict[str, _Statement]:
    """Return every statement of the module by each name that it binds."""
    statements: dict[str, _Statement] = {}
    imported = _names_imported_by(specs)
    functions: dict[str, str] = {}
    for spec in specs:
        if functions.setdefault(spec.name, spec.source) != spec.source:
            raise FunctionSourceError(
                f"Two functions are called {spec.name}: rename one of them.", function=spec.name
            )
        for text in (spec.source, *spec.support):
            for name, statement in _parsed(text, spec).items():
                clash = name in imported or statements.get(name, statement) != statement
                if clash:
                    raise FunctionSourceError(
                        f"The function {spec.name} needs a {name!r} that is not the one of "
                        "another function: rename one of them.",
                        function=spec.name,
                    )
                statements[name] = statement
    return statements


def _parsed(text: str, spec: FunctionSpec) -> Mapping[str, _Statement]:
    try:
        body = ast.parse(text).body
    except SyntaxError as error:
        raise FunctionSourceError(
            f"The text of the function {spec.name} is not valid Python ({error}).",
            function=spec.name,
        ) from error
    return {
        name: _Statement(text=text, free=free_names(statement))
        for statement in body
        for name in bound_names(statement)
    }


def _names_imported_by(specs: Iterable[FunctionSpec]) -> dict[str, str]:
    """Return what imports bind, and refuse two that give one name two meanings."""
    meanings: dict[str, str] = {}
    for spec in specs:
        for line in spec.imports:
            statement = ast.parse(line).body[0]
            (name,) = bound_names(statement)
            # "import a.b" and "import a.c" both bind a, and mean the same by it.
            is_plain = isinstance(statement, ast.Import) and " as " not in line
            meaning = f"import {name}" if is_plain else line
            if meanings.setdefault(name, meaning) != meaning:
                raise FunctionSourceError(
                    f"The function {spec.name} imports {name!r} by {line!r}, another one by "
                    f"{meanings[name]!r}: import one of them under another name.",
                    function=spec.name,
                )
    return meanings


def _check_complete(spec: FunctionSpec, bound: Iterable[str]) -> None:
    available = {*bound, *ALWAYS_THERE}
    reasons = {item.name: item for item in spec.unresolved}
    for text in (spec.source, *spec.support):
        for statement in ast.parse(text).body:
            free = free_names(statement)
            for name in sorted(free.all - free.assigned - available):
                found = reasons.get(name) or UnresolvedName(
                    name=name, line=statement.lineno, reason="would not exist in the session"
                )
                raise FunctionSourceError(
                    f"The function {spec.name} uses {name!r} (line {found.line}), which "
                    f"{found.reason}.",
                    function=spec.name,
                )


def _module_text(imports: Sequence[str], statements: Mapping[str, _Statement]) -> str:
    if not statements:
        return ""
    head = ["from __future__ import annotations", *imports]
    return "\n".join(head) + "\n\n\n" + "\n\n".join(_in_order(statements))


def _in_order(statements: Mapping[str, _Statement]) -> list[str]:
    """Return the texts by name, except that what runs at definition time has its needs first."""
    placed: dict[str, None] = {}
    visited: set[tuple[str, bool]] = set()

    def place(name: str, *, is_called: bool) -> None:
        if name not in statements or (name, is_called) in visited:
            return
        visited.add((name, is_called))
        free = statements[name].free
        for needed in sorted(free.all if is_called else free.at_definition):
            place(needed, is_called=True)
        placed[statements[name].text] = None

    for name in sorted(statements):
        place(name, is_called=False)
    return list(placed)


def _digest(name: str, source: str, packages: Sequence[str], names: Sequence[str]) -> str:
    content = json.dumps([name, source, packages, sorted(names)])
    return hashlib.sha256(content.encode()).hexdigest()


@functools.cache
def _set_up_program() -> str:
    return (resources.files("dynamic_sessions.functions") / "in_session.py").read_text(
        encoding="utf-8"
    )


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
