"""`files` and `paths` on a directory of this machine, where hostile things can be made at will."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from dynamic_sessions_local.files import (
    CHUNK,
    FileEntry,
    NameTakenError,
    NoSuchFileError,
    Upload,
    copy_tree,
    delete_file,
    list_directory,
    open_file,
    stat_file,
)
from dynamic_sessions_local.paths import (
    FilePath,
    InvalidPathError,
    base_name,
    parse_directory,
    parse_file,
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def root(data: Path) -> Iterator[int]:
    descriptor = os.open(data, os.O_PATH | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("secret")
    return outside


def path_of(text: str) -> FilePath:
    return parse_file((), text)


def put(root: int, name: str, content: bytes) -> FileEntry:
    upload = Upload(root)
    try:
        upload.write([content])
        return upload.commit(path_of(name))
    finally:
        upload.abort()


def content_of(root: int, name: str) -> bytes:
    found = open_file(root, path_of(name))
    with os.fdopen(found.descriptor, "rb") as file:
        content = file.read(found.size)
    assert found.beginning == content[:CHUNK]
    return content


@pytest.mark.parametrize("text", ["", "/", "/mnt/data", "/mnt/data/", "//"])
def test_these_paths_mean_the_data_directory(text: str) -> None:
    assert parse_directory(text) == ()


@pytest.mark.parametrize("text", ["a/b", "/a/b/", "/mnt/data/a/b", "/mnt/data//a//b"])
def test_a_path_is_relative_to_the_data_directory(text: str) -> None:
    assert parse_directory(text) == ("a", "b")


@pytest.mark.parametrize(
    "text", ["..", "a/../b", "/mnt/data/..", ".", "a\0b", "x" * 256, "é" * 128, "a/" * 65, "\udcff"]
)
def test_a_path_that_could_lead_elsewhere_is_refused(text: str) -> None:
    with pytest.raises(InvalidPathError):
        parse_directory(text)


@pytest.mark.parametrize("text", ["", "/", "/etc/passwd", "/mnt/data", "..", "a/..", "a\0"])
def test_a_name_that_is_no_file_of_the_session_is_refused(text: str) -> None:
    with pytest.raises(InvalidPathError):
        parse_file((), text)


def test_a_name_may_lead_through_directories() -> None:
    assert parse_file(("a",), "b/c") == FilePath(directory=("a", "b"), name="c")
    assert parse_file((), "/mnt/data/b/c") == FilePath(directory=("b",), name="c")


def test_an_uploaded_path_is_reduced_to_its_base_name() -> None:
    assert base_name("/mnt/data/../../x.txt") == "x.txt"
    for name in ("", "a/", "..", "a/..", "a\0"):
        with pytest.raises(InvalidPathError):
            base_name(name)


def test_a_file_goes_in_and_comes_out(root: int) -> None:
    entry = put(root, "a/b/c.bin", b"\0\1" * 700_000)
    assert (entry.name, entry.size, entry.is_directory) == ("c.bin", 1_400_000, False)
    assert content_of(root, "a/b/c.bin") == b"\0\1" * 700_000
    assert stat_file(root, path_of("a/b/c.bin")) == entry
    assert [(found.name, found.is_directory) for found in list_directory(root, ())] == [("a", True)]
    delete_file(root, path_of("a/b/c.bin"))
    assert list_directory(root, ("a", "b")) == []


def test_an_upload_is_invisible_until_it_is_complete(root: int, data: Path) -> None:
    upload = Upload(root)
    upload.write([b"half"])
    assert list_directory(root, ()) == []
    upload.abort()
    upload.abort()
    assert list(data.iterdir()) == []


def test_an_upload_takes_more_parts_than_one_system_call_does(root: int) -> None:
    parts = [bytes([number % 256]) * (number % 3) for number in range(5000)]
    upload = Upload(root)
    upload.write(parts)
    upload.write([])
    upload.write([b"end"])
    upload.commit(path_of("a.bin"))
    assert content_of(root, "a.bin") == b"".join(parts) + b"end"


def test_an_upload_replaces_a_link_instead_of_writing_through_it(
    root: int, data: Path, secret: Path
) -> None:
    (data / "a.txt").symlink_to(secret / "secret.txt")
    put(root, "a.txt", b"mine")
    assert (secret / "secret.txt").read_text() == "secret"
    assert content_of(root, "a.txt") == b"mine"


def test_an_upload_over_a_directory_is_refused_and_leaves_nothing(root: int, data: Path) -> None:
    (data / "taken").mkdir()
    with pytest.raises(NameTakenError):
        put(root, "taken", b"x")
    assert [path.name for path in data.iterdir()] == ["taken"]


@pytest.mark.parametrize("target", ["file", "link", "pipe"])
def test_an_upload_through_what_is_no_directory_is_refused(
    root: int, data: Path, secret: Path, target: str
) -> None:
    way = data / "way"
    match target:
        case "file":
            way.write_text("")
        case "link":
            way.symlink_to(secret)
        case _:
            os.mkfifo(way)
    with pytest.raises(NameTakenError):
        put(root, "way/x.txt", b"x")
    assert [path.name for path in secret.iterdir()] == ["secret.txt"]
    assert [path.name for path in data.iterdir()] == ["way"]


def test_links_are_neither_followed_nor_listed(root: int, data: Path, secret: Path) -> None:
    (data / "file").symlink_to(secret / "secret.txt")
    (data / "folder").symlink_to(secret)
    (data / "dangling").symlink_to("nowhere")
    (data / "loop").symlink_to("loop")
    assert list_directory(root, ()) == []
    for name in ("file", "folder/secret.txt", "dangling", "loop", "loop/x"):
        for call in (open_file, stat_file, delete_file):
            with pytest.raises(NoSuchFileError):
                call(root, path_of(name))
    with pytest.raises(NoSuchFileError):
        list_directory(root, ("folder",))
    assert (secret / "secret.txt").exists()


def test_pipes_and_sockets_are_never_opened(root: int, data: Path) -> None:
    os.mkfifo(data / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        folder = os.open(data, os.O_RDONLY)
        listener.bind(f"/proc/self/fd/{folder}/socket")
        os.close(folder)
        for name in ("pipe", "socket"):
            for call in (open_file, stat_file, delete_file):
                with pytest.raises(NoSuchFileError):
                    call(root, path_of(name))
    assert list_directory(root, ()) == []


def test_a_missing_directory_is_no_empty_one(root: int) -> None:
    with pytest.raises(NoSuchFileError):
        list_directory(root, ("missing",))


def test_a_name_that_is_not_text_does_not_break_the_listing(root: int, data: Path) -> None:
    Path(os.fsdecode(os.fsencode(data) + b"/\xff.txt")).write_text("")
    assert [entry.name for entry in list_directory(root, ())] == ["\N{REPLACEMENT CHARACTER}.txt"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_writes_belongs_to_the_owner_of_the_directory(root: int, data: Path) -> None:
    os.chown(data, 12345, 23456)
    put(root, "made/a.txt", b"x")
    for path in (data / "made", data / "made" / "a.txt"):
        assert (path.stat().st_uid, path.stat().st_gid) == (12345, 23456)


@pytest.fixture
def successor(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    folder = tmp_path / "successor"
    folder.mkdir()
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    yield descriptor, folder
    os.close(descriptor)


def test_a_copied_tree_is_the_same_without_following_anything(
    root: int, data: Path, secret: Path, successor: tuple[int, Path]
) -> None:
    target, copy = successor
    put(root, "a/b/c.txt", b"deep")
    put(root, "run.sh", b"#!/bin/sh\n")
    (data / "run.sh").chmod(0o4755)
    os.utime(data / "run.sh", (1_000_000_000, 1_000_000_000))
    (data / "link").symlink_to(secret / "secret.txt")
    os.mkfifo(data / "pipe")
    half = Upload(root)
    half.write([b"half"])

    assert copy_tree(root, target) == 1
    half.abort()

    assert (copy / "a" / "b" / "c.txt").read_bytes() == b"deep"
    assert (copy / "run.sh").stat().st_mode & 0o7777 == 0o755
    assert (copy / "run.sh").stat().st_mtime == 1_000_000_000
    assert (copy / "link").readlink() == secret / "secret.txt"
    assert sorted(path.name for path in copy.iterdir()) == ["a", "link", "run.sh"]


def test_a_copy_keeps_holes(root: int, data: Path, successor: tuple[int, Path]) -> None:
    target, copy = successor
    with (data / "sparse").open("wb") as file:
        file.seek(200 << 30)
        file.write(b"end")
        file.truncate(400 << 30)
    assert copy_tree(root, target) == 0
    status = (copy / "sparse").stat()
    assert status.st_size == 400 << 30
    assert status.st_blocks * 512 < 1 << 20
    with (copy / "sparse").open("rb") as file:
        file.seek(200 << 30)
        assert file.read(3) == b"end"


def test_a_tree_without_end_is_copied_to_a_bounded_depth(
    root: int, successor: tuple[int, Path]
) -> None:
    target, _ = successor
    folders = [os.open(".", os.O_RDONLY, dir_fd=root)]
    for _ in range(300):
        os.mkdir("d", dir_fd=folders[-1])
        folders.append(os.open("d", os.O_RDONLY, dir_fd=folders[-1]))
    for folder in folders:
        os.close(folder)
    assert copy_tree(root, target) == 1
