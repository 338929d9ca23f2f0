"""Which files of a session a name or a pattern stands for."""

import pytest

from dynamic_sessions import AsyncSessionPool
from dynamic_sessions.testing import ScriptedService
from dynamic_sessions_cli.session_files import below, find
from dynamic_sessions_cli.statuses import CommandError

NAMES = ("notes.txt", "data/a.csv", "data/b.csv", "data/deep/c.csv", "data/deep/d.txt")


async def files_of(pattern: str) -> list[str]:
    service = ScriptedService()
    async with AsyncSessionPool("https://pool.test/", "token", transport=service.transport) as pool:
        files = pool.session("the-session").files
        for name in NAMES:
            await files.upload(b"", name=name)
        found = await find(files, pattern)
        return [file.name for entry in found for file in await below(files, entry)]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("notes.txt", ["notes.txt"]),
        ("/mnt/data/notes.txt", ["notes.txt"]),
        ("data/*.csv", ["data/a.csv", "data/b.csv"]),
        ("data/[!a].csv", ["data/b.csv"]),
        ("**/*.csv", ["data/a.csv", "data/b.csv", "data/deep/c.csv"]),
        ("data/**", ["data/a.csv", "data/b.csv", "data/deep/c.csv", "data/deep/d.txt"]),
        ("*/deep/?.txt", ["data/deep/d.txt"]),
        ("data/d*/", ["data/deep/c.csv", "data/deep/d.txt"]),
        ("data", ["data/a.csv", "data/b.csv", "data/deep/c.csv", "data/deep/d.txt"]),
        (".", [*NAMES]),
    ],
)
async def test_names_folders_and_patterns_are_found(pattern: str, names: list[str]) -> None:
    assert set(await files_of(pattern)) == set(names)


@pytest.mark.parametrize("pattern", ["absent.txt", "*.absent", "absent/deep.txt", "note?.TXT"])
async def test_what_is_not_there_is_an_error(pattern: str) -> None:
    with pytest.raises(CommandError) as raised:
        await files_of(pattern)

    assert repr(pattern) in str(raised.value)


@pytest.mark.parametrize("pattern", ["../up", "a/../b", "a//b"])
async def test_what_is_no_name_is_an_error(pattern: str) -> None:
    with pytest.raises(CommandError):
        await files_of(pattern)
