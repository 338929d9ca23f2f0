"""What a function is once it can travel: text, and what that text needs."""

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

_REQUIREMENTS_ATTRIBUTE = "__dynamic_sessions_requirements__"

CallableT = TypeVar("CallableT", bound=Callable[..., object])


@dataclass(frozen=True, kw_only=True)
class UnresolvedName:
    """A name that a function uses and that its own module cannot lend it.

    Another injected function may still supply it; the reason is for the error if none does.
    """

    name: str
    line: int
    """Line in the file, or in the source string, that the function was read from."""
    reason: str
    """What is wrong and what to do, as the continuation of "uses 'name', which ..."."""


@dataclass(frozen=True, kw_only=True)
class FunctionSpec:
    """A function as text, with everything that the text needs in a session."""

    name: str
    source: str
    """The definition, decorators that only declare requirements removed."""
    packages: tuple[str, ...] = ()
    """Required distributions, as PEP 508 strings."""
    imports: tuple[str, ...] = ()
    """Import statements, one name each, that bind what the text uses."""
    annotation_imports: tuple[str, ...] = ()
    """Import statements that only annotations need: the session may lack what they import."""
    type_checking_imports: tuple[str, ...] = ()
    """Import statements for the reader of annotations; they never run."""
    support: tuple[str, ...] = ()
    """Helper functions, classes and constants of the same module that the text uses."""
    types: tuple[str, ...] = ()
    """Names of supporting classes that a caller meets, since the signature mentions them."""
    unresolved: tuple[UnresolvedName, ...] = ()


InjectableFunction: TypeAlias = Callable[..., object] | FunctionSpec | str
"""A function or a class, one with requirements, a specification, or the text of a function."""


@dataclass(frozen=True, kw_only=True)
class Requirements:
    """What a function needs in the session before it can be defined there."""

    packages: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()

    def __or__(self, other: "Requirements") -> "Requirements":
        """Return what both together require."""
        return Requirements(
            packages=tuple(dict.fromkeys((*self.packages, *other.packages))),
            imports=tuple(dict.fromkeys((*self.imports, *other.imports))),
        )

    @classmethod
    def checked(
        cls, *, packages: Sequence[str] = (), imports: Sequence[str] = ()
    ) -> "Requirements":
        """Return the requirements in normal form.

        Raises:
            ValueError: A package is not a PEP 508 requirement, or an import no import statement.
        """
        statements = [line for text in imports for line in split_import(text)]
        return cls(
            packages=tuple(_checked_package(package) for package in packages),
            imports=tuple(dict.fromkeys(statements)),
        )


def with_requirements(
    *, packages: Sequence[str] = (), imports: Sequence[str] = ()
) -> Callable[[CallableT], CallableT]:
    """Declare what a function needs in the session it is injected into.

    The function itself is returned unchanged and stays callable where it is defined.

    Args:
        packages: Required distributions as PEP 508 strings, such as "pandas>=2".
        imports: Import statements, such as "import numpy as np", that run before the function
            is defined. What the function's own module imports need not be repeated.

    Raises:
        ValueError: A package is not a PEP 508 requirement, or an import no import statement.
    """
    requirements = Requirements.checked(packages=packages, imports=imports)

    def declare(function: CallableT) -> CallableT:
        setattr(function, _REQUIREMENTS_ATTRIBUTE, requirements)
        return function

    return declare


def requirements_of(function: object) -> Requirements:
    """Return what with_requirements() declared for a function; nothing where it was not used."""
    declared = getattr(function, _REQUIREMENTS_ATTRIBUTE, None)
    return declared if isinstance(declared, Requirements) else Requirements()


def split_import(text: str) -> tuple[str, ...]:
    """Return an import statement as statements that bind one name each.

    Raises:
        ValueError: The text is not made of import statements.
    """
    try:
        statements = ast.parse(text).body
    except SyntaxError as error:
        raise ValueError(f"{text!r} is not an import statement.") from error
    lines: list[str] = []
    for statement in statements:
        if not isinstance(statement, ast.Import | ast.ImportFrom):
            raise ValueError(f"{text!r} is not an import statement.")  # noqa: TRY004 - text
        lines.extend(single_import(statement, alias) for alias in statement.names)
    if not lines:
        raise ValueError("An import must not be empty.")
    return tuple(lines)


def single_import(statement: ast.Import | ast.ImportFrom, alias: ast.alias) -> str:
    """Return the import statement for one of the names that a statement imports."""
    if isinstance(statement, ast.Import):
        return ast.unparse(ast.Import(names=[alias]))
    return ast.unparse(
        ast.ImportFrom(module=statement.module, names=[alias], level=statement.level)
    )


def imported_module(statement: str) -> str:
    """Return the full name of the module that an import statement of one name is from."""
    parsed = ast.parse(statement).body[0]
    if isinstance(parsed, ast.ImportFrom):
        return parsed.module or ""
    return parsed.names[0].name if isinstance(parsed, ast.Import) else ""


def _checked_package(package: str) -> str:
    # Slow to import, and few functions require any.
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415

    try:
        Requirement(package)
    except InvalidRequirement as error:
        raise ValueError(f"{package!r} is not a package requirement (PEP 508): {error}") from error
    return package
