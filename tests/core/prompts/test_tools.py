import pytest

from dynamic_sessions import FunctionModule
from dynamic_sessions.prompts import describe_python_tool


def module_of(count: int) -> FunctionModule:
    return FunctionModule.from_functions(
        [
            f'def call_{n}(x: int) -> int:\n    """Return {n}."""\n    return {n}'
            for n in range(count)
        ]
    )


def test_a_tool_without_functions_is_described_by_what_it_does_and_its_time_limit() -> None:
    text = describe_python_tool(timeout=30)
    assert "/mnt/data" in text
    assert "30 seconds" in text
    assert describe_python_tool(module_of(0), timeout=30) == text


def test_stubs_follow_where_there_is_room() -> None:
    text = describe_python_tool(module_of(2), timeout=30)
    assert "def call_0(x: int) -> int:" in text
    assert "Return 1." in text


@pytest.mark.parametrize("count", [1, 10, 30, 100, 1000])
def test_the_limit_is_kept_whatever_there_is_to_tell(count: int) -> None:
    text = describe_python_tool(module_of(count), timeout=30)
    assert len(text) <= 1024
    assert "call_0" in text


def test_of_names_that_do_not_fit_the_number_is_told() -> None:
    text = describe_python_tool(module_of(1000), timeout=30)
    assert text.endswith(" more.")
    assert describe_python_tool(module_of(9), timeout=30, limit=10).endswith("9 of them.")
