"""Functions made up at random give in a session what they give on the host."""

import importlib
import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from dynamic_sessions import FunctionModule, SessionPool
from dynamic_sessions.functions import spec_from_source

ROUNDS = 12
FUNCTIONS = 6

_HEAD = """\
import functools
import json as coded
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal


def passing(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def adding(number):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            return function(*args, **kwargs) + number

        return wrapper

    return decorate
"""

_DECORATORS = ("@passing", "@adding(3)", "@functools.lru_cache", "@adding(\n    number=2,\n)")
_ANNOTATIONS = ("int", '"Decimal"', "unknown_name", "list[int] | None", "Counter[str]")


class Program:
    """Makes up a module of functions that call one another, constants and classes."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - makes test data
        self._constants: list[str] = []
        self._classes: list[str] = []
        self._functions: list[str] = []
        self._parts: list[str] = []

    def text(self) -> str:
        """Return the module's text, its definitions in any order that loads."""
        for number in range(3):
            self._constants.append(f"CONSTANT_{number}")
            self._parts.append(f"CONSTANT_{number} = {self._literal()}")
        for number in range(2):
            self._classes.append(f"Class{number}")
            self._parts.append(self._class(number))
        for number in range(FUNCTIONS):
            self._parts.append(self._function(number))
            self._functions.append(f"function_{number}")
        return "\n\n\n".join([_HEAD, *self._parts]) + "\n"

    def _pick(self, choices: list[str] | tuple[str, ...]) -> str:
        return self._chance.choice(choices)

    def _literal(self) -> str:
        number = self._chance.randrange(100)
        forms = (
            f"{number}",
            f"[{number}, 0x{number:x}]",
            f"{{'a': {number}, 'b': [1]}}",
            f"'{number}'",
            f"({number}, -1) * 2",
            f"frozenset({{{number}}})",
        )
        return self._pick(forms)

    def _class(self, number: int) -> str:
        if self._chance.random() < 0.5:
            field = f"    field: int = {self._chance.randrange(9)}\n"
            return f"@dataclass\nclass Class{number}:\n{field}"
        body = f"        return len(str({self._pick(self._constants)})) + number\n"
        return f"class Class{number}:\n    field = 2\n\n    def get(self, number=1):\n{body}"

    def _value(self, names: list[str], depth: int = 0) -> str:
        """Return an expression of an integer."""
        if depth > 2:
            return self._pick(names)
        inner = self._value(names, depth + 1)
        forms = [
            self._pick(names),
            f"({inner} + {self._chance.randrange(9)})",
            f"len(str({self._pick(self._constants)})) * {inner}",
            f"math.floor({inner} / 2)",
            f"sum(n + {inner} for n in range(3) if n % 2)",
            f"(lambda n: n + {inner})({self._pick(names)})",
            f"Counter(str({inner})).total()",
            f"len(coded.dumps([{inner}]))",
            f"{self._pick(self._classes)}().field + {inner}",
        ]
        if self._functions:
            forms.append(f"{self._pick(self._functions)}({self._pick(names)})")
        return self._pick(forms)

    def _function(self, number: int) -> str:
        decorators = self._chance.sample(_DECORATORS, self._chance.randrange(3))
        default = f"len(str({self._pick(self._constants)}))"
        parameters = self._pick(
            [
                f"first: {self._pick(_ANNOTATIONS)}, second={default}",
                f"first, /, second: {self._pick(_ANNOTATIONS)} = {default}",
                f"first, *rest, second: int = {default}, **more",
                f"first, *, second={default}",
            ]
        )
        lines = [
            f'    """Function {number}.\n\n    More of it.\n    """',
            f"    total: {self._pick(_ANNOTATIONS)} = {self._value(['first', 'second'])}",
            f"    for index in range(2):\n        total += {self._value(['total', 'index'])}",
            f"    def inner(number):\n        return number + {self._value(['total', 'number'])}",
            f"    return inner({self._value(['total', 'first'])}) % 1009",
        ]
        head = f"def function_{number}({parameters}) -> {self._pick(_ANNOTATIONS)}:"
        return "\n".join([*decorators, head, *lines])


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], ModuleType]:
    """Writes a text where it can be imported from, and imports it."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    def load(name: str, text: str) -> ModuleType:
        (tmp_path / f"{name}.py").write_text("from __future__ import annotations\n" + text)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    return load


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_host_and_session_agree(
    seed: int, imported: Callable[[str, str], ModuleType], local_pool: SessionPool
) -> None:
    text = Program(seed).text()
    host = imported(f"made_up_program_{seed}", text)
    names = [f"function_{number}" for number in range(FUNCTIONS)]
    chosen = random.Random(seed).sample(names, 3)  # noqa: S311 - makes test data
    module = FunctionModule.from_functions([getattr(host, name) for name in chosen])
    from_text = FunctionModule.from_functions(
        [spec_from_source(text, name=name) for name in chosen]
    )
    calls = [f"{name}({number})" for name in chosen for number in (0, 7)]
    session = local_pool.session(functions=module)

    execution = session.execute(f"import json; print(json.dumps([{', '.join(calls)}]))")
    session.delete()

    assert execution.ok, f"{text}\n{execution.stderr}"
    here = [getattr(host, name)(number) for name in chosen for number in (0, 7)]
    assert json.loads(execution.stdout) == here, text
    assert from_text.source == module.source


def test_the_order_of_definitions_on_disk_does_not_show_in_the_text(
    imported: Callable[[str, str], ModuleType],
) -> None:
    parts = [
        "import math\nimport json as coded",
        "A = 1",
        "B = [2]",
        "def helper(x):\n    return math.floor(x) + A",
        "class Kind:\n    value = 3",
        "def f(x):\n    return helper(x), B, Kind.value, g",
        "def g(x: coded.JSONDecoder):\n    return f, Kind",
    ]
    modules: list[FunctionModule] = []
    for number in range(4):
        random.Random(number).shuffle(parts)  # noqa: S311 - makes test data
        program = imported(f"shuffled_program_{number}", "\n\n\n".join(parts) + "\n")
        modules.append(FunctionModule.from_functions([program.f, program.g]))

    assert len({module.source for module in modules}) == 1
    assert len({module.digest for module in modules}) == 1
