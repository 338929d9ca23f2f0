"""What the prompt takes for whole."""

import pytest

from dynamic_sessions_cli.lines import indent_after, is_whole


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x = 1",
        "x = (1,\n     2)",
        "%pip list",
        "!ls -l | wc -l",
        "print?",
        "x = await something()",
        "for x in range(3):\n    print(x)\n",
        "def f():\n    return 1\n\nf()",
        "%%bash\necho hello\n",
        "1 +* 2",
        "'not ended",
    ],
)
def test_what_can_be_run_or_never_will_is_whole(text: str) -> None:
    assert is_whole(text)


@pytest.mark.parametrize(
    "text",
    [
        "x = (1,",
        "'''a",
        "for x in range(3):",
        "for x in range(3):\n    print(x)",
        "if x: print(x)",
        "match x:\n    case 1:\n        pass",
        "async with x:\n    await y",
        "for x in range(3):\n    %time x",
        "@decorated",
        "%%bash",
        "%%bash\necho hello",
    ],
)
def test_what_goes_on_is_not(text: str) -> None:
    assert not is_whole(text)


@pytest.mark.parametrize(
    ("line", "indent"),
    [("x = 1", ""), ("for x in y:", "    "), ("    if x:  ", "        "), ("    x = 1", "    ")],
)
def test_a_line_is_indented_as_the_one_before_wants_it(line: str, indent: str) -> None:
    assert indent_after(line) == indent
