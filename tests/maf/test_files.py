"""Files go in and come out as contents."""

from pathlib import Path

import httpx
import pytest
from agent_framework import Agent, Content, Message

from dynamic_sessions import AsyncSessionPool, NotFoundError
from dynamic_sessions.testing import ScriptedExecution, ScriptedService
from maf_dynamic_sessions import (
    DynamicSessionsCodeActProvider,
    DynamicSessionsTool,
    content_bytes,
    download_content,
    files,
    upload_content,
)

from .scripted_model import ScriptedModel, code, say

SALES = b"region,total\nnorth,42\n"


def attachment(name: str) -> Content:
    return Content.from_data(SALES, "text/csv", additional_properties={"filename": name})


async def test_an_attachment_is_where_the_code_looks_for_it(
    local_provider: DynamicSessionsCodeActProvider,
) -> None:
    model = ScriptedModel([code("open('data/sales.csv').read()")], say("42"))
    agent = Agent(model, context_providers=[local_provider])
    message = Message("user", [Content.from_text("Total?"), attachment("data/sales.csv")])

    await agent.run(message, session=agent.create_session())

    (result,) = model.read_results
    assert result.result == SALES.decode()
    asked = model.requests[0][-1]
    assert [item.text for item in asked.contents] == [
        "Total?",
        "[file in the session: data/sales.csv]",
    ]
    assert [item.type for item in message.contents] == ["text", "data"]


async def test_a_picture_is_a_file_and_stays_a_picture(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    model = ScriptedModel(say("A cat."))
    provider = DynamicSessionsCodeActProvider(session_pool=session_pool)
    agent = Agent(model, context_providers=[provider])
    named = Content.from_data(b"P", "image/png", additional_properties={"filename": "cat.png"})
    nameless = Content.from_data(b"Q", "image/png")

    await agent.run(Message("user", [named, nameless]), session=agent.create_session())

    (session,) = service.sessions.values()
    assert session.files == {"cat.png": b"P"}
    asked = model.requests[0][-1]
    assert [item.type for item in asked.contents] == ["data", "text", "data"]
    assert [content_bytes(item) for item in (named, nameless)] == [b"P", b"Q"]


async def test_attachments_stay_outside_where_that_is_asked_for(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    provider = DynamicSessionsCodeActProvider(session_pool=session_pool, upload_attachments=False)
    agent = Agent(ScriptedModel(say("Fine.")), context_providers=[provider])

    await agent.run(Message("user", [attachment("sales.csv")]), session=agent.create_session())

    assert service.requests == []


@pytest.mark.parametrize("name", ["../sales.csv", "/etc/passwd", "a//b", "a\nb"])
async def test_a_name_that_leads_elsewhere_is_refused(
    session_pool: AsyncSessionPool, service: ScriptedService, name: str
) -> None:
    session = session_pool.session()

    with pytest.raises(ValueError, match="not a file's name"):
        await upload_content(session, attachment(name))

    assert service.requests == []


async def test_contents_go_in_and_out_unchanged(session_pool: AsyncSessionPool) -> None:
    session = session_pool.session()
    data = bytes(range(256))

    await upload_content(session, Content.from_data(data, "image/png"), name="a#?.png")
    await upload_content(session, Content.from_uri("data:text/plain,a%2Cb"), name="plain.txt")
    image = await download_content(session, "a#?.png")
    text = await download_content(session, "/mnt/data/plain.txt")

    assert await session.files.read("a#?.png") == data
    assert await session.files.read("plain.txt") == b"a,b"
    assert (image.type, image.media_type) == ("data", "image/png")
    assert image.additional_properties == {"filename": "a#?.png", "path": "/mnt/data/a#?.png"}
    assert text.additional_properties["filename"] == "plain.txt"


async def test_what_holds_no_data_is_no_file(session_pool: AsyncSessionPool) -> None:
    session = session_pool.session()

    with pytest.raises(ValueError, match="no data"):
        await upload_content(session, Content.from_text("text"), name="a.txt")
    with pytest.raises(ValueError, match="name="):
        await upload_content(session, Content.from_data(b"", "text/plain"))
    with pytest.raises(ValueError, match="base64"):
        content_bytes(Content("data", uri="data:text/plain;base64,a", media_type="text/plain"))
    with pytest.raises(NotFoundError):
        await download_content(session, "missing")


async def test_files_that_a_run_made_come_back() -> None:
    async with DynamicSessionsTool("local", return_files=True) as tool:
        await tool.invoke(arguments={"code": "open('old.txt', 'w').write('old')"})
        contents = await tool.invoke(
            arguments={
                "code": "import os; os.makedirs('out')\n"
                "for name in ('out/a.csv', 'b.bin'): open(name, 'w').write(name)"
            }
        )

    text, *made = contents
    assert text.text == "[file: b.bin]\n[file: out/a.csv]"
    assert [item.additional_properties["filename"] for item in made] == ["b.bin", "out/a.csv"]
    assert [item.media_type for item in made] == ["application/octet-stream", "text/csv"]


async def test_files_that_are_too_large_are_named_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 3)
    async with DynamicSessionsTool("local", return_files=True) as tool:
        (text,) = await tool.invoke(arguments={"code": "n = open('large', 'w').write('large')"})

    assert str(text.text).startswith("[file: large]\n")
    assert "too large" in str(text.text)


async def test_files_that_cannot_be_listed_cost_no_result(service: ScriptedService) -> None:
    service.script["1"] = ScriptedExecution(result=1)

    def unlistable(request: httpx.Request) -> httpx.Response:
        is_listing = request.method == "GET" and "files" in request.url.path
        return httpx.Response(403) if is_listing and service.code else service(request)

    transport = httpx.MockTransport(unlistable)
    async with AsyncSessionPool("https://pool.test", "token", transport=transport) as pool:
        tool = DynamicSessionsTool(session_pool=pool, return_files=True)
        (text,) = await tool.invoke(arguments={"code": "1"})

    assert text.text == "1\n[the files could not be fetched]"


async def test_no_listing_is_paid_for_without_need(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    await DynamicSessionsTool(session_pool=session_pool).invoke(arguments={"code": "1"})

    assert not [request for request in service.requests if "files" in request.url.path]


async def test_nothing_is_written_on_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with DynamicSessionsTool("local", return_files=True) as tool:
        await tool.invoke(arguments={"code": "open('made', 'w').write('x')"})

    assert list(tmp_path.iterdir()) == []
