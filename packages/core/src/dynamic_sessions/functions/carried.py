"""Which statements of a module can be repeated in a session as they stand."""

import ast
from collections.abc import Callable
from typing import TypeAlias

QualifiedName: TypeAlias = Callable[[ast.expr], str | None]
"""Gives the full dotted name of an expression, where its root is imported."""

# Calls that build a value from nothing but their arguments: made again, it is the same value.
_VALUE_CONSTRUCTORS = frozenset(
    {
        *("collections.namedtuple", "datetime.date", "datetime.datetime", "datetime.time"),
        *("datetime.timedelta", "datetime.timezone", "decimal.Decimal", "fractions.Fraction"),
        *("logging.getLogger", "operator.attrgetter", "operator.itemgetter"),
        *("pathlib.Path", "pathlib.PurePath", "pathlib.PurePosixPath", "re.compile"),
        *("types.MappingProxyType", "typing.NamedTuple", "typing.NewType", "typing.ParamSpec"),
        *("typing.TypeVar", "typing.TypeVarTuple", "typing.TypedDict", "uuid.UUID"),
        *("zoneinfo.ZoneInfo",),
    }
)
_BUILT_IN_CONSTRUCTORS = frozenset(
    {
        "bytes",
        "complex",
        "dict",
        "float",
        "frozenset",
        "int",
        "list",
        "range",
        "set",
        "str",
        "tuple",
    }
)
_TYPE_FORMS = ("typing.TypeAlias", "typing_extensions.TypeAlias")

# Modules whose attributes are values: flags, numbers, strings.
_VALUE_MODULES = frozenset({"datetime", "decimal", "logging", "math", "re", "string"})


def is_carried(statement: ast.stmt, qualified_name: QualifiedName) -> bool:
    """Whether a top-level statement means the same in the session as where it stands."""
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return True
        case ast.Import() | ast.ImportFrom() | ast.Pass():
            return True
        case ast.Assign(targets=targets, value=value):
            return all(map(_is_plain_target, targets)) and _is_constant(value, qualified_name)
        case ast.AnnAssign(target=ast.Name(), annotation=annotation, value=value):
            is_alias = qualified_name(annotation) in _TYPE_FORMS
            return value is None or is_alias or _is_constant(value, qualified_name)
        case ast.Try() | ast.If():
            return _is_carried_block(statement, qualified_name)
        case _:
            return type(statement).__name__ == "TypeAlias"  # Python 3.11 has no such node.


def is_for_type_checkers(test: ast.expr) -> bool:
    """Whether a condition is TYPE_CHECKING, negated or not."""
    return "TYPE_CHECKING" in _names_in(test)


def holds_only_on_the_host(test: ast.expr) -> bool:
    """Whether a condition asks where the module runs."""
    return bool(_names_in(test) & {"TYPE_CHECKING", "__name__"})


def _is_carried_block(statement: ast.Try | ast.If, qualified_name: QualifiedName) -> bool:
    inner = [*statement.body, *statement.orelse]
    if isinstance(statement, ast.Try):
        inner += [
            *statement.finalbody,
            *(line for item in statement.handlers for line in item.body),
        ]
    elif holds_only_on_the_host(statement.test):
        return False
    return all(is_carried(line, qualified_name) for line in inner)


def _names_in(test: ast.expr) -> set[str]:
    names = {node.id for node in ast.walk(test) if isinstance(node, ast.Name)}
    return names | {node.attr for node in ast.walk(test) if isinstance(node, ast.Attribute)}


def _is_plain_target(target: ast.expr) -> bool:
    if isinstance(target, ast.Tuple | ast.List):
        return all(map(_is_plain_target, target.elts))
    if isinstance(target, ast.Starred):
        return _is_plain_target(target.value)
    return isinstance(target, ast.Name)


def _is_constant(value: ast.expr, qualified_name: QualifiedName) -> bool:
    """Whether an expression is made of literals, arithmetic, and constructors of values."""
    match value:
        case ast.Constant():
            return True
        case ast.Attribute():
            return (qualified_name(value) or "").partition(".")[0] in _VALUE_MODULES
        case ast.Name():
            # A name of the same module is followed in its turn, and refused there if need be.
            module = (qualified_name(value) or "").partition(".")[0]
            return not module or module in _VALUE_MODULES
        case ast.Call(func=function):
            return _constructs_a_value(value, function, qualified_name)
        case ast.Tuple() | ast.List() | ast.Set() | ast.Dict() | ast.BinOp() | ast.UnaryOp():
            return all(_is_constant(item, qualified_name) for item in _operands(value))
        case _:
            return False


def _operands(value: ast.expr) -> list[ast.expr]:
    return [node for node in ast.iter_child_nodes(value) if isinstance(node, ast.expr)]


def _constructs_a_value(call: ast.Call, function: ast.expr, qualified_name: QualifiedName) -> bool:
    name = (qualified_name(function) or "").replace("typing_extensions.", "typing.")
    is_built_in = isinstance(function, ast.Name) and function.id in _BUILT_IN_CONSTRUCTORS
    if not is_built_in and name not in _VALUE_CONSTRUCTORS:
        return False
    takes_types = name.startswith("typing.")
    arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
    return all(takes_types or _is_constant(item, qualified_name) for item in arguments)
