"""AutoGen's kinds of function, injected into real sessions and described in prompts."""

import functools
import json
import math as mathematics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from autogen_core import CancellationToken
from autogen_core.code_executor import (
    Alias,
    CodeBlock,
    FunctionWithRequirements,
    ImportFromModule,
    with_requirements,
)

import dynamic_sessions
from autogen_ext_dynamic_sessions import ACADynamicSessionsCodeExecutor, InvalidFunctionError
from autogen_ext_dynamic_sessions.functions import AutoGenFunction
from dynamic_sessions import FunctionSourceError, MissingPackagesError

if TYPE_CHECKING:
    # What required() declares is not imported here: it exists in the session alone.
    import collections as c  # noqa: TC004
    import string  # noqa: TC004
    from textwrap import dedent  # noqa: TC004
    from textwrap import indent as shift  # noqa: TC004

Executor = ACADynamicSessionsCodeExecutor


def add(a: int, b: int = 2) -> int:
    """Add two numbers.

    Args:
        a: The first.
    """
    return a + b


async def fetch(url: str = "x") -> str:
    return url


@with_requirements(
    python_packages=["packaging"],
    global_imports=[
        "string",
        Alias("collections", "c"),
        ImportFromModule("textwrap", ["dedent", Alias("indent", "shift")]),
    ],
)
def required(text: str) -> str:
    """Use all that was required."""
    counted = c.Counter(text)
    return shift(dedent(f" {len(counted)}"), string.digits)


def helped(text: str) -> str:
    return required(text) + str(mathematics.floor(1.5))


def area(radius: float) -> float:
    return mathematics.pi * radius * radius


from_callable: AutoGenFunction = FunctionWithRequirements[float, Any].from_callable(
    area, python_packages=["packaging>=20"], global_imports=["json"]
)


@dataclass
class Box:
    """Hold something."""

    content: int = 1


def fill(box: Box, by: int = 1) -> Box:
    """Fill it."""
    return Box(box.content + by)


partly_required = functools.partial(
    FunctionWithRequirements[float, Any].from_callable(area, python_packages=["packaging>=20"]), 2
)

from_text = FunctionWithRequirements.from_str(
    "def shout(text: str) -> str:\n    '''Shout.'''\n    return json.dumps(text.upper())\n",
    python_packages=["Packaging"],
    global_imports=["json"],
)


async def output_of(code: str, *functions: AutoGenFunction) -> str:
    async with Executor("local", functions=functions) as executor:
        result = await executor.execute_code_blocks(
            [CodeBlock(code=code, language="python")], CancellationToken()
        )
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize(
    ("function", "code", "expected"),
    [
        (add, "add(1)", "3"),
        (fetch, "await fetch('y')", "y"),
        (required, "required('aab')", "01234567892"),
        (helped, "helped('aab')", "012345678921"),
        (from_callable, "area(2) > 12", "True"),
        (partly_required, "area() > 12", "True"),
        (functools.partial(required, "aab"), "required()", "01234567892"),
        (Box, "Box(2)", "Box(content=2)"),
        (fill, "fill(Box(2))", "Box(content=3)"),
        (functools.partial(fill, by=5), "fill(Box(2))", "Box(content=7)"),
        (from_text, "shout('hi')", '"HI"'),
        ("from os.path import join\ndef path(): return join('a', 'b')", "path()", "a/b"),
        (dynamic_sessions.with_requirements(packages=["packaging"])(add), "add(1)", "3"),
    ],
)
async def test_each_kind_of_function_can_be_called_in_the_session(
    function: AutoGenFunction, code: str, expected: str
) -> None:
    assert (await output_of(code, function)).rstrip("\n").replace("'", "") == expected


async def test_functions_can_be_imported_from_their_module() -> None:
    async with Executor("local", functions=[add], functions_module="toolbox") as executor:
        code = f"from {executor.functions_module} import add as plus\nplus(20, 22)"
        result = await executor.execute_code_blocks(
            [CodeBlock(code=code, language="python")], CancellationToken()
        )

    assert result.output == "42"


async def test_a_traceback_shows_lines_of_the_injected_function() -> None:
    failing = "def failing():\n    count = 3\n    return count / 0  # the very line\n"
    async with Executor("local", functions=[failing]) as executor:
        result = await executor.execute_code_blocks(
            [CodeBlock(code="failing()", language="python")], CancellationToken()
        )

    assert result.exit_code == 1
    assert "# the very line" in result.output


@with_requirements(python_packages=["packaging<1"])
@dynamic_sessions.with_requirements(packages=["numpy<1"])
def required_twice() -> int:
    return 1


def test_requirements_of_both_kinds_add_up() -> None:
    executor = Executor("local", functions=[required_twice])

    assert executor.dump_component().config["functions"][0]["packages"] == [
        "numpy<1",
        "packaging<1",
    ]


