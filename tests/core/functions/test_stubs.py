from typing import Any

from dynamic_sessions.functions import spec_from_source, spec_of
from dynamic_sessions.functions.stubs import stub


def documented(a: int, b: "Any" = 2, *, flags: int = 0x10) -> int:
    r"""Add two "numbers".

    Args:
        a: The \first.
    """
    return a + flags + b


async def bare() -> None:
    pass


def test_a_stub_is_signature_and_docstring_as_written() -> None:
    assert stub(spec_of(documented)) == (
        'def documented(a: int, b: "Any" = 2, *, flags: int = 0x10) -> int:\n'
        '    """Add two "numbers".\n'
        "\n"
        "    Args:\n"
        "        a: The \\\\first.\n"
        '    """\n'
        "    ..."
    )


def test_an_asynchronous_function_has_an_asynchronous_stub() -> None:
    assert stub(spec_of(bare)) == "async def bare() -> None:\n    ..."


def test_a_stub_needs_neither_decorators_nor_a_body_of_its_own_line() -> None:
    text = "import functools\n@functools.cache\ndef f(x={'a': [1, 2]}, y=lambda: 3): return x\n"

    assert stub(spec_from_source(text)) == "def f(x={'a': [1, 2]}, y=lambda: 3):\n    ..."


def test_stubs_are_valid_python() -> None:
    text = 'def f():\n    """Ends in a "quote\\""""\n'

    namespace: dict[str, Any] = {}
    exec(stub(spec_from_source(text)), namespace)  # noqa: S102 - the stub above

    assert namespace["f"].__doc__ == 'Ends in a "quote"'
