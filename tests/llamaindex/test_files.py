"""Files of the session as tools: read, written, listed, and confined to the session."""

from pathlib import Path

import pytest
from llama_index.core.base.llms.types import ImageBlock, TextBlock

from dynamic_sessions import AsyncSessionPool, NotFoundError
from dynamic_sessions.testing import ScriptedService, ScriptedSession
from llama_index.tools.dynamic_sessions import DynamicSessionsToolSpec, FileListing
from llama_index.tools.dynamic_sessions.tool_spec import READABLE_BYTES

Spec = DynamicSessionsToolSpec


@pytest.fixture
def spec(session_pool: AsyncSessionPool, service: ScriptedService) -> Spec:
    service.sessions["files"] = ScriptedSession(
        files={"sales.csv": b"region,total\nnorth,42\n", "chart.png": b"\x89PNG\r\n\x1a\n..."}
    )
    return Spec(session_pool=session_pool, session_id="files")


def test_what_is_written_is_where_code_looks_for_it(local: Spec) -> None:
    told = local.write_file("data/sales.csv", "region,total\nnorth,42\n")
    (block,) = local.execute("import pandas; int(pandas.read_csv('data/sales.csv').total[0])")

    assert told == "Wrote 22 bytes to data/sales.csv."
    assert isinstance(block, TextBlock)
    assert block.text == "42"


async def test_what_code_writes_can_be_listed_and_read(local_async: Spec) -> None:
    await local_async.aexecute("open('größe.txt', 'w').write('é')")

    assert str(await local_async.alist_files()) == "größe.txt (2 bytes)"
    assert await local_async.aread_file("größe.txt") == [TextBlock(text="é")]


def test_synchronous_calls_do_the_same(local: Spec) -> None:
    local.write_file("a.txt", "abc")

    assert [file.name for file in local.list_files()] == ["a.txt"]
    assert local.read_file("/mnt/data/a.txt") == [TextBlock(text="abc")]


async def test_a_listing_is_a_text_for_models_and_entries_for_programs(spec: Spec) -> None:
    tool = spec.to_tool_list(["alist_files"])[0]
    output = await tool.acall()

    assert output.content == "sales.csv (22 bytes)\nchart.png (11 bytes)"
    assert [file.size for file in await spec.alist_files()] == [22, 11]


async def test_an_empty_directory_is_told_as_such(session_pool: AsyncSessionPool) -> None:
    tool = Spec(session_pool=session_pool).to_tool_list(["alist_files"])[0]

    assert (await tool.acall()).content == "There are no files."
    assert str(FileListing(())) == "There are no files."


async def test_a_picture_is_read_as_a_picture(spec: Spec) -> None:
    text, picture = await spec.aread_file("chart.png")

    assert isinstance(text, TextBlock)
    assert text.text == "[image: image/png]"
    assert isinstance(picture, ImageBlock)
    assert picture.image_mimetype == "image/png"


async def test_a_text_that_poses_as_a_picture_is_read_as_a_text(
    spec: Spec, service: ScriptedService
) -> None:
    service.sessions["files"].files["fake.png"] = b"not a picture"

    assert await spec.aread_file("fake.png") == [TextBlock(text="not a picture")]


async def test_a_long_text_is_shortened(spec: Spec, service: ScriptedService) -> None:
    service.sessions["files"].files["long.txt"] = b"x" * 1_000_000
    (block,) = await spec.aread_file("long.txt")

    assert isinstance(block, TextBlock)
    assert len(block.text) <= 20_000


async def test_a_file_that_would_fill_this_machines_memory_is_refused(
    spec: Spec, service: ScriptedService
) -> None:
    service.sessions["files"].files["huge.bin"] = bytes(READABLE_BYTES + 1)

    with pytest.raises(ValueError, match="more than 10,485,760 bytes"):
        await spec.aread_file("huge.bin")


@pytest.mark.parametrize("name", ["../../listSessions", "/etc/passwd", "", "a/../../b", "a\nb"])
async def test_names_that_lead_out_are_refused_before_anything_is_sent(
    name: str, spec: Spec, service: ScriptedService
) -> None:
    with pytest.raises(ValueError, match="name"):
        await spec.aread_file(name)
    with pytest.raises(ValueError, match="name"):
        await spec.awrite_file(name, "text")

    assert not service.requests


@pytest.mark.parametrize("name", ["a#b.txt", "a?b&identifier=zzz.txt", "a%2Fb.txt", "a b.txt"])
async def test_a_name_is_a_name_whatever_is_in_it(
    name: str, spec: Spec, service: ScriptedService
) -> None:
    await spec.awrite_file(name, "text")

    assert await spec.aread_file(name) == [TextBlock(text="text")]
    assert service.sessions["files"].files[name] == b"text"
    assert list(service.sessions) == ["files"]


async def test_a_missing_file_is_an_error(spec: Spec) -> None:
    with pytest.raises(NotFoundError):
        await spec.aread_file("missing.txt")


async def test_nothing_is_written_on_this_machine(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    await spec.awrite_file("a.txt", "text")
    await spec.aread_file("sales.csv")

    assert list(tmp_path.iterdir()) == []
