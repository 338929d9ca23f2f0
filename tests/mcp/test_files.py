"""The session's files, as tools and as resources, on real kernels."""

import base64
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS, BlobResourceContents, TextResourceContents

from dynamic_sessions import AsyncSessionPool
from dynamic_sessions.testing import ScriptedService
from dynamic_sessions_local import LocalSessionPool
from dynamic_sessions_mcp import ServerSettings, create_server

from .connecting import data_of, images_of, text_of

PNG = b"\x89PNG\r\n\x1a\nrest"


@asynccontextmanager
async def connected(
    pool: LocalSessionPool, settings: ServerSettings | None = None
) -> AsyncGenerator[Client]:
    server = create_server(pool.endpoint, pool.credential, settings=settings)
    async with Client(server, raise_exceptions=True) as client:
        yield client


async def test_a_long_file_is_read_in_parts(pool: LocalSessionPool) -> None:
    text = "".join(f"line {number}\n" for number in range(100))
    async with connected(pool, ServerSettings(output_limit=300)) as client:
        await client.call_tool("write_file", {"name": "long.txt", "content": text})
        parts: list[str] = []
        offset: object = 0
        while offset is not None:
            part = await client.call_tool("read_file", {"name": "long.txt", "offset": offset})
            parts.append(str(data_of(part)["text"]))
            offset = data_of(part)["next_offset"]
            assert offset is None or f"go on with offset={offset}" in text_of(part)
        beyond = await client.call_tool("read_file", {"name": "long.txt", "offset": 10_000})
    assert "".join(parts) == text
    assert len(parts) == 3
    assert "nothing at this offset" in text_of(beyond)


async def test_a_picture_is_seen_whatever_it_is_called(pool: LocalSessionPool) -> None:
    async with connected(pool) as client:
        content = base64.b64encode(PNG).decode()
        await client.call_tool(
            "write_file", {"name": "chart.dat", "content": content, "encoding": "base64"}
        )
        read = await client.call_tool("read_file", {"name": "/mnt/data/chart.dat"})
    (image,) = images_of(read)
    assert (image.mime_type, base64.b64decode(image.data)) == ("image/png", PNG)


async def test_what_is_neither_text_nor_picture_is_left_to_code(pool: LocalSessionPool) -> None:
    async with connected(pool) as client:
        await client.call_tool("run_python", {"code": "open('x.png', 'wb').write(b'\\xff\\x00')"})
        read = await client.call_tool("read_file", {"name": "x.png"})
    assert read.is_error
    assert "not a text file" in text_of(read)
    assert images_of(read) == []


async def test_a_file_over_the_limit_is_not_fetched(pool: LocalSessionPool) -> None:
    async with connected(pool, ServerSettings(file_limit=1000)) as client:
        await client.call_tool("run_python", {"code": "open('big', 'w').write('x' * 1001)"})
        read = await client.call_tool("read_file", {"name": "big"})
        assert read.is_error
        assert "more than 1,000 bytes. Open it by code" in text_of(read)
        with pytest.raises(MCPError, match="more than 1,000 bytes"):
            await client.read_resource("session:///big")


async def test_files_are_listed_with_those_in_directories(pool: LocalSessionPool) -> None:
    async with connected(pool) as client:
        empty = await client.call_tool("list_files", {})
        for name in ("top.txt", "a/b/deep.txt"):
            await client.call_tool("write_file", {"name": name, "content": "12"})
        everything = await client.call_tool("list_files", {})
        below = await client.call_tool("list_files", {"directory": "a"})
    assert text_of(empty) == "There are no files."
    assert {"a/", "a/b/", "a/b/deep.txt (2 bytes)", "top.txt (2 bytes)"} == set(
        text_of(everything).splitlines()
    )
    assert "top.txt" not in text_of(below)
    assert "a/b/deep.txt (2 bytes)" in text_of(below)


async def test_a_resource_is_text_or_bytes(pool: LocalSessionPool) -> None:
    async with connected(pool) as client:
        await client.call_tool(
            "run_python",
            {"code": "open('t.csv', 'w').write('a,b'); open('b', 'wb').write(bytes([255]))"},
        )
        (text,) = (await client.read_resource("session:///t.csv")).contents
        (blob,) = (await client.read_resource("session:///b")).contents
    assert isinstance(text, TextResourceContents)
    assert (text.text, text.mime_type) == ("a,b", "text/csv")
    assert isinstance(blob, BlobResourceContents)
    assert base64.b64decode(blob.blob) == b"\xff"


@pytest.mark.parametrize(
    "uri", ["session:///missing", "session:///../f", "session:///%2E%2E/f", "file:///etc/passwd"]
)
async def test_what_is_no_file_of_the_session_is_no_resource(
    pool: LocalSessionPool, uri: str
) -> None:
    async with connected(pool) as client:
        await client.call_tool("run_python", {"code": "1"})
        with pytest.raises(MCPError) as raised:
            await client.read_resource(uri)
    assert raised.value.code == INVALID_PARAMS


async def test_listing_resources_begins_no_session(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    async with Client(create_server(session_pool=session_pool)) as client:
        assert (await client.list_resources()).resources == []
    assert not service.requests
