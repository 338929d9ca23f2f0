"""Partial functions: the definition stays, and a decorator binds the arguments again."""

import ast
import math
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, cast

from dynamic_sessions.errors import FunctionSourceError

_DECORATOR = "lambda function: __import__('functools').partial(function"

_Definition: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

_SCALARS = frozenset({bool, int, str, bytes, type(None), type(...)})


@dataclass(frozen=True, kw_only=True)
class BoundArguments:
    """The arguments of a partial function, as text."""

    positional: tuple[str, ...]
    keywords: tuple[tuple[str, str], ...]

    @property
    def decorator(self) -> str:
        """The line that binds them when it stands above the definition."""
        named = [f"{name}={text}" for name, text in self.keywords]
        return f"@{', '.join([_DECORATOR, *self.positional, *named])})\n"


def bound_arguments(function: partial[object], name: str) -> BoundArguments:
    """Return what a partial function binds.

    Raises:
        FunctionSourceError: An argument has no literal form.
    """
    return BoundArguments(
        positional=tuple(
            _literal(value, f"argument {number}", name)
            for number, value in enumerate(function.args, 1)
        ),
        keywords=tuple(
            (key, _literal(value, f"argument {key!r}", name))
            for key, value in function.keywords.items()
        ),
    )


def name_of_partial(function: partial[object]) -> str:
    """Return the name that was given to a partial function, or else its function's own."""
    own: object = vars(function).get("__name__")
    return own if isinstance(own, str) else getattr(function.func, "__name__", "partial")


def renamed(text: str, definition: _Definition, name: str) -> str:
    """Return a definition's text under another name."""
    if definition.name == name:
        return text
    lines = text.splitlines(keepends=True)
    line = lines[definition.lineno - 1]
    head, _, rest = line.partition(definition.name)
    lines[definition.lineno - 1] = f"{head}{name}{rest}"
    return "".join(lines)


def without_bound_arguments(definition: _Definition) -> ast.arguments | None:
    """Return the parameters that a partial function leaves open; None if it is no partial one."""
    call = _partial_call(definition)
    if call is None:
        return None
    arguments = definition.args
    bound = {item.arg: item.value for item in call.keywords if item.arg is not None}
    return _open_arguments(arguments, len(call.args) - 1, bound)


def _partial_call(definition: _Definition) -> ast.Call | None:
    decorator = next(iter(definition.decorator_list), None)
    if not isinstance(decorator, ast.Lambda) or not isinstance(decorator.body, ast.Call):
        return None
    return decorator.body if ast.unparse(decorator).startswith(_DECORATOR) else None


def _open_arguments(
    arguments: ast.arguments, taken: int, bound: dict[str, ast.expr]
) -> ast.arguments:
    """Drop the first parameters; from the first one bound by name on, all are keyword-only."""
    named = [*arguments.posonlyargs, *arguments.args]
    defaults = [*([None] * (len(named) - len(arguments.defaults))), *arguments.defaults]
    positional = list(zip(named, defaults, strict=True))
    open_count = len(arguments.posonlyargs)
    first_bound = next(
        (number for number, item in enumerate(named) if item.arg in bound), len(named)
    )
    kept = positional[taken:first_bound]
    by_name = [
        *positional[first_bound:],
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    is_split = first_bound < len(named)
    return ast.arguments(
        posonlyargs=[item for number, (item, _) in enumerate(kept, taken) if number < open_count],
        args=[item for number, (item, _) in enumerate(kept, taken) if number >= open_count],
        defaults=[default for _, default in kept if default is not None],
        vararg=None if is_split else arguments.vararg,
        kwonlyargs=[item for item, _ in by_name],
        kw_defaults=[bound.get(item.arg, default) for item, default in by_name],
        kwarg=arguments.kwarg,
    )


def _literal(value: object, which: str, name: str) -> str:
    text = _literal_form(value)
    if text is None:
        raise FunctionSourceError(
            f"The function {name} is a partial function whose {which} is a live object "
            f"({type(value).__name__}), which does not travel: bind literal values only, or "
            "define a function that builds the object.",
            function=name,
        )
    return text


def _literal_form(value: object) -> str | None:
    """Return a value as text; of a set always the same, whatever the hash seed."""
    kind = type(value)
    if kind in {tuple, list, set, dict}:
        return _container_form(cast("Collection[object]", value))
    is_scalar = kind in _SCALARS or (isinstance(value, float) and math.isfinite(value))
    return repr(value) if is_scalar else None


def _container_form(container: Collection[object]) -> str | None:
    if isinstance(container, dict):
        entries = cast("dict[object, object]", container)
        pairs = [(_literal_form(key), _literal_form(value)) for key, value in entries.items()]
        forms = [f"{key}: {value}" if key and value else None for key, value in pairs]
    else:
        forms = [_literal_form(item) for item in container]
    texts = [form for form in forms if form is not None]
    if len(texts) < len(forms):
        return None
    if isinstance(container, set):
        return f"{{{', '.join(sorted(texts))}}}" if texts else "set()"
    if isinstance(container, tuple):
        return f"({''.join(f'{text}, ' for text in texts)})"
    return f"[{', '.join(texts)}]" if isinstance(container, list) else f"{{{', '.join(texts)}}}"