def needing(packages: list[str]) -> AutoGenFunction:
    return FunctionWithRequirements[float, Any].from_callable(area, python_packages=packages)


def needing_as_text(packages: list[str]) -> AutoGenFunction:
    return FunctionWithRequirements.from_str("def f(): pass", python_packages=packages)


@pytest.mark.parametrize(
    "function",
    [
        needing(["no-such-package-at-all"]),
        needing_as_text(["no-such-package-at-all"]),
        needing(["numpy<0.1"]),
        FunctionWithRequirements[float, Any].from_callable(area, global_imports=["no_such_module"]),
    ],
)
async def test_what_the_session_lacks_is_told_at_every_attempt(
    function: AutoGenFunction, token: CancellationToken
) -> None:
    blocks = [CodeBlock(code="print('ran all the same')", language="python")]
    executor = Executor("local", functions=[function])
    execute = functools.partial(executor.execute_code_blocks, blocks, token)
    for attempt in (executor.start, execute, execute):
        with pytest.raises(ValueError, match=r"no-such|numpy|no_such") as caught:
            await attempt()
        assert isinstance(caught.value, InvalidFunctionError)
        assert isinstance(caught.value.__cause__, MissingPackagesError)
    await executor.stop()


@pytest.mark.parametrize("packages", [["numpy>=1"], ["NumPy"], ["typing.extensions>=4"]])
async def test_versions_and_spellings_of_packages_are_understood(packages: list[str]) -> None:
    assert await output_of("area(1) > 3", needing(packages)) == "True"


async def test_packages_are_listed_at_any_time_and_without_setuptools(
    local_executor: Executor, token: CancellationToken
) -> None:
    hide = CodeBlock(code="import sys; sys.modules['pkg_resources'] = None", language="python")

    first = await local_executor.get_available_packages(token)
    await local_executor.execute_code_blocks([hide], token)

    assert "numpy" in first
    assert await local_executor.get_available_packages(token) == first


def test_a_function_that_cannot_travel_is_a_value_error_at_construction() -> None:
    with pytest.raises(ValueError, match="lambda") as caught:
        Executor("local", functions=[lambda: 1])

    assert isinstance(caught.value.__cause__, FunctionSourceError)


def test_functions_are_named() -> None:
    executor = Executor("local", functions=[add, required, from_text, from_callable])

    assert executor.functions == ["add", "required", "shout", "area"]
    assert executor.functions_module == "functions"


def test_the_prompt_has_autogens_words_and_our_stubs() -> None:
    executor = Executor("local", functions=[add, fetch, from_text, from_callable])

    assert executor.format_functions_for_prompt() == (
        "You have access to the following user defined functions.\n"
        "\n"
        "from functions import add, fetch, shout, area\n"
        "\n"
        "def add(a: int, b: int = 2) -> int:\n"
        '    """Add two numbers.\n'
        "\n"
        "    Args:\n"
        "        a: The first.\n"
        '    """\n'
        "    ...\n"
        "\n"
        'async def fetch(url: str = "x") -> str:\n'
        "    ...\n"
        "\n"
        "def shout(text: str) -> str:\n"
        '    """Shout."""\n'
        "    ...\n"
        "\n"
        "def area(radius: float) -> float:\n"
        "    ..."
    )


@pytest.mark.parametrize(
    ("template", "prompt"),
    [
        ("It costs $5:\n$functions", "It costs $5:\n{}"),
        ("It costs $$5:\n$functions", "It costs $5:\n{}"),
        ("{functions} {other} $other", "{} {{other}} $other"),
        ("nothing", "nothing"),
    ],
)
def test_a_template_of_either_kind_survives_its_dollars(template: str, prompt: str) -> None:
    executor = Executor("local", functions=["def f(): pass"])

    assert executor.format_functions_for_prompt(template) == prompt.format(
        "from functions import f\n\ndef f():\n    ..."
    )


async def test_a_configuration_brings_types_and_annotations_along(
    token: CancellationToken,
) -> None:
    config = Executor("local", functions=[fill, partly_required]).dump_component()

    async with Executor.load_component(config) as executor:
        result = await executor.execute_code_blocks(
            [CodeBlock(code="fill(Box(2)), round(area())", language="python")], token
        )
        described = executor.format_functions_for_prompt()

    assert result.output == "(Box(content=3), 13)"
    assert "class Box:" in described
    assert "from functions import fill, area, Box" in described


def test_decorators_of_autogen_do_not_travel() -> None:
    executor = Executor("local", functions=[required])
    (function,) = executor.dump_component().config["functions"]

    assert function["source"].startswith("def required")
    assert json.dumps(function["imports"]) == json.dumps(
        [
            "from textwrap import dedent",
            "from textwrap import indent as shift",
            "import collections as c",
            "import string",
        ]
    )
