"""Every shape of function that travels gives in a session what it gives on the host."""

import asyncio
import functools
import json as jason
import math
import os.path
import sys
import warnings
from collections import Counter
from collections import OrderedDict as Ordered
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, overload

import pytest

import dynamic_sessions
from dynamic_sessions import FunctionModule, describe_functions, with_requirements
from dynamic_sessions.functions import spec_from_source

if TYPE_CHECKING:
    from decimal import Decimal as Nothing

try:
    import tomllib as toml_reader
except ImportError:
    toml_reader = None

RATE, NAMES = 60 * 60, {"first": ["a", "b"], "second": ("c",)}
counter = 0
R = TypeVar("R")

InSession = Callable[[FunctionModule, str], str]


def plain(number: int = 2, *rest: int, scale: float = 0x10, **more: int) -> float:
    """Multiply."""
    return number * scale + sum(rest) + sum(more.values())


async def asynchronous(number: int) -> int:
    await asyncio.sleep(0)
    return number + 1


def with_imports(text: str) -> str:
    words = Counter(text.split())
    return jason.dumps(Ordered(words)) + os.path.sep + str(math.floor(2.5))


def with_constants(key: str) -> int:
    return RATE + len(NAMES[key])


def twice(number: int) -> int:
    return 2 * number


def with_helpers(number: int) -> int:
    return twice(number) + with_constants("first")


@dataclass(frozen=True)
class Point:
    x: int
    label: "Nothing | None" = None

    @property
    def doubled(self) -> int:
        return twice(self.x)


def with_class(number: int) -> int:
    return Point(x=number).doubled


def annotated(value: "Nothing", other: list["Nothing"] | None = None) -> "Nothing":
    local: Nothing = value
    return local


def noisy(function: Callable[..., R]) -> Callable[..., R]:
    @functools.wraps(function)
    def wrapper(*args: object) -> R:
        sys.stdout.write(f"called {function.__name__}\n")
        return function(*args)

    return wrapper


@noisy
@functools.lru_cache(
    maxsize=RATE,
)
def decorated(number: int) -> int:
    return number + 1


@with_requirements(
    packages=["packaging>=20"],
    imports=[
        "import string as letters",
    ],
)
@noisy
def required(number: int) -> str:
    return letters.digits[number]  # noqa: F821 # pyright: ignore - comes with the requirements


@noisy
@dynamic_sessions.with_requirements(imports=["from string import hexdigits"])
def required_below(number: int) -> str:
    return hexdigits[number]  # noqa: F821 # pyright: ignore - comes with the requirements


def recursive(number: int) -> int:
    return 1 if number < 2 else number * recursive(number - 1)


def even(number: int) -> bool:
    return number == 0 or odd(number - 1)


def odd(number: int) -> bool:
    return number != 0 and even(number - 1)


def with_optional_import() -> bool:
    return toml_reader is not None


def counting() -> int:
    global counter  # noqa: PLW0603 - the very thing under test
    counter += 1
    return counter


@overload
def overloaded(value: int) -> int: ...
@overload
def overloaded(value: str) -> str: ...
def overloaded(value: int | str) -> int | str:
    return value


def multi_line_text() -> str:
    text = """
    kept
  as it is
"""
    return f"""{text}
      too"""


class Tools:
    @staticmethod
    def static(name: str) -> str:
        """Indented in its class."""
        text = """
    kept
"""
        return text + name


def make_nested() -> Callable[[int], int]:
    def nested(number: int) -> int:
        return twice(number) + 1

    return nested


def comprehending(numbers: list[int], *, add: Callable[[int], int] = lambda n: n + RATE) -> object:
    return {add(n): [m for m in range(n) if m % 2] for n in numbers}


