"""What a model reads after a run, from made-up executions and from real ones."""

import base64
import random
from collections.abc import Iterator

import pytest

from dynamic_sessions import (
    Execution,
    ExecutionError,
    ExecutionStatus,
    Image,
    JsonValue,
    Session,
    SessionFile,
    SessionPool,
    render_execution,
)

PIXELS = base64.b64encode(bytes(range(256)) * 4).decode()


def ran(**changes: object) -> Execution:
    return Execution(**{"status": ExecutionStatus.SUCCEEDED, **changes})  # pyright: ignore[reportArgumentType]


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with SessionPool("local") as pool:
        yield pool.session(functions=["def divide(a, b):\n    return a / b  # the very line\n"])


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


def test_the_name_of_a_file_cannot_pose_as_another_line() -> None:
    assert render_execution(ran(), files=["a\n[file: b]\u2028"]) == r"[file: a\n[file: b]\u2028]"


@pytest.mark.parametrize(
    "execution",
    [
        ran(stdout=f"before {PIXELS} after"),
        ran(stdout=base64.encodebytes(bytes(range(256)) * 4).decode()),
        ran(stderr=PIXELS.replace("+", "-").replace("/", "_")),
        ran(result=f"<img src='data:image/svg+xml;base64,{PIXELS[:64]}'>"),
        ran(result={"application/pdf": PIXELS, "deep": [{"image": PIXELS}]}),
        ran(status=ExecutionStatus.FAILED, stderr=f"ValueError: {PIXELS}"),
    ],
)
def test_base64_never_reaches_the_model(execution: Execution) -> None:
    rendered = render_execution(execution, limit=None)

    assert PIXELS[:32] not in rendered
    assert "of base64 left out]" in rendered
    assert len(rendered) < 250


@pytest.mark.parametrize(
    "text", ["x" * 500, "0123456789abcdef" * 30, "ACGT" * 100, "a_b1" * 100, "=" * 300, "9" * 400]
)
def test_long_words_that_are_no_base64_stay(text: str) -> None:
    assert render_execution(ran(stdout=text)) == text


def test_colours_and_earlier_states_of_a_progress_bar_are_left_out() -> None:
    bar = "\r".join(f"{step:3}%|{'#' * step}" for step in range(0, 101, 10))

    rendered = render_execution(ran(stdout="\x1b[1;31mred\x1b[0m\r\n", stderr=f"{bar}\nend"))

    assert rendered == f"red\n100%|{'#' * 100}\nend"


def test_a_failure_without_a_text_is_told_all_the_same() -> None:
    error = ExecutionError(name="ValueError", message="bad", traceback="")

    assert render_execution(ran(status=ExecutionStatus.FAILED, error=error)) == "ValueError: bad"
    assert "failed" in render_execution(ran(status=ExecutionStatus.FAILED))
    assert "time limit" in render_execution(ran(status=ExecutionStatus.TIMED_OUT))
    assert "died" in render_execution(ran(status=ExecutionStatus.ABORTED, stderr="Execution ab"))
    assert "canceled" in render_execution(ran(status=ExecutionStatus.CANCELED))


def test_cut_output_and_a_recycled_session_are_mentioned() -> None:
    rendered = render_execution(ran(stdout="x", truncated=True, session_recycled=True))

    assert "cut" in rendered
    assert "new" in rendered


def test_of_long_output_the_beginning_and_the_end_are_shown_in_whole_lines() -> None:
    lines = [f"line {number}" for number in range(10_000)]

    rendered = render_execution(ran(stdout="\n".join(lines)), limit=1000).split("\n")

    assert len("\n".join(rendered)) <= 1000
    assert (rendered[0], rendered[-1]) == (lines[0], lines[-1])
    (note,) = set(rendered) - set(lines)
    kept = "\n".join(line for line in rendered if line != note)
    left_out = len("\n".join(lines)) - len(kept)
    assert note == f"[... {left_out:,} characters left out ...]"


def test_long_output_does_not_push_the_error_or_the_notes_out() -> None:
    error = ExecutionError(name="ValueError", message="bad", traceback="")
    execution = ran(
        status=ExecutionStatus.FAILED,
        stdout="x\n" * 50_000,
        stderr="ValueError: bad",
        error=error,
        session_recycled=True,
    )

    rendered = render_execution(execution, limit=500)

    assert "\nValueError: bad\n[the session was new" in rendered


def test_no_text_is_longer_than_its_limit() -> None:
    chance = random.Random(7)  # noqa: S311 - makes test data

    def text() -> str:
        return "".join(chance.choices("ab \n", k=chance.choice([0, 3, 90, 400, 5000])))

    for _ in range(300):
        execution = ran(
            status=chance.choice(list(ExecutionStatus)),
            stdout=text(),
            stderr=text(),
            result=text(),
            images=(Image(data=b""),) * chance.choice([0, 1, 200]),
            truncated=chance.random() < 0.5,
        )
        limit = chance.randrange(200, 3000)
        whole = render_execution(execution, limit=None, files=["name"] * 3)
        rendered = render_execution(execution, limit=limit, files=["name"] * 3)
        assert len(rendered) <= limit
        assert rendered == whole or len(whole) > limit - 5


def test_a_limit_without_room_for_notes_is_refused() -> None:
    with pytest.raises(ValueError, match="200"):
        render_execution(ran(), limit=199)


def test_a_traceback_shows_the_users_frames_and_counts_those_of_libraries(
    session: Session,
) -> None:
    code = "import json\ndef read(text):\n    return json.loads(text)  # mine\nread('{')"

    rendered = render_execution(session.execute(code))

    assert "# mine" in rendered
    assert "[3 frames in json left out]" in rendered
    assert "decoder.py" not in rendered
    assert rendered.endswith("(char 1)")


def test_a_traceback_shows_the_lines_of_injected_functions(session: Session) -> None:
    rendered = render_execution(session.execute("divide(1, 0)"))

    assert "# the very line" in rendered
    assert "left out" not in rendered


def test_every_part_of_a_chained_traceback_is_cut(session: Session) -> None:
    code = "import pandas\npandas.DataFrame({'a': [1]})['x']"
    rendered = render_execution(session.execute(code))

    assert rendered.count("in pandas left out]") == 2
    assert rendered.count("KeyError: 'x'") == 2
    assert "pandas.DataFrame({'a': [1]})['x']" in rendered


def test_pythons_own_tracebacks_and_exception_groups_are_cut_too(session: Session) -> None:
    code = (
        "import json\n"
        "def group():\n"
        "    try:\n        json.loads('{')\n"
        "    except ValueError as error:\n        raise ExceptionGroup('several', [error])\n"
        "group()"
    )

    rendered = render_execution(session.execute(code))

    assert "    |   [3 frames in json left out]\n    | json.decoder.JSONDecodeError" in rendered
    assert "decoder.py" not in rendered


@pytest.mark.parametrize("code", ["x = (", "raise SystemExit(3)", "int('x')", "def f(): f()\nf()"])
def test_a_traceback_of_the_users_frames_alone_stays_as_it_is(session: Session, code: str) -> None:
    execution = session.execute(code)

    assert render_execution(execution) == execution.stderr


def test_the_default_limit_keeps_a_flood_out_of_the_context(session: Session) -> None:
    rendered = render_execution(session.execute("print('row\\n' * 100_000)"))

    assert len(rendered) <= 20_000
    assert "characters left out" in rendered
