"""Shapes that functions and what they use come in: each gives in a session what it gives here."""

import contextlib
import functools
import itertools
import logging
import re
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from datetime import UTC, timedelta
from decimal import Decimal as Exact
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import pytest

from dynamic_sessions import FunctionModule

if TYPE_CHECKING:
    WHOLE = 1
else:
    WHOLE = 1

WORDS = re.compile(r"\w+", re.IGNORECASE | re.ASCII)
LIMIT = timedelta(hours=1) * 2
ZONE = UTC
HALF = Exact("0.5")
FOLDER = PurePosixPath("/mnt/data")
logger = logging.getLogger(__name__)
logger.setLevel("INFO")


class Pair(NamedTuple):
    left: int
    right: int


KINDS = frozenset({"a", "b"})
FIRST, (SECOND, *THIRD) = 1, (2, 3, 4)
annotated_constant: dict[str, list[int]] = {"a": [1]}
DERIVED = [FIRST, {"limit": LIMIT}]
T = TypeVar("T")


def traced(*labels: str, sep: str = "") -> Callable[[Callable[..., object]], Callable[..., str]]:
    def decorate(function: Callable[..., object]) -> Callable[..., str]:
        @functools.wraps(function)
        def wrapper(*args: object, **kwargs: object) -> str:
            return sep.join(labels) + repr(function(*args, **kwargs))

        return wrapper

    return decorate


class Counting:
    """A decorator that is a class."""

    def __init__(self, function: Callable[..., object]) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.calls = 0

    def __call__(self, *args: object) -> object:
        self.calls += 1
        return self.calls, self.function(*args)


class Decorators:
    @staticmethod
    def plain(function: Callable[..., T]) -> Callable[..., T]:
        return function


def values_of_modules(text: str) -> object:
    logger.debug("not shown")
    return WORDS.findall(text), LIMIT, ZONE, HALF, FOLDER / "x", Pair(1, 2), sorted(KINDS)


def unpacked_constants() -> object:
    return FIRST, SECOND, THIRD, DERIVED, annotated_constant


def names_beside_type_checking() -> object:
    return WHOLE


@traced("a", "b", sep="-")
@traced(
    "c",
)
# a comment between decorators
@Decorators.plain
@(lambda function: function)  # pyright: ignore - the very shape
def decorated_by_all_shapes(number: int) -> int:
    return number


@Counting
def decorated_by_a_class(number: int) -> int:
    return number


@contextlib.contextmanager
def managed(name: str) -> Generator[str]:
    yield name.upper()


def generating(number: int) -> Iterator[int]:
    yield from itertools.islice(itertools.count(), number)
    yield -1


async def generating_asynchronously(number: int) -> AsyncIterator[int]:
    for index in range(number):
        yield index


def with_all_parameters(
    first: int, second: int = 2, /, third: int = 3, *rest: int, fourth: int = 4, **more: int
) -> object:
    return first, second, third, rest, fourth, more


def with_inner_scopes(number: int) -> object:
    count = 0

    def add(amount: int) -> int:
        nonlocal count
        count += amount
        return count

    class Inner:
        value = number

        def get(self) -> int:
            return self.value + add(1)

    return Inner().get(), add(2), [half for inner in range(number) if (half := inner / 2) > 0.5]


def with_matching(value: object) -> object:
    match value:
        case {"kind": str(kind)}:
            return kind
        case int(number) if number > 1:
            return number
        case _:
            return None


def with_exceptions(text: str) -> object:
    try:
        return int(text)
    except* ValueError as group:
        found = [type(error).__name__ for error in group.exceptions]
    return found


def with_text(name: str) -> str:
    width = f"{name!r:>{len(name) + 4}} {'{'}{name}{'}'}"
    return (
        width
        + "continued \
line"
    )


def with_own_imports() -> object:
    import json as own  # noqa: PLC0415 - the very shape
    from posixpath import basename  # noqa: PLC0415

    return own.dumps({"a": 1}), basename("a/b")


@functools.singledispatch
def dispatched(value: object) -> str:
    return f"any {value}"


SHAPES: list[tuple[Callable[..., object], str]] = [
    (values_of_modules, "{0}('a b')"),
    (unpacked_constants, "{0}()"),
    (names_beside_type_checking, "{0}()"),
    (decorated_by_all_shapes, "{0}(1)"),
    (decorated_by_a_class, "{0}(1), {0}(2)"),
    (managed, "{0}('a').__enter__()"),
    (generating, "list({0}(3))"),
    (generating_asynchronously, "type({0}(3)).__name__"),
    (with_all_parameters, "{0}(1), {0}(1, 5, 6, 7, fourth=8, fifth=9)"),
    (with_inner_scopes, "{0}(4)"),
    (with_matching, "{0}({{'kind': 'a', 'b': 1}}), {0}(2), {0}(None)"),
    (with_exceptions, "{0}('1'), {0}('x')"),
    (with_text, "{0}('ä')"),
    (with_own_imports, "{0}()"),
    (dispatched, "{0}(1)"),
]


@pytest.mark.parametrize(
    ("function", "call"), SHAPES, ids=[getattr(item, "__name__", "") for item, _ in SHAPES]
)
def test_a_shape_gives_in_a_session_what_it_gives_here(
    function: Callable[..., object],
    call: str,
    in_session: Callable[[FunctionModule, str], str],
) -> None:
    module = FunctionModule.from_functions([function])
    expression = call.format(module.names[0])

    here = repr(eval(expression, {module.names[0]: function}))  # noqa: S307 - from the table

    assert in_session(module, f"print(repr(({expression})))") == here


def test_a_name_bound_only_where_code_runs_travels(
    in_session: Callable[[FunctionModule, str], str],
) -> None:
    text = "from typing import TYPE_CHECKING\nif not TYPE_CHECKING:\n    X = 3\ndef f(): return X\n"

    assert in_session(FunctionModule.from_functions([text]), "print(f())") == "3"


@pytest.mark.parametrize(
    "imports",
    [
        "import os.path\nimport os.path",
        "import os\nimport os.path",
        "import os.path\nimport os",
        "from os import path\nimport os\nfrom os import path",
    ],
)
def test_an_import_may_be_repeated(
    imports: str, in_session: Callable[[FunctionModule, str], str]
) -> None:
    used = "path" if "from" in imports else "os.path"
    text = f"{imports}\ndef f(): return {used}.basename('a/b')\n"

    assert in_session(FunctionModule.from_functions([text]), "print(f())") == "b"