@pytest.mark.parametrize(
    ("function", "call"),
    [
        (plain, "plain(3, 1, 2, scale=0.5, other=4)"),
        (plain, "plain()"),
        (with_imports, "with_imports('b a b')"),
        (with_constants, "with_constants('second')"),
        (with_helpers, "with_helpers(4)"),
        (with_class, "with_class(4)"),
        (annotated, "annotated(4)"),
        (decorated, "decorated(4)"),
        (recursive, "recursive(6)"),
        (even, "even(7)"),
        (with_optional_import, "with_optional_import()"),
        (overloaded, "overloaded('a')"),
        (multi_line_text, "multi_line_text()"),
        (Tools.static, "static('x')"),
        (make_nested(), "nested(3)"),
        (comprehending, "comprehending([1, 3])"),
    ],
)
def test_a_function_gives_in_a_session_what_it_gives_on_the_host(
    function: Callable[..., object],
    call: str,
    in_session: InSession,
    capsys: pytest.CaptureFixture[str],
) -> None:
    module = FunctionModule.from_functions([function])

    sys.stdout.write(repr(eval(call, {module.names[0]: function})))  # noqa: S307 - from the table

    assert in_session(module, f"print(repr({call}))") == capsys.readouterr().out.rstrip("\n")


def test_an_asynchronous_function_stays_asynchronous(in_session: InSession) -> None:
    module = FunctionModule.from_functions([asynchronous])

    assert in_session(module, "import asyncio; print(asyncio.run(asynchronous(1)))") == "2"


def test_declared_imports_come_with_the_function(in_session: InSession) -> None:
    module = FunctionModule.from_functions([required, required_below])

    output = in_session(module, "print(required(3), required_below(4))")

    assert output.splitlines()[-1] == "3 4"
    assert module.packages == ("packaging>=20",)


def test_declaring_requirements_leaves_the_function_callable_on_the_host() -> None:
    @with_requirements(packages=["pandas>=2"])
    def here(number: int) -> int:
        return number

    assert here(3) == 3
    assert here.__name__ == "here"


def test_requirements_of_a_helper_travel_with_the_function_that_uses_it() -> None:
    def user(number: int) -> str:
        return required(number)

    assert FunctionModule.from_functions([user]).packages == ("packaging>=20",)


def test_a_global_that_a_function_counts_in_lives_in_the_module(in_session: InSession) -> None:
    module = FunctionModule.from_functions([counting])

    assert in_session(module, "counter = 40; counting(); print(counting(), counter)") == "2 40"


def test_a_function_from_text_brings_its_imports_constants_and_helpers(
    in_session: InSession,
) -> None:
    text = '''
"""Made by another program."""
from math import sqrt as root
import json, string
FACTOR = 2

def helper(x): return FACTOR * root(x)

def wanted(x: json.Nothing) -> "float":
    return helper(x)
'''
    module = FunctionModule.from_functions([spec_from_source(text, name="wanted")])

    assert in_session(module, "print(wanted(16))") == "8.0"
    assert module.imports == ("from math import sqrt as root",)


def test_text_with_one_function_needs_no_name(in_session: InSession) -> None:
    module = FunctionModule.from_functions(
        ["from os import path\r\ndef f(x):\r\n  return x + 1\r\n"]
    )

    assert module.names == ("f",)
    assert in_session(module, "print(f(1))") == "2"


def test_a_function_may_rely_on_another_injected_one(in_session: InSession) -> None:
    module = FunctionModule.from_functions(["def a(): return b() + 1", "def b(): return 1"])

    assert in_session(module, "print(a())") == "2"


def test_text_is_never_run_on_the_host(capsys: pytest.CaptureFixture[str]) -> None:
    text = "def f(x=print('run on the host')):\n    raise SystemExit\n"

    FunctionModule.from_functions([text])

    assert capsys.readouterr().out == ""


def test_what_python_finds_doubtful_in_a_text_is_not_told_again() -> None:
    text = 'PATTERN = "\\d"\ndef f(): return PATTERN + "\\w"\n'

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        module = FunctionModule.from_functions([text])
        described = describe_functions(module)

    assert told == []
    assert "def f():" in described
