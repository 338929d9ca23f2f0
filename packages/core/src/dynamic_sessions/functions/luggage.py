"""What travels with a definition: the names in its text, followed to where they come from."""

import ast
import contextlib
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import ModuleType

from dynamic_sessions.functions.bindings import (
    Binding,
    ImportBinding,
    ModuleBindings,
    NoBinding,
    StatementBinding,
    bindings_of,
)
from dynamic_sessions.functions.cells import cell_texts
from dynamic_sessions.functions.host_modules import is_only_on_host
from dynamic_sessions.functions.layout import definition_text
from dynamic_sessions.functions.locating import dispatch_reason
from dynamic_sessions.functions.spec import (
    Requirements,
    UnresolvedName,
    imported_module,
    requirements_of,
)
from dynamic_sessions.functions.statements import statements_of


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One module's text, and how it is to be read."""

    text: str
    bindings: ModuleBindings
    decorators: Collection[str]
    """Full names of decorators that only declare requirements."""
    namespace: Mapping[str, object] = field(default_factory=dict[str, object])
    """The live module; empty where the text was never a module."""
    requirements: Callable[[object], Requirements] = requirements_of

    def is_requirement_decorator(self, decorator: ast.expr) -> bool:
        """Whether a decorator is left out of the text."""
        function = decorator.func if isinstance(decorator, ast.Call) else decorator
        return self.bindings.qualified_name(function) in self.decorators

    def text_of(self, statement: ast.stmt) -> str:
        """Return a statement's text at the left margin."""
        return definition_text(self.text, statement, leave_out=self.is_requirement_decorator)

    def resolve(self, name: str) -> "tuple[Binding | None, Reading]":
        """Return where a name comes from, and the text in which it is bound there.

        In a notebook the latest cell that binds a name counts. A name that no text binds may be
        in the live module through a star import: then its value says what it is called elsewhere.
        """
        for cell in self._cells():
            found = cell.bindings.resolve(name)
            if not (isinstance(found, NoBinding) and found.is_unbound):
                return found, cell
        binding = self.bindings.resolve(name)
        is_unbound = isinstance(binding, NoBinding) and binding.is_unbound
        if is_unbound and name in self.namespace:
            return _import_of_value(name, self.namespace[name]) or binding, self
        return binding, self

    def _cells(self) -> "Iterator[Reading]":
        is_notebook = (
            self.namespace.get("__name__") == "__main__" and "__file__" not in self.namespace
        )
        for text in cell_texts() if is_notebook else ():
            with contextlib.suppress(SyntaxError):
                yield replace(self, text=text, bindings=bindings_of(text))


