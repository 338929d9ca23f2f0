"""`dynamic-sessions files`."""

import json
from collections.abc import Callable

import pytest

from dynamic_sessions import Session

from .commanding import Command, Ended

Files = Callable[..., Ended]

CONTENT = {
    "notes.txt": b"notes",
    "data/a.csv": b"a\n1\n",
    "data/b.csv": b"b\n2\n",
    "data/deep/c.csv": b"c\n3\n",
    "data/deep/d.txt": b"",
}


@pytest.fixture
def files(command: Command, session: Session) -> Files:
    """`files` on a session of the test's own."""

    def run(verb: str, *arguments: str) -> Ended:
        return command("files", verb, "-s", session.identifier, *arguments)

    return run


@pytest.fixture
def filled(session: Session) -> None:
    """The session has files."""
    for name, content in CONTENT.items():
        session.files.upload(content, name=name)


def kept(session: Session) -> dict[str, bytes]:
    entries = session.files.list(recursive=True)
    return {entry.name: session.files.read(entry) for entry in entries if entry.type == "file"}


def write(command: Command) -> None:
    for name, content in CONTENT.items():
        path = command.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def test_files_and_folders_arrive_under_their_names(
    command: Command, files: Files, session: Session
) -> None:
    write(command)
    ended = files("put", "notes.txt", "data/")

    assert ended.status == 0
    assert sorted(ended.out.splitlines()) == sorted(CONTENT)
    assert ended.err == ""
    assert kept(session) == CONTENT


def test_patterns_stand_for_files_of_this_machine_also_where_no_shell_sees_them(
    command: Command, files: Files, session: Session
) -> None:
    write(command)
    files("put", "data/*.csv", "--to", "in/")

    assert set(kept(session)) == {"in/a.csv", "in/b.csv"}


@pytest.mark.usefixtures("filled")
def test_names_folders_and_patterns_come_out_with_their_paths(
    command: Command, files: Files
) -> None:
    ended = files("get", "n?tes.txt", "data/d*/", "data/a.csv", "--to", "out")
    out = command.folder / "out"
    copies = {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file()
    }

    assert copies == {name: CONTENT[name] for name in CONTENT if name != "data/b.csv"}
    assert set(ended.out.splitlines()) == {f"out/{name}" for name in copies}


@pytest.mark.usefixtures("filled")
def test_a_file_that_is_there_is_refused_if_that_is_wanted(command: Command, files: Files) -> None:
    (command.folder / "notes.txt").write_text("mine")
    ended = files("get", "notes.txt", "--if-exists", "refuse")

    assert ended.status == 2
    assert "notes.txt" in ended.err
    assert (command.folder / "notes.txt").read_text() == "mine"


@pytest.mark.usefixtures("filled")
def test_a_listing_goes_line_by_line_to_other_programs(files: Files) -> None:
    rows = [line.split("\t") for line in files("ls").out.splitlines()]

    assert sorted((row[0], row[2]) for row in rows) == [("", "data/"), ("5", "notes.txt")]
    assert len(files("ls", "-r").out.splitlines()) == len(CONTENT) + 2
    assert {row["name"] for row in json.loads(files("ls", "--json", "data").out)} == {
        "data/a.csv",
        "data/b.csv",
        "data/deep",
    }
    assert [line.split("\t")[2] for line in files("ls", "**/*.txt").out.splitlines()] == [
        "data/deep/d.txt",
        "notes.txt",
    ]


@pytest.mark.usefixtures("filled")
def test_files_are_deleted_and_folders_only_if_that_is_said(files: Files, session: Session) -> None:
    refused = files("rm", "notes.txt", "data")
    assert refused.status == 2
    assert "--recursive" in refused.err
    assert kept(session) == CONTENT

    assert files("rm", "data/*.csv").status == 0
    assert set(kept(session)) == {"notes.txt", "data/deep/c.csv", "data/deep/d.txt"}

    assert files("rm", "-r", "data").status == 0
    assert set(kept(session)) == {"notes.txt"}


@pytest.mark.parametrize("verb", ["get", "rm", "ls"])
def test_what_is_not_there_is_named(files: Files, verb: str) -> None:
    ended = files(verb, "absent.txt")

    assert ended.status == 125
    assert "'absent.txt'" in ended.err.splitlines()[0]


@pytest.mark.parametrize("arguments", [("put", "absent.txt"), ("get", "../up")])
def test_names_that_make_no_sense_are_a_matter_of_usage(
    files: Files, arguments: tuple[str, ...]
) -> None:
    assert files(*arguments).status == 2


@pytest.mark.usefixtures("filled")
def test_a_terminal_shows_how_far_a_transfer_is(command: Command, session: Session) -> None:
    (command.folder / "large.bin").write_bytes(bytes(3_000_000))
    put = ("files", "put", "-s", session.identifier, "large.bin", "--to", "in")
    with command.on_terminal(*put) as terminal:
        terminal.expect("sending 1/1")
        terminal.expect(r"3\.0/3\.0")
        terminal.expect("/s")
        terminal.expect(r"\d:\d\d:\d\d")
        terminal.expect("in/large.bin")


def test_without_a_session_it_says_how_to_name_one(command: Command) -> None:
    ended = command("files", "ls")

    assert ended.status == 2
    assert "--session" in ended.err


def test_a_pool_that_lives_as_long_as_the_command_has_no_files(anywhere: Command) -> None:
    ended = anywhere("files", "ls", "-e", "local", "-s", "session")

    assert ended.status == 2
    assert "dynamic-sessions serve" in ended.err
