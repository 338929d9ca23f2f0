"""Injected functions as a prompt describes them."""

import ast

import pytest

from dynamic_sessions import FunctionModule, describe_functions
from dynamic_sessions.functions import InjectableFunction


def load_sales(path: str = "sales.csv") -> list[str]:
    """Load the sales."""
    return [path]


def forecast(months: int, *, growth: float = 0.02) -> list[float]:
    """Say what comes.

    The growth is compounded, and a sentence or two more make this docstring the longest one of
    all that are described here.
    """
    return [growth * months]


STUB = 'def load_sales(path: str = "sales.csv") -> list[str]:\n    """Load the sales."""\n    ...'
DESCRIPTION = f"from functions import load_sales\n\n{STUB}"


def test_the_description_holds_the_import_and_a_stub_of_each_function() -> None:
    described = describe_functions([load_sales, "def other(x): return x"])

    assert described.endswith(
        f"from functions import load_sales, other\n\n{STUB}\n\ndef other(x):\n    ..."
    )


def test_the_import_names_the_module_that_the_functions_are_in() -> None:
    module = FunctionModule.from_functions([load_sales], name="toolbox")

    assert "from toolbox import load_sales\n" in describe_functions(module)


def test_a_module_is_described_as_its_functions_are() -> None:
    module = FunctionModule.from_functions([load_sales])

    assert describe_functions(module) == describe_functions([load_sales])


@pytest.mark.parametrize("placeholder", ["{functions}", "$functions", "${functions}"])
def test_a_template_keeps_its_dollars_and_braces(placeholder: str) -> None:
    template = f"It costs $5, {{'a': 1}} and {{0}}, 100 % \\1:\n{placeholder} $functionsmore"

    described = describe_functions([load_sales], template)

    assert described == template.replace(placeholder, DESCRIPTION, 1)


def test_a_function_text_that_looks_like_a_placeholder_is_left_alone() -> None:
    text = 'def f(x="{functions} $functions"): return x'

    assert describe_functions([text], "{functions}").endswith(
        'def f(x="{functions} $functions"):\n    ...'
    )


def test_no_functions_are_described_by_nothing() -> None:
    assert describe_functions([], "[{functions}]") == "[]"


FUNCTIONS: list[InjectableFunction] = [load_sales, forecast]


def under_budget(characters: int) -> str:
    return describe_functions(FUNCTIONS, "{functions}", token_budget=characters // 4)


def test_a_budget_that_suffices_changes_nothing() -> None:
    whole = describe_functions(FUNCTIONS, "{functions}")

    assert under_budget(len(whole) + 4) == whole


def test_the_longest_docstring_is_cut_first() -> None:
    whole = describe_functions(FUNCTIONS, "{functions}")

    assert under_budget(len(whole) - 4) == whole.replace(
        whole[whole.index("Say what comes.") + 15 : whole.rindex('"""')], ""
    )


def test_less_and_less_is_told_until_the_signatures_are_left() -> None:
    lengths = range(len(describe_functions(FUNCTIONS, "{functions}")) + 4, 135, -1)
    texts = list(dict.fromkeys(under_budget(length) for length in lengths))

    assert len(texts) == 6
    assert texts[-1].endswith(
        "def load_sales(path='sales.csv'): ...\n\ndef forecast(months, *, growth=0.02): ..."
    )
    for text in texts:
        ast.parse(text)


@pytest.mark.parametrize("length", [140, 160, 200, 240, 280, 400])
def test_the_budget_is_kept(length: int) -> None:
    assert len(under_budget(length)) <= length


def test_a_budget_that_signatures_alone_exceed_is_refused() -> None:
    with pytest.raises(ValueError, match="20 tokens"):
        describe_functions(FUNCTIONS, token_budget=20)
