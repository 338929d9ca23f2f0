"""The tools as LlamaIndex makes them: what models are told, and what they get back."""

import asyncio
import inspect
from pathlib import Path

import pytest
from llama_index.core.base.llms.types import ImageBlock, TextBlock
from llama_index.core.tools import FunctionTool, ToolMetadata
from llama_index.core.tools.tool_spec.base import BaseToolSpec

from dynamic_sessions import AsyncSessionPool, Image, SessionPool
from dynamic_sessions.testing import ScriptedExecution, ScriptedService
from llama_index.tools.dynamic_sessions import (
    AzureCodeInterpreterToolSpec,
    DynamicSessionsToolSpec,
)

Spec = DynamicSessionsToolSpec

PNG = b"\x89PNG\r\n\x1a\n rest of a picture"


def load_sales(region: str) -> list[int]:
    """Load the monthly sales of a region."""
    return {"north": [3, 4, 5], "south": [1, 2, 3]}[region]


def tool_named(name: str, spec: Spec) -> FunctionTool:
    return next(tool for tool in spec.to_tool_list() if tool.metadata.name == name)


def arguments_of(tool: FunctionTool) -> dict[str, str | None]:
    """Return the arguments that a model may pass, with their descriptions."""
    assert tool.metadata.fn_schema is not None
    return {name: field.description for name, field in tool.metadata.fn_schema.model_fields.items()}


def texts(blocks: list[TextBlock | ImageBlock]) -> list[str]:
    return [block.text for block in blocks if isinstance(block, TextBlock)]


def test_it_is_a_tool_spec_with_these_tools() -> None:
    assert issubclass(Spec, BaseToolSpec)
    assert [tool.metadata.name for tool in Spec("local").to_tool_list()] == [
        *("execute", "list_files", "read_file", "write_file"),
    ]
    assert [
        tool.metadata.name for tool in AzureCodeInterpreterToolSpec("local").to_tool_list()
    ] == [
        *("code_interpreter", "list_files", "read_file", "write_file"),
    ]


@pytest.mark.parametrize("kind", [Spec, AzureCodeInterpreterToolSpec])
def test_a_model_may_choose_nothing_but_code_content_and_names_in_the_session(
    kind: type[Spec],
) -> None:
    arguments = {
        tool.metadata.get_name(): set(arguments_of(tool)) for tool in kind("local").to_tool_list()
    }
    code = arguments.pop("execute", None) or arguments.pop("code_interpreter")

    assert code in ({"code"}, {"python_code"})
    assert arguments == {
        "list_files": {"directory"},
        "read_file": {"name"},
        "write_file": {"name", "content"},
    }


@pytest.mark.parametrize("kind", [Spec, AzureCodeInterpreterToolSpec])
def test_every_argument_is_described_and_the_name_of_the_class_is_not(kind: type[Spec]) -> None:
    for tool in kind("local").to_tool_list():
        assert all(arguments_of(tool).values())
        assert "self" not in tool.metadata.description


@pytest.mark.parametrize("count", [0, 1, 10, 200])
def test_descriptions_stay_under_the_limit_of_openai_whatever_is_injected(count: int) -> None:
    functions = [
        f"def function_{number}(amount: float) -> float:\n    '''{'Long. ' * 30}'''\n    return 1.0"
        for number in range(count)
    ]
    tools = Spec("local", functions=functions).to_tool_list()

    for tool in tools:
        tool.metadata.to_openai_tool()
    assert ("function_0" in tools[0].metadata.description) == (count > 0)


def test_the_tool_that_runs_code_describes_the_injected_functions() -> None:
    description = tool_named("execute", Spec("local", functions=[load_sales])).metadata.description

    assert "def load_sales(region: str) -> list[int]:" in description
    assert "Load the monthly sales" in description
    assert "from functions import load_sales" in description


def test_where_stubs_find_no_room_names_do() -> None:
    functions = [f"def a_{number}({'x' * 300}: int) -> None: ..." for number in range(200)]
    description = Spec("local", functions=functions).to_tool_list()[0].metadata.description

    assert "a_0, a_1, a_2" in description
    assert description.endswith("more.")


def test_the_time_limit_is_told() -> None:
    assert "30 seconds" in tool_named("execute", Spec("local", timeout=30)).metadata.description


def test_a_program_may_describe_tools_itself_under_either_methods_name() -> None:
    own = ToolMetadata(name="python", description="Run Python.")
    for method in ("execute", "aexecute"):
        tools = Spec("local").to_tool_list(func_to_metadata_mapping={method: own})
        assert [tool.metadata.name for tool in tools][:2] == ["python", "list_files"]


def test_a_program_may_choose_tools_by_name() -> None:
    tools = Spec("local").to_tool_list(["execute", ("read_file", "aread_file"), "awrite_file"])

    assert [tool.metadata.name for tool in tools] == ["execute", "read_file", "write_file"]


def test_a_synchronous_call_shows_output_value_and_errors(local: Spec) -> None:
    tool = tool_named("execute", local)

    assert tool(code="print('computing'); 6 * 7").content == "computing\n42"
    assert "ZeroDivisionError" in tool(code="1 / 0").content
    assert tool(code="x = 1").content == "The code ran to its end, without output."


