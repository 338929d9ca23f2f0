"""What holds for a client over every transport, on real kernels."""

import base64

import anyio

from dynamic_sessions_local import LocalSessionPool

from .connecting import Connect, data_of, eventually, images_of, sessions_of, text_of

NAMES = ["run_python", "reset_session", "list_files", "read_file", "write_file"]
ENDLESS = "open('begun', 'w').close()\nwhile True: pass"
PLOT = "import matplotlib.pyplot as plt; plt.plot([1, 2, 4]); None"


async def test_tools_say_what_they_do_and_what_hosts_should_know(connect: Connect) -> None:
    async with connect() as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert client.server_info is not None
        assert client.server_info.name == "dynamic-sessions"
    assert list(tools) == NAMES
    hints = {name: tool.annotations for name, tool in tools.items() if tool.annotations}
    assert [name for name, hint in hints.items() if hint.read_only_hint] == [
        "list_files",
        "read_file",
    ]
    assert [name for name, hint in hints.items() if hint.open_world_hint] == ["run_python"]
    for tool in tools.values():
        assert tool.title
        assert tool.description
        assert tool.input_schema["additionalProperties"] is False


async def test_variables_and_files_live_on_from_call_to_call(connect: Connect) -> None:
    async with connect() as client:
        first = await client.call_tool(
            "run_python", {"code": "x = 40; open('note.txt', 'w').write('hello'); print('out')"}
        )
        second = await client.call_tool("run_python", {"code": "x + 2"})
        third = await client.call_tool("read_file", {"name": "note.txt"})
    assert (text_of(first), first.is_error) == ("out\n", False)
    assert (text_of(second), data_of(second)["result"]) == ("42", 42)
    assert (text_of(third), data_of(third)["size"]) == ("hello", 5)


async def test_a_picture_is_image_content(connect: Connect) -> None:
    async with connect() as client:
        run = await client.call_tool("run_python", {"code": PLOT})
    (image,) = images_of(run)
    assert image.mime_type == "image/png"
    assert base64.b64decode(image.data).startswith(b"\x89PNG")
    assert data_of(run)["images"] == 1
    assert image.data[:100] not in text_of(run)


async def test_code_that_fails_is_an_error_that_a_model_can_read(connect: Connect) -> None:
    async with connect() as client:
        run = await client.call_tool("run_python", {"code": "print('before')\n1 / 0"})
    assert run.is_error
    assert "before" in text_of(run)
    assert "ZeroDivisionError: division by zero" in text_of(run)
    if run.structured_content is not None:
        assert data_of(run)["status"] == "failed"


async def test_code_at_its_time_limit_is_stopped_and_said_to_be(connect: Connect) -> None:
    async with connect() as client:
        run = await client.call_tool(
            "run_python", {"code": "while True: pass", "timeout_seconds": 1}
        )
        after = await client.call_tool("run_python", {"code": "'still here'"})
    assert run.is_error
    assert "time limit" in text_of(run)
    assert text_of(after).startswith("still here")


async def test_each_client_has_a_session_of_its_own(connect: Connect) -> None:
    async with connect() as one, connect() as other:
        await one.call_tool("run_python", {"code": "private = 42"})
        seen = await other.call_tool("run_python", {"code": "private"})
        kept = await one.call_tool("run_python", {"code": "private"})
    assert "NameError" in text_of(seen)
    assert text_of(kept) == "42"


async def test_a_client_that_leaves_leaves_no_session(
    connect: Connect, pool: LocalSessionPool
) -> None:
    before = await sessions_of(pool)
    async with connect() as client:
        await client.call_tool("run_python", {"code": "1"})
        assert len(await sessions_of(pool)) == len(before) + 1

    async def is_gone() -> bool:
        return await sessions_of(pool) == before

    await eventually(is_gone)


async def test_a_reset_begins_anew(connect: Connect) -> None:
    async with connect() as client:
        await client.call_tool("run_python", {"code": "x = 1; open('f', 'w').close()"})
        reset = await client.call_tool("reset_session", {})
        gone = await client.call_tool("run_python", {"code": "x"})
        files = await client.call_tool("list_files", {})
    assert not reset.is_error
    assert "NameError" in text_of(gone)
    assert data_of(files) == {"files": []}


async def test_a_call_that_is_cancelled_stops_its_code(
    connect: Connect, pool: LocalSessionPool
) -> None:
    before = await sessions_of(pool)
    async with connect() as client:

        async def has_begun() -> bool:
            return "begun" in text_of(await client.call_tool("list_files", {}))

        async def is_stopped() -> bool:
            return await sessions_of(pool) == before

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.call_tool, "run_python", {"code": ENDLESS})
            await eventually(has_begun)
            tasks.cancel_scope.cancel()
        await eventually(is_stopped)
        after = await client.call_tool("run_python", {"code": "'free'"})
    assert text_of(after).startswith("free")
    assert data_of(after)["session_recycled"] is True


async def test_the_files_are_resources(connect: Connect) -> None:
    async with connect() as client:
        assert (await client.list_resources()).resources == []
        await client.call_tool("write_file", {"name": "a b/ü.txt", "content": "text"})
        (resource,) = (await client.list_resources()).resources
        (contents,) = (await client.read_resource(resource.uri)).contents
        (template,) = (await client.list_resource_templates()).resource_templates
    assert (resource.name, resource.size, resource.mime_type) == ("a b/ü.txt", 4, "text/plain")
    assert resource.uri == "session:///a%20b/%C3%BC.txt"
    assert getattr(contents, "text", None) == "text"
    assert template.uri_template == "session:///{+path}"
