import pytest

from dynamic_sessions import (
    Execution,
    ExecutionError,
    ExecutionStatus,
    FunctionModule,
    Image,
    JsonValue,
    SessionFile,
    describe_functions,
    render_execution,
)


def load_sales(path: str = "sales.csv") -> list[str]:
    """Load the sales."""
    return [path]


STUB = 'def load_sales(path: str = "sales.csv") -> list[str]:\n    """Load the sales."""\n    ...'


def ran(**changes: object) -> Execution:
    return Execution(**{"status": ExecutionStatus.SUCCEEDED, **changes})  # pyright: ignore[reportArgumentType]


def test_the_description_holds_a_stub_of_each_function() -> None:
    described = describe_functions([load_sales, "def other(x): return x"])

    assert f"{STUB}\n\ndef other(x):\n    ..." in described


def test_a_module_is_described_as_its_functions_are() -> None:
    module = FunctionModule.from_functions([load_sales])

    assert describe_functions(module) == describe_functions([load_sales])


@pytest.mark.parametrize("placeholder", ["{functions}", "$functions", "${functions}"])
def test_a_template_keeps_its_dollars_and_braces(placeholder: str) -> None:
    template = f"It costs $5, {{'a': 1}} and {{0}}, 100 % \\1:\n{placeholder} $functionsmore"

    assert describe_functions([load_sales], template) == template.replace(placeholder, STUB, 1)


def test_a_function_text_that_looks_like_a_placeholder_is_left_alone() -> None:
    text = 'def f(x="{functions} $functions"): return x'

    assert describe_functions([text], "{functions}") == (
        'def f(x="{functions} $functions"):\n    ...'
    )


def test_output_comes_before_errors_before_the_value() -> None:
    rendered = render_execution(ran(stdout="out", stderr="warning\n", result=42))

    assert rendered == "out\nwarning\n42"


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "True"), (0, "0"), (1.5, "1.5"), ("text", "text"), ({"a": "ü"}, '{"a": "ü"}')],
)
def test_values_read_as_python_shows_them(value: JsonValue, text: str) -> None:
    assert render_execution(ran(result=value)) == text
    assert render_execution(ran(result=value), include_result=False) == ""


def test_a_run_without_output_renders_as_nothing() -> None:
    assert render_execution(ran()) == ""


def test_images_and_files_are_named_and_never_quoted() -> None:
    image = Image(data=b"\x89PNG pixels", format="png")

    rendered = render_execution(
        ran(stdout="made\n", images=(image, image)),
        files=["chart.png", SessionFile(name="table.csv", size=3)],
    )

    assert rendered.splitlines() == [
        "made",
        "[image: image/png]",
        "[image: image/png]",
        "[file: chart.png]",
        "[file: table.csv]",
    ]


def test_a_failure_without_a_text_is_told_all_the_same() -> None:
    error = ExecutionError(name="ValueError", message="bad", traceback="")

    assert render_execution(ran(status=ExecutionStatus.FAILED, error=error)) == "ValueError: bad"
    assert "time limit" in render_execution(ran(status=ExecutionStatus.TIMED_OUT))
    assert "died" in render_execution(ran(status=ExecutionStatus.ABORTED))


def test_cut_output_and_a_recycled_session_are_mentioned() -> None:
    rendered = render_execution(ran(stdout="x", truncated=True, session_recycled=True))

    assert "cut" in rendered
    assert "new" in rendered
