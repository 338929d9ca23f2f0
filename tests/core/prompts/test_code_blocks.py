"""Fenced blocks as models really write them, and code that came wrapped."""

import pytest

from dynamic_sessions import CodeBlock, clean_code, extract_code_blocks

ONE_BLOCK: list[tuple[str, str | None]] = [
    ("Here:\n```python\nx = 1\n```\nDone.", "x = 1"),
    ("```Python\nx = 1\n```", "x = 1"),
    ("```py\nx = 1\n```", "x = 1"),
    ("```PYTHON3\nx = 1\n```", "x = 1"),
    ("``` python \nx = 1\n``` ", "x = 1"),
    ("```{python}\nx = 1\n```", "x = 1"),
    ("```{.python .numberLines}\nx = 1\n```", "x = 1"),
    ("```python title=main.py\nx = 1\n```", "x = 1"),
    ("```py:main.py\nx = 1\n```", "x = 1"),
    ("```\nx = 1\n```", "x = 1"),
    ("~~~python\nx = 1\n~~~", "x = 1"),
    ("~~~python\nx = '''\n```\n'''\n~~~", "x = '''\n```\n'''"),
    ("````python\nx = '```'\n```\ny = 2\n````", "x = '```'\n```\ny = 2"),
    ("```python\r\nx = 1\r\n\r\ny = 2\r\n```\r\n", "x = 1\n\ny = 2"),
    ("```python\nx = 1\n", "x = 1"),
    ("```python\nx = 1\n\n\n", "x = 1"),
    ("```python\n\nx = 1\n\n```", "\nx = 1\n"),
    ("1. First:\n   ```python\n   if x:\n       y = 1\n   ```\n", "if x:\n    y = 1"),
    ("- ```python\n  if x:\n      y = 1\n  ```\n", "if x:\n    y = 1"),
    ("> ```python\n> if x:\n>\n>     y = 1\n> ```\n", "if x:\n\n    y = 1"),
    ("```python\n    if x:\n        y = 1\n```", "if x:\n    y = 1"),
    ("      ```python\nx = 1\n      ```", "x = 1"),
    ("\t```python\n\tx = 1\n\t```", "x = 1"),
    ('```python\ntext = """\n```python\ny = 2\n```\n"""\n```', None),
    ('```python\ndef f():\n    """\n    ```\n    f()\n    ```\n    """\n```', None),
    ("```python\ns = '''\n```\nunclosed\n```", "s = '''"),
]


@pytest.mark.parametrize(("markdown", "code"), ONE_BLOCK)
def test_a_block_is_read_as_it_was_meant(markdown: str, code: str | None) -> None:
    expected = code if code is not None else markdown.removeprefix("```python\n")[: -len("\n```")]

    assert extract_code_blocks(markdown) == [CodeBlock(code=expected)]


def test_blocks_come_in_order_and_other_languages_are_left_out() -> None:
    markdown = "```python\na\n```\n```sh\nls\n```\n```\nsample\n```\n```py\nb\n```"

    assert [block.code for block in extract_code_blocks(markdown)] == ["a", "b"]
    assert extract_code_blocks(markdown, language="SH") == [CodeBlock(code="ls", language="sh")]
    assert [block.language for block in extract_code_blocks(markdown, language=None)] == [
        *("python", "sh", "", "python")
    ]


@pytest.mark.parametrize(
    "markdown",
    [
        "",
        "No code.",
        "Say ```python x``` inline.",
        "```python\n```",
        "``python\nx\n``",
        "```sh\nx\n",
    ],
)
def test_a_text_without_python_has_no_blocks(markdown: str) -> None:
    assert extract_code_blocks(markdown) == []


def test_a_document_in_a_fence_is_one_block_though_its_own_fences_look_the_same() -> None:
    markdown = "```markdown\n# Title\n```python\nx = 1\n```\nend\n```\n```python\ny = 2\n```"

    document, code = extract_code_blocks(markdown, language=None)

    assert (document.language, code) == ("markdown", CodeBlock(code="y = 2"))
    assert document.code == "# Title\n```python\nx = 1\n```\nend"


CLEANED: list[tuple[str, str]] = [
    ("```python\nx = 1\n```", "x = 1"),
    ("  ```\nx = 1\n```\n", "x = 1"),
    ("```py\nx = 1", "x = 1"),
    ("```python\nx = 1\n```\nand then\n```python\ny = 2\n```", "x = 1\ny = 2"),
    ("```python print(1)```", "print(1)"),
    ("`print(1)`", "print(1)"),
    ("python\nprint(1)", "print(1)"),
    ("Python3\r\nprint(1)\r\n", "print(1)"),
    ("\n\n    if x:\n        y = 1\n", "if x:\n    y = 1"),
    ("    x = 1\ny = 2", "x = 1\ny = 2"),
]

UNTOUCHED = [
    "python_version = 3",
    "python = 3\nprint(python)",
    "py",
    "python3 -V",
    "shuf -n 1 names.txt",
    "sha256sum names.txt",
    "sh -c 'ls'",
    "print('a`b')",
    "x = 'ends in `'  # `",
    "text = '''\n```python\nx\n```\n'''",
    "%pip list",
    "",
]


@pytest.mark.parametrize(("text", "code"), CLEANED)
def test_wrapping_is_taken_off(text: str, code: str) -> None:
    assert clean_code(text) == code


@pytest.mark.parametrize("code", UNTOUCHED)
def test_code_that_only_looks_wrapped_is_left_alone(code: str) -> None:
    assert clean_code(code) == code


@pytest.mark.parametrize(("text", "_"), CLEANED)
def test_cleaning_twice_is_cleaning_once(text: str, _: str) -> None:
    once = clean_code(text)

    assert clean_code(once) == once


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text",
    [
        *(mark * 200_000 for mark in (" ", "`", "- ", "> ", "1. ", "\t>", "~", '"""\n', "```\n")),
        "```python\n" + "'''\n```\n" * 20_000,
        " " * 100_000 + "x = 1" + " " * 100_000 + "y",
        "```markdown\n" + "```python\n" * 50_000,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_hostile_texts_take_no_longer_than_their_length(text: str) -> None:
    assert isinstance(clean_code(text), str)
    assert isinstance(extract_code_blocks(text), list)
