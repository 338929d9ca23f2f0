"""The one folder of this machine that tools touch."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mcp.client import Client

from dynamic_sessions_local import LocalSessionPool
from dynamic_sessions_mcp import ServerSettings, create_server

from .connecting import data_of, text_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A shared folder, with something beside it that is not shared."""
    (tmp_path / "outside.txt").write_text("outside")
    folder = tmp_path / "shared"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "sales.csv").write_text("region,amount\nnorth,3\n")
    (folder / ".env").write_text("KEY=1")
    (folder / "link.txt").symlink_to(tmp_path / "outside.txt")
    return folder


@asynccontextmanager
async def sharing(
    pool: LocalSessionPool, folder: Path, *, read_only: bool = False
) -> AsyncGenerator[Client]:
    settings = ServerSettings(shared_folder=folder, read_only=read_only)
    server = create_server(pool.endpoint, pool.credential, settings=settings)
    async with Client(server, raise_exceptions=True) as client:
        yield client


def contents(folder: Path) -> dict[str, bytes]:
    """Everything in a folder, by name."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


async def test_files_go_in_and_come_out_under_their_names(
    pool: LocalSessionPool, folder: Path
) -> None:
    async with sharing(pool, folder) as client:
        listed = await client.call_tool("list_shared_files", {})
        await client.call_tool("load_shared_file", {"name": "sub/sales.csv"})
        await client.call_tool(
            "run_python",
            {"code": "open('sub/total.txt', 'w').write(str(len(open('sub/sales.csv').read())))"},
        )
        saved = await client.call_tool("save_shared_file", {"name": "sub/total.txt"})
    assert data_of(listed)["files"] == [{"name": "sub/sales.csv", "size": 22, "type": "file"}]
    assert not saved.is_error
    assert (folder / "sub" / "total.txt").read_text() == "22"


@pytest.mark.parametrize(
    "name",
    ["../outside.txt", "link.txt", "/etc/passwd", ".env", "sub/../../outside.txt", "missing"],
)
async def test_nothing_else_of_this_machine_goes_in(
    pool: LocalSessionPool, folder: Path, name: str
) -> None:
    async with sharing(pool, folder) as client:
        result = await client.call_tool("load_shared_file", {"name": name})
        files = await client.call_tool("list_files", {})
    assert result.is_error
    assert str(folder.parent.parent) not in text_of(result)
    assert data_of(files) == {"files": []}


@pytest.mark.parametrize(
    "name", ["../new", "/mnt/data/../new", ".git/hooks/pre-commit", ".bashrc", "out/new", "missing"]
)
async def test_nothing_comes_out_elsewhere(
    pool: LocalSessionPool, folder: Path, name: str, tmp_path: Path
) -> None:
    (folder / "out").symlink_to(tmp_path)
    before = contents(tmp_path)
    code = "import os; os.makedirs('out'); os.makedirs('.git/hooks')\nfor n in ('new', 'out/new', '.bashrc', '.git/hooks/pre-commit'): open(n, 'w').write('x')"
    async with sharing(pool, folder) as client:
        assert not (await client.call_tool("run_python", {"code": code})).is_error
        result = await client.call_tool("save_shared_file", {"name": name})
    assert result.is_error
    assert contents(tmp_path) == before


async def test_a_file_of_the_users_is_replaced_only_where_the_model_says_so(
    pool: LocalSessionPool, folder: Path
) -> None:
    name = "sub/sales.csv"
    async with sharing(pool, folder) as client:
        await client.call_tool("write_file", {"name": name, "content": "new"})
        refused = await client.call_tool("save_shared_file", {"name": name})
        assert refused.is_error
        assert "overwrite=true" in text_of(refused)
        assert (folder / name).read_text().startswith("region")
        await client.call_tool("save_shared_file", {"name": name, "overwrite": True})
    assert (folder / name).read_text() == "new"


async def test_a_folder_that_is_only_read_has_no_tool_to_write_there(
    pool: LocalSessionPool, folder: Path
) -> None:
    before = contents(folder)
    async with sharing(pool, folder, read_only=True) as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]
        result = await client.call_tool("save_shared_file", {"name": "f"})
    assert "load_shared_file" in tools
    assert "save_shared_file" not in tools
    assert result.is_error
    assert contents(folder) == before


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError):
        ServerSettings(shared_folder=tmp_path / os.urandom(4).hex())
