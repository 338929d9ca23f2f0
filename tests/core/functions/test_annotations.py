"""Annotations travel as far as they can, never stop a module from loading, and show in prompts."""

import importlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict

import pandas as pd
import pytest

from dynamic_sessions import FunctionModule, describe_functions
from dynamic_sessions.functions import spec_from_source, spec_of

if TYPE_CHECKING:
    from decimal import Decimal as Exact
    from email import message as mail

InSession = Callable[[FunctionModule, str], str]
Rows = list[dict[str, int]]
Table = pd.DataFrame


@dataclass
class Line:
    """One line of an order."""

    number: int
    amount: "Exact"


@dataclass
class Order:
    lines: list[Line]
    customer: str = "anybody"

    def total(self) -> int:
        """Add up.

        Twice, to be sure.
        """
        return sum(line.number for line in self.lines)

    def _hidden(self) -> None: ...


class Options(TypedDict, total=False):
    digits: int


class Framed(pd.DataFrame):
    pass


def ship(order: Order, options: "Options | None" = None) -> Rows:
    """Ship it."""
    return [{"lines": len(order.lines), "options": len(options or {})}]


def post(exact: "Exact", message: "mail.Message | None" = None) -> "Sequence[Exact]":
    return [exact]


def tabulate(frame: pd.DataFrame, mode: Literal["sys", "re"] = "re") -> "Table | Framed":
    return frame


def test_types_that_only_annotations_name_are_there_for_the_caller(in_session: InSession) -> None:
    module = FunctionModule.from_functions([ship])

    assert in_session(module, "print(ship(Order([Line(1, 2)]), Options(digits=1)))") == (
        "[{'lines': 1, 'options': 1}]"
    )
    assert in_session(module, "from functions import Line, Order; print(Order([]))") == (
        "Order(lines=[], customer='anybody')"
    )


def test_imports_for_type_checkers_travel_and_never_run(in_session: InSession) -> None:
    module = FunctionModule.from_functions([post])

    assert module.imports == ()
    assert "from decimal import Decimal as Exact" in module.source
    assert in_session(module, "import functions; print(hasattr(functions, 'Exact'), post(1))") == (
        "False [1]"
    )


def test_imports_that_only_annotations_need_are_tried(in_session: InSession) -> None:
    module = FunctionModule.from_functions([tabulate])

    assert module.imports == ()
    assert in_session(module, "import functions; print(functions.pd.DataFrame.__name__)") == (
        "DataFrame"
    )


def test_what_is_missing_in_an_annotation_is_no_error(in_session: InSession) -> None:
    text = (
        "import no_such_module as m\nfrom no_such_module import Thing\n"
        "def f(x: m.Frame, *y: 'Thing', z: unknown = 1) -> Thing: return x\n"
    )

    assert in_session(FunctionModule.from_functions([text]), "print(f(3))") == "3"


def test_a_type_that_needs_a_package_of_its_own_does_not_travel_for_an_annotation() -> None:
    spec = spec_of(tabulate)

    assert spec.types == ()
    assert spec.support == ()
    assert spec.annotation_imports == ("from typing import Literal", "import pandas as pd")


def test_a_literal_is_no_name() -> None:
    text = "import re, typing\ndef f(x: typing.Literal['re', 'x y']): return x"

    assert spec_from_source(text).annotation_imports == ("import typing",)


def test_the_annotations_of_a_class_work_as_on_the_host(in_session: InSession) -> None:
    text = (
        "from typing import ClassVar\nfrom dataclasses import InitVar, dataclass, fields\n"
        "@dataclass\nclass C:\n    a: int\n    b: ClassVar[int] = 1\n    c: InitVar[int] = 2\n"
        "def f(): return [field.name for field in fields(C)]\n"
    )

    assert in_session(FunctionModule.from_functions([text]), "print(f())") == "['a']"


def test_annotation_imports_give_way_to_what_runs() -> None:
    module = FunctionModule.from_functions(
        [
            "import decimal as d\ndef f(x: d.Decimal): return x",
            "import math as d\ndef g(): return d.pi",
        ]
    )

    assert "import decimal" not in module.source
    assert module.imports == ("import math as d",)


def test_a_name_from_a_module_of_this_machine_is_dropped_from_annotations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "beside_annotations.py").write_text("class Thing: pass\n")
    (tmp_path / "annotated_program.py").write_text(
        "from beside_annotations import Thing\ndef f(x: Thing): return x\n"
    )
    importlib.invalidate_caches()
    program = importlib.import_module("annotated_program")

    module = FunctionModule.from_functions([program.f])

    assert "beside_annotations" not in module.source
    assert "import" not in describe_functions(module, "{functions}").replace(
        "from functions import f", ""
    )


def test_the_prompt_shows_the_types_that_signatures_mention() -> None:
    assert describe_functions([ship], "{functions}") == (
        "from decimal import Decimal as Exact\n"
        "from functions import ship, Line, Options, Order, Rows\n"
        "\n"
        "@dataclass\n"
        "class Line:\n"
        '    """One line of an order."""\n'
        "    number: int\n"
        '    amount: "Exact"\n'
        "\n"
        "class Options(TypedDict, total=False):\n"
        "    digits: int\n"
        "\n"
        "@dataclass\n"
        "class Order:\n"
        "    lines: list[Line]\n"
        '    customer: str = "anybody"\n'
        "    def total(self) -> int:\n"
        '        """Add up."""\n'
        "        ...\n"
        "\n"
        "Rows = list[dict[str, int]]\n"
        "\n"
        'def ship(order: Order, options: "Options | None" = None) -> Rows:\n'
        '    """Ship it."""\n'
        "    ..."
    )


def test_the_prompt_imports_what_annotations_are_written_with() -> None:
    described = describe_functions([tabulate, post], "{functions}")

    assert described.startswith(
        "from decimal import Decimal as Exact\n"
        "from email import message as mail\n"
        "import pandas as pd\n"
        "from functions import tabulate, post\n"
    )
