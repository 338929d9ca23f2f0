"""What cannot travel is refused when it is given, with the function, the name, and the cure."""

import functools
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dynamic_sessions import FunctionModule, FunctionSourceError
from dynamic_sessions.functions import InjectableFunction, spec_from_source

stream = sys.stdout
changing = 1
changing = 2

if __name__ == "__main__":
    only_as_a_program = 1


def uses_a_live_object() -> None:
    stream.write("")


def uses_a_name_bound_twice() -> int:
    return changing


def uses_a_name_of_the_program() -> int:
    return only_as_a_program


def uses_an_unknown_name() -> object:
    return unknown_name  # noqa: F821 # pyright: ignore[reportUndefinedVariable, reportUnknownVariableType]


def helped() -> None:
    uses_a_live_object()


class Tools:
    def method(self) -> None:
        """Needs its object."""


def closing_over(value: list[int]) -> Callable[[], list[int]]:
    def inner() -> list[int]:
        return value

    return inner


def unnamed_wrapper(function: Callable[[], int]) -> Callable[[], int]:
    def wrapper() -> int:
        return function()

    return wrapper


@unnamed_wrapper
def wrapped_without_a_trace() -> int:
    return 1


REFUSED: list[tuple[InjectableFunction, str]] = [
    (lambda: 1, "def"),
    (len, "built in"),
    (list[int]().append, "built in"),
    (Tools().method, "bound method"),
    (Tools.method, "static method"),
    (Tools, "class"),
    (functools.partial(helped), "partial"),
    (closing_over([1]), "'value'"),
    (wrapped_without_a_trace, "'function'"),
    (uses_a_live_object, "'stream'"),
    (uses_a_name_bound_twice, "'changing'"),
    (uses_a_name_of_the_program, "'only_as_a_program'"),
    (uses_an_unknown_name, "'unknown_name'"),
    (helped, "'stream'"),
    ("def f(:", "line 1"),
    ("x = 1", "defines: none"),
    ("def f(): pass\ndef g(): pass", "f, g"),
    ("import os\ndef f(): return 1\nos.getcwd()", "line 3"),
    ("from .sibling import g\ndef f(): return g()", "relatively"),
    ("from dynamic_sessions import with_requirements\n@with_requirements()\ndef f(): pass", "text"),
    ("from math import *\ndef f(): return pi", "star import"),
]


@pytest.mark.parametrize(("function", "hint"), REFUSED)
def test_what_cannot_travel_is_refused_with_its_reason(
    function: InjectableFunction, hint: str
) -> None:
    with pytest.raises(FunctionSourceError) as caught:
        FunctionModule.from_functions([function])

    assert hint in str(caught.value)
    assert ": " in str(caught.value) or "; " in str(caught.value), "the cure follows the fault"


def test_the_refusal_names_function_name_and_line() -> None:
    with pytest.raises(FunctionSourceError) as caught:
        FunctionModule.from_functions([uses_a_live_object])

    line = uses_a_live_object.__code__.co_firstlineno + 1
    assert caught.value.function == "uses_a_live_object"
    assert f"'stream' (line {line})" in str(caught.value)


def test_a_function_without_a_file_is_refused_with_the_way_out() -> None:
    namespace: dict[str, Callable[[], object]] = {}
    exec("def f(): return 1", namespace)  # noqa: S102 - makes a function without text

    with pytest.raises(FunctionSourceError, match="as a string"):
        FunctionModule.from_functions([namespace["f"]])


@pytest.mark.parametrize("changed", ["# one more line\n\ndef f():\n    return 2\n", "def f(:\n"])
def test_a_function_whose_file_changed_is_refused(changed: str, tmp_path: Path) -> None:
    file = tmp_path / "changed.py"
    file.write_text("def f():\n    return 1\n")
    namespace: dict[str, Callable[[], object]] = {}
    exec(compile(file.read_text(), str(file), "exec"), namespace)  # noqa: S102 - as an import does
    file.write_text(changed)

    with pytest.raises(FunctionSourceError, match="reload"):
        FunctionModule.from_functions([namespace["f"]])


@pytest.mark.parametrize(
    "texts",
    [
        ("def f(): return 1", "def f(): return 2"),
        ("K = 1\ndef f(): return K", "K = 2\ndef g(): return K"),
        ("import json as j\ndef f(): return j", "import math as j\ndef g(): return j"),
        ("import json as f\ndef g(): return f", "def f(): return 1"),
    ],
)
def test_functions_that_contradict_each_other_are_refused(texts: tuple[str, ...]) -> None:
    with pytest.raises(FunctionSourceError, match=r"rename|another name"):
        FunctionModule.from_functions(texts)


@pytest.mark.parametrize("name", ["json", "not a name", "class", "a.b", ""])
def test_a_module_name_that_cannot_be_used_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="module"):
        FunctionModule.from_functions([], name=name)


@pytest.mark.parametrize(
    ("packages", "imports"),
    [(["no such thing!"], []), ([], ["numpy"]), ([], ["x = 1"]), ([], [""])],
)
def test_malformed_requirements_are_refused(packages: list[str], imports: list[str]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the kind is what a caller relies on
        spec_from_source("def f(): pass", packages=packages, imports=imports)


def test_what_is_no_function_at_all_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        FunctionModule.from_functions([3])  # pyright: ignore[reportArgumentType]
