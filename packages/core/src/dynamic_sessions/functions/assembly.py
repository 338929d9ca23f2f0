"""Functions put together as the text of one module, each after what it needs to be defined."""

import ast
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from dynamic_sessions.errors import FunctionSourceError
from dynamic_sessions.functions.bindings import ALWAYS_THERE
from dynamic_sessions.functions.parsing import parsed_statement
from dynamic_sessions.functions.scope import bound_names
from dynamic_sessions.functions.spec import FunctionSpec, UnresolvedName
from dynamic_sessions.functions.statements import Statement, statements_of

_TRIED_IMPORT = """\
try:
    {line}
except Exception:  # Only annotations need it.
    pass"""

# The name TYPE_CHECKING might be taken, and would have to be imported.
_NEVER_RUN = "if False:  # Only the reader of annotations needs these."


def gather(specs: Iterable[FunctionSpec]) -> dict[str, Statement]:
    """Return every statement of the module by each name that it binds."""
    statements: dict[str, Statement] = {}
    imported = names_imported_by(specs)
    functions: dict[str, str] = {}
    gathered: set[str] = set()
    for spec in specs:
        if functions.setdefault(spec.name, spec.source) != spec.source:
            raise FunctionSourceError(
                f"Two functions are called {spec.name}: rename one of them.", function=spec.name
            )
        for text in (spec.source, *spec.support):
            if text in gathered:
                continue
            gathered.add(text)
            for name, statement in _by_bound_name(text, spec).items():
                clash = name in imported or statements.get(name, statement) != statement
                if clash:
                    raise FunctionSourceError(
                        f"The function {spec.name} needs a {name!r} that is not the one of "
                        "another function: rename one of them.",
                        function=spec.name,
                    )
                statements[name] = statement
    return statements


def _by_bound_name(text: str, spec: FunctionSpec) -> Mapping[str, Statement]:
    try:
        statements = statements_of(text)
    except SyntaxError as error:
        raise FunctionSourceError(
            f"The text of the function {spec.name} is not valid Python ({error}).",
            function=spec.name,
        ) from error
    return {name: statement for statement in statements for name in statement.bound}


def names_imported_by(specs: Iterable[FunctionSpec]) -> dict[str, str]:
    """Return what imports bind, and refuse two that give one name two meanings."""
    meanings: dict[str, str] = {}
    for spec in specs:
        for line in spec.imports:
            statement = parsed_statement(line)
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


def check_complete(spec: FunctionSpec, bound: AbstractSet[str]) -> None:
    """Refuse a function that uses a name which neither it nor the module around it binds.

    Raises:
        FunctionSourceError: It does; the error says which name, where, and what to do.
    """
    reasons = {item.name: item for item in spec.unresolved}
    for text in (spec.source, *spec.support):
        for statement in statements_of(text):
            free = statement.free
            for name in sorted(free.all - free.assigned - bound - ALWAYS_THERE):
                found = reasons.get(name) or UnresolvedName(
                    name=name, line=statement.line, reason="would not exist in the session"
                )
                raise FunctionSourceError(
                    f"The function {spec.name} uses {name!r} (line {found.line}), which "
                    f"{found.reason}.",
                    function=spec.name,
                )


def module_text(specs: Iterable[FunctionSpec], statements: Mapping[str, Statement]) -> str:
    """Return the module's text, the same for the same functions in whatever order."""
    if not statements:
        return ""
    imports = {line for spec in specs for line in spec.imports}
    bound = {*statements, *names_imported_by(specs)}
    tried = _by_name((line for spec in specs for line in spec.annotation_imports), bound)
    checked = _by_name(
        (line for spec in specs for line in spec.type_checking_imports), {*bound, *tried}
    )
    head = ["from __future__ import annotations", *sorted(imports)]
    head += [_TRIED_IMPORT.format(line=line) for line in tried.values()]
    if checked:
        head += [_NEVER_RUN, *(f"    {line}" for line in checked.values())]
    return "\n".join(head) + "\n\n\n" + "\n\n".join(_in_order(statements))


def _by_name(lines: Iterable[str], bound: Iterable[str]) -> dict[str, str]:
    """Return the imports of names that nothing else binds; of two for one name the first."""
    found: dict[str, str] = {}
    for line in sorted(set(lines)):
        (name,) = bound_names(parsed_statement(line))
        if name not in bound:
            found.setdefault(name, line)
    return found


def _in_order(statements: Mapping[str, Statement]) -> list[str]:
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