class Luggage:
    """What travels with one definition, gathered while its names are followed."""

    def __init__(self, reading: Reading, declared: Requirements) -> None:
        self._reading = reading
        self.packages = dict.fromkeys(declared.packages)
        self.imports = dict.fromkeys(declared.imports)
        self.annotation_imports: dict[str, None] = {}
        self.type_checking_imports: dict[str, None] = {}
        self.support: dict[str, None] = {}
        self.unresolved: list[UnresolvedName] = []
        self.seen = {name for line in declared.imports for name in _names_bound_in(line)}
        self.annotated: dict[str, Reading] = {}

    def pack(self, statement: ast.stmt, reading: Reading | None = None) -> str:
        """Take everything along that a statement needs, and return its own text."""
        reading = reading or self._reading
        text = reading.text_of(statement)
        bare = statements_of(text)[0]
        self.seen |= bare.bound
        free = bare.free
        for name in sorted(free.all - self.seen):
            self.seen.add(name)
            self._resolve(name, statement, reading, own_global=name in free.assigned)
        for name in sorted(bare.annotations):
            self.annotated.setdefault(name, reading)
        return text

    def pack_annotations(self) -> None:
        """Take along what only annotations name, as far as it can travel: none must fail."""
        while pending := {
            name: reading for name, reading in self.annotated.items() if name not in self.seen
        }:
            for name, reading in sorted(pending.items()):
                self.seen.add(name)
                self._resolve_annotation(name, reading)

    def _resolve(self, name: str, used_in: ast.stmt, reading: Reading, *, own_global: bool) -> None:
        binding, home = reading.resolve(name)
        if isinstance(binding, ImportBinding):
            if home.namespace and is_only_on_host(binding.module):
                self._refuse(name, used_in, _host_module_reason(binding))
            else:
                self.imports[binding.statement] = None
        elif isinstance(binding, StatementBinding):
            if reason := dispatch_reason(home.namespace.get(name)):
                self._refuse(name, used_in, "; ".join(reason))
                return
            declared = home.requirements(home.namespace.get(name))
            self.packages |= dict.fromkeys(declared.packages)
            self.imports |= dict.fromkeys(declared.imports)
            self.seen |= {bound for line in declared.imports for bound in _names_bound_in(line)}
            self.support[self.pack(binding.statement, home)] = None
        elif isinstance(binding, NoBinding) and not own_global:
            self._refuse(name, used_in, binding.reason)

    def _refuse(self, name: str, used_in: ast.stmt, reason: str) -> None:
        line = _line_of_use(name, used_in)
        self.unresolved.append(UnresolvedName(name=name, line=line, reason=reason))

    def _resolve_annotation(self, name: str, reading: Reading) -> None:
        binding, home = reading.resolve(name)
        checked = home.bindings.type_checking_import(name)
        alias = home.bindings.type_alias(name)
        if isinstance(binding, ImportBinding) and not is_only_on_host(binding.module):
            self.annotation_imports[binding.statement] = None
        elif isinstance(binding, StatementBinding):
            self._pack_type(binding.statement, home)
        elif alias:
            self._pack_type(alias, home)
        elif checked and not is_only_on_host(checked.module):
            self.type_checking_imports[checked.statement] = None

    def _pack_type(self, statement: ast.stmt, home: Reading) -> None:
        """Take a type along if it needs nothing that a session may lack."""
        trial = Luggage(home, Requirements())
        trial.seen |= self.seen
        text = trial.pack(statement)
        needs_installing = trial.packages or not all(map(_is_of_pythons_own, trial.imports))
        if trial.unresolved or needs_installing:
            return
        self.support |= {text: None, **trial.support}
        self.imports |= trial.imports
        self.seen |= trial.seen
        for name, reading in trial.annotated.items():
            self.annotated.setdefault(name, reading)


def _names_bound_in(text: str) -> set[str]:
    return {name for statement in statements_of(text) for name in statement.bound}


def _import_of_value(name: str, value: object) -> ImportBinding | None:
    """Return an import that gives a name the value it has, if the value says where it is from."""
    if isinstance(value, ModuleType):
        statement = ast.Import(names=[_alias(value.__name__, name)])
        return ImportBinding(statement=ast.unparse(statement), module=value.__name__, line=0)
    module = getattr(value, "__module__", None)
    own_name = getattr(value, "__name__", None)
    if not isinstance(module, str) or not isinstance(own_name, str) or module == "__main__":
        return None
    if getattr(sys.modules.get(module), own_name, None) is not value:
        return None
    statement = ast.ImportFrom(module=module, names=[_alias(own_name, name)], level=0)
    return ImportBinding(statement=ast.unparse(statement), module=module, line=0)


def _alias(own_name: str, name: str) -> ast.alias:
    return ast.alias(name=own_name, asname=name if name != own_name else None)


def _is_of_pythons_own(statement: str) -> bool:
    return imported_module(statement).partition(".")[0] in sys.stdlib_module_names


def _host_module_reason(binding: ImportBinding) -> str:
    root = binding.module.partition(".")[0]
    place = f" on line {binding.line}" if binding.line else ""
    return (
        f"is imported{place} from {root!r}, a module of this machine and not of a package installed here; "
        "define it beside the function, inject it as a function of its own, or, if the session "
        "does have it, declare the import by with_requirements(imports=[...])"
    )


def _line_of_use(name: str, statement: ast.stmt) -> int:
    lines = [
        node.lineno
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and node.id == name
    ]
    return min(lines, default=statement.lineno)
