"""What the page says of hosts can be pasted, and what it says of the command is so."""

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import pytest
from mcp.client import Client

from dynamic_sessions_local import LocalSessionPool
from dynamic_sessions_mcp import ServerSettings, create_server
from dynamic_sessions_mcp.cli import main

PAGE = (Path(__file__).parents[2] / "docs" / "adapters" / "mcp.md").read_text()
JSON = re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
TOML = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def servers() -> list[Mapping[str, object]]:
    """The entries of all hosts' files."""
    documents: list[dict[str, object]] = [*map(json.loads, JSON), *map(tomllib.loads, TOML)]
    found = [
        document[key]
        for document in documents
        for key in ("mcpServers", "servers", "mcp_servers")
        if key in document
    ]
    assert len(found) == len(documents) == 4
    return [cast("Mapping[str, Mapping[str, object]]", each)["python"] for each in found]


@pytest.mark.parametrize("number", range(4))
def test_an_entry_of_a_host_starts_the_command_with_flags_that_it_has(
    number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = servers()[number]
    if "url" in entry:
        assert str(entry["url"]).endswith(":8000/mcp")
        assert cast("dict[str, str]", entry["headers"])["Authorization"].startswith("Bearer ")
        return
    assert entry["command"] == "uvx"
    arguments = cast("list[str]", entry["args"])
    flags = arguments[arguments.index("dynamic-sessions-mcp") + 1 :]
    with pytest.raises(SystemExit) as ended:
        main([*flags, "--help"])
    assert ended.value.code == 0
    assert "usage: dynamic-sessions-mcp" in capsys.readouterr().out


async def test_the_table_names_every_tool_and_its_arguments(
    pool: LocalSessionPool, tmp_path: Path
) -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ((?:`\w+`(?:, )?)*) ?\|", PAGE, re.MULTILINE))
    documented = {name: set(re.findall(r"`(\w+)`", row)) for name, row in rows.items()}
    offered: dict[str, set[str]] = {}
    for kind in ("python", "shell"):
        settings = ServerSettings(kind=kind, shared_folder=tmp_path)
        server = create_server(pool.endpoint, pool.credential, settings=settings)
        async with Client(server) as client:
            for tool in (await client.list_tools()).tools:
                offered[tool.name] = set(tool.input_schema["properties"])
    assert documented == offered


def test_the_limits_are_the_defaults() -> None:
    settings = ServerSettings()
    assert f"| `--timeout` | {settings.timeout:g} s |" in PAGE
    assert f"| `--output-limit` | {settings.output_limit:,} characters |" in PAGE
    assert f"| `--file-limit` | {settings.file_limit >> 20} MiB |" in PAGE
