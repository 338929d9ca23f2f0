"""What cannot travel is refused when it is given, with the function, the name, and the cure."""

import functools
import importlib
import os
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from dynamic_sessions import FunctionModule, FunctionSourceError
from dynamic_sessions.functions import InjectableFunction, spec_from_source

if TYPE_CHECKING:
    from decimal import Decimal  # noqa: TC004 - used as it must not be

stream = sys.stdout
also_a_stream = stream
opened = Path(os.devnull).open()  # noqa: SIM115 - held open, as programs do
opened.close()
changed: dict[str, int] = {}
changed["a"] = 1  # what its text says is not what it is
changing = 1
changing = 2

if __name__ == "__main__":
    only_as_a_program = 1


def uses_a_live_object() -> None:
    stream.write("")


def uses_another_name_of_a_live_object() -> None:
    also_a_stream.write("")


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


def uses_text(text: object) -> str:
    return str(text)


def counting_down(number: int) -> int:
    return counting_down(number - 1) if number else 0


def class_closing_over(value: int) -> type:
    class Inner:
        def get(self) -> int:
            return value

    return Inner


def class_derived_from(kind: type[dict[str, int]]) -> type:
    class Inner(kind):
        pass

    return Inner


def defaulting_to(value: list[int]) -> Callable[[], list[int]]:
    def inner(found: list[int] = value) -> list[int]:
        return found

    return inner


class Settings:
    LIMIT = 3

    @staticmethod
    def limited(number: int = LIMIT) -> int:
        return number


class CallableObject:
    def __call__(self) -> int:
        return 1


@functools.singledispatch
def describe(value: object) -> str:
    return str(value)


@describe.register
def _(value: int) -> str:
    return f"number {value}"


def uses_a_dispatched_function() -> str:
    return describe(1)


def uses_an_open_file() -> str:
    return opened.read()


def uses_a_changed_constant() -> int:
    return changed["a"]


def uses_a_name_of_type_checkers() -> object:
    return Decimal(1)


def uses_its_own_file() -> str:
    return __file__


@unnamed_wrapper
def wrapped_without_a_trace() -> int:
    return 1


REFUSED: list[tuple[InjectableFunction, str]] = [
    (lambda: 1, "def"),
    (len, "built in"),
    (list[int]().append, "built in"),
    (Tools().method, "bound method"),
    (Tools.method, "static method"),
    (functools.partial(helped), "'stream'"),
    (functools.partial(len, [1]), "built in"),
    (functools.partial(lambda: 1), "def"),
    (functools.partial(uses_text, stream), "argument 1 is a live object"),
    (functools.partial(uses_text, text=[stream]), "argument 'text' is a live object"),
    (functools.partial(uses_text, text=float("nan")), "argument 'text' is a live object"),
    (functools.partial(counting_down, number=1), "__name__"),
    (functools.partial(Tools), "partial function of a class"),
    (closing_over([1]), "'value'"),
    (class_closing_over(1), "'value'"),
    (class_derived_from(dict), "'kind'"),
    (defaulting_to([1]), "'value'"),
    (Settings.limited, "'LIMIT'"),
    (describe, "tell the types apart"),
    (uses_a_dispatched_function, "tell the types apart"),
    (wrapped_without_a_trace, "'function'"),
    (uses_a_live_object, "'stream'"),
    (uses_another_name_of_a_live_object, "'stream'"),
    (uses_a_name_bound_twice, "'changing'"),
    (uses_a_name_of_the_program, "'only_as_a_program'"),
    (uses_an_unknown_name, "'unknown_name'"),
    (uses_an_open_file, "'opened'"),
    (uses_a_changed_constant, "changed on line"),
    (uses_a_name_of_type_checkers, "type checkers alone"),
    (uses_its_own_file, "upload that file"),
    (type("Made", (), {}), "class without a text"),
    (int, "class without a text"),
    (CallableObject(), "object that can be called"),
    (helped, "'stream'"),
    ("def f(:", "line 1"),
    ("x = 1", "defines: none"),
    ("def f(): pass\ndef g(): pass", "f, g"),
    ("import os\ndef f(): return 1\nos.getcwd()", "line 3"),
    ("from .sibling import g\ndef f(): return g()", "relatively"),
    ("from dynamic_sessions import with_requirements\n@with_requirements()\ndef f(): pass", "text"),
    ("from math import *\ndef f(): return pi", "star import"),
    ("from os import path\nfrom sys import path\ndef f(): return path", "bound more than once"),
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


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Imports a program that has a module beside it, as one that is run from its folder does."""
    (tmp_path / "only_here.py").write_text("def answer(): return 42\nclass Order: pass\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    def imported(text: str) -> ModuleType:
        name = f"program_{uuid.uuid4().hex}"
        (tmp_path / f"{name}.py").write_text(text)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    return imported


@pytest.mark.parametrize(
    "text",
    [
        "import only_here\ndef f(): return only_here.answer()\n",
        "import only_here as here\ndef f(): return here.answer()\n",
        "from only_here import answer\ndef f(): return answer()\n",
        "from only_here import *\ndef f(): return answer()\n",
        "from only_here import answer\ndef g(): return answer()\ndef f(): return g()\n",
        "from only_here import Order\nclass f(Order): pass\n",
    ],
)
def test_a_module_that_no_package_installed_is_refused(
    text: str, program: Callable[[str], ModuleType]
) -> None:
    with pytest.raises(FunctionSourceError, match="'only_here', a module of this machine"):
        FunctionModule.from_functions([program(text).f])


def test_a_module_that_the_session_is_said_to_have_is_not_refused(
    program: Callable[[str], ModuleType],
) -> None:
    text = (
        "import dynamic_sessions\nfrom only_here import answer\n"
        "@dynamic_sessions.with_requirements(imports=['from only_here import answer'])\n"
        "def f(): return answer()\n"
    )

    module = FunctionModule.from_functions([program(text).f])

    assert module.imports == ("from only_here import answer",)


def test_an_injected_function_takes_the_place_of_one_from_a_module_of_this_machine(
    program: Callable[[str], ModuleType],
) -> None:
    module = program("from only_here import answer\ndef f(): return answer() + 1\n")

    injected = FunctionModule.from_functions([module.f, module.answer])

    assert injected.imports == ()
    assert injected.names == ("f", "answer")


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