async def test_an_asynchronous_call_shows_the_same(local_async: Spec) -> None:
    tool = tool_named("execute", local_async)

    assert (await tool.acall(code="print('computing'); 6 * 7")).content == "computing\n42"
    assert "ZeroDivisionError" in (await tool.acall(code="1 / 0")).content


async def test_both_kinds_of_call_share_the_session(local_async: Spec) -> None:
    await local_async.aexecute("x = 41")
    blocks = await asyncio.to_thread(local_async.execute, "x + 1")

    assert texts(blocks) == ["42"]


async def test_asynchronous_tools_are_coroutine_functions_and_not_run_in_threads() -> None:
    for tool in Spec("local").to_tool_list():
        assert tool.async_fn.__name__ == f"a{tool.metadata.name}"
        assert inspect.iscoroutinefunction(tool.async_fn)


def test_a_picture_comes_back_as_a_block(local: Spec) -> None:
    output = tool_named("execute", local)(
        code="import matplotlib.pyplot as plt; plt.plot([1, 2]); plt.show()"
    )

    text, picture = output.blocks
    assert isinstance(text, TextBlock)
    assert text.text == "[image: image/png]"
    assert isinstance(picture, ImageBlock)
    assert picture.image_mimetype == "image/png"
    assert picture.resolve_image().read(8) == b"\x89PNG\r\n\x1a\n"


def test_injected_functions_can_be_called() -> None:
    with Spec("local", functions=[load_sales]) as spec:
        assert texts(spec.execute("sum(load_sales('north'))")) == ["12"]
        assert texts(spec.execute("from functions import load_sales as f; f('south')")) == [
            "[1, 2, 3]"
        ]


async def fetch(number: int) -> int:
    """Fetch a number."""
    return number


async def test_injected_coroutine_functions_are_described_as_such_and_can_be_awaited() -> None:
    async with Spec("local", functions=[fetch]) as spec:
        assert (
            "async def fetch(number: int) -> int:"
            in tool_named("execute", spec).metadata.description
        )
        assert texts(await spec.aexecute("await fetch(42)")) == ["42"]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("```python\n6 * 7\n```", "6 * 7"),
        ("python_version = 3", "python_version = 3"),
        ("`6 * 7`", "6 * 7"),
        ("    if True:\n        x = 1\n    y = 2", "if True:\n    x = 1\ny = 2"),
        ("x = '`'", "x = '`'"),
    ],
)
async def test_only_the_wrapping_of_code_is_taken_off(
    given: str, sent: str, session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    spec = Spec(session_pool=session_pool)
    await spec.aexecute(given)

    assert service.sessions[spec.session_id].executed[-1] == sent


async def test_code_goes_as_it_is_where_a_program_wants_that(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    spec = Spec(session_pool=session_pool, sanitize_input=False)
    await spec.aexecute("`6`")

    assert service.sessions[spec.session_id].executed[-1] == "`6`"


@pytest.mark.parametrize(
    "image",
    [Image(data=b"<svg xmlns='...'/>", format="svg+xml"), Image(data=b"no picture", format="png")],
)
async def test_a_picture_that_would_spoil_the_conversation_is_only_named(
    image: Image, session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    service.script["show()"] = ScriptedExecution(result=image)
    blocks = await Spec(session_pool=session_pool).aexecute("show()")

    assert blocks == [TextBlock(text=f"[image: {image.mime_type}]")]


async def test_pictures_are_kept_under_names_that_no_code_chose(
    session_pool: AsyncSessionPool, service: ScriptedService, tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    spec = Spec(session_pool=session_pool, local_save_path=folder, session_id="../../evil")
    service.script["a"] = ScriptedExecution(result=Image(data=PNG))
    service.script["b"] = ScriptedExecution(result=Image(data=PNG, format="x/../../../evil"))
    for code in ("a", "a", "b"):
        await spec.aexecute(code)

    assert [path.parent for path in spec.saved_images] == [folder] * 3
    assert len(set(spec.saved_images)) == 3
    assert [path.suffix for path in spec.saved_images] == [".png", ".png", ".image"]
    assert all(path.read_bytes() == PNG for path in spec.saved_images)
    assert [path.name for path in tmp_path.rglob("*evil*")] == []


def test_a_folder_for_pictures_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError, match="missing"):
        Spec("local", local_save_path=tmp_path / "missing")


def test_a_synchronous_pool_serves_synchronous_tools() -> None:
    with SessionPool("local") as pool:
        spec = Spec(session_pool=pool)
        assert texts(spec.execute("6 * 7")) == ["42"]
        spec.close()


async def test_a_pool_of_one_kind_says_so_to_calls_of_the_other(
    session_pool: AsyncSessionPool,
) -> None:
    with pytest.raises(TypeError, match="AsyncSessionPool"):
        Spec(session_pool=session_pool).execute("1")


def test_code_is_stopped_at_the_time_limit() -> None:
    with Spec("local", timeout=1) as spec:
        assert "time limit" in texts(spec.execute("while True: pass"))[0]
