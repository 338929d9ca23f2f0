import io
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import httpx
import pytest

from dynamic_sessions import (
    AsyncSession,
    AsyncSessionPool,
    PayloadTooLargeError,
    ServiceConnectionError,
    ServiceProtocolError,
)
from dynamic_sessions.files import session_name
from dynamic_sessions.local_files import CHUNK_BYTES
from dynamic_sessions.local_paths import check_local_name
from dynamic_sessions.testing import ScriptedService

URL = "https://pool.test/subscriptions/s/sessionPools/p"


@pytest.fixture
def service() -> ScriptedService:
    return ScriptedService()


@pytest.fixture
def session(service: ScriptedService) -> AsyncSession:
    return AsyncSessionPool(URL, "token", transport=service.transport).session("conversation")


async def test_a_path_gives_the_file_its_base_name(
    session: AsyncSession, service: ScriptedService, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_bytes(b"abc")
    await session.files.upload(tmp_path / "a.txt")
    await session.files.upload(str(tmp_path / "a.txt"), name="b.txt")
    assert service.sessions["conversation"].files == {"a.txt": b"abc", "b.txt": b"abc"}


async def test_an_open_file_is_read_from_where_it_stands(
    session: AsyncSession, service: ScriptedService
) -> None:
    file = io.BytesIO(b"headcontent")
    file.seek(4)
    await session.files.upload(file, name="a.bin")
    assert service.sessions["conversation"].files["a.bin"] == b"content"


async def test_a_repeated_upload_starts_again_at_the_beginning(
    session: AsyncSession, service: ScriptedService
) -> None:
    service.fail_next(httpx.Response(503, headers={"retry-after": "0"}))
    await session.files.upload(io.BytesIO(b"x" * 1_000_000), name="a.bin")
    assert len(service.requests) == 2
    assert len(service.sessions["conversation"].files["a.bin"]) == 1_000_000


async def test_what_cannot_be_uploaded_is_refused_before_anything_is_sent(
    session: AsyncSession, service: ScriptedService, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="name="):
        await session.files.upload(b"content")
    with pytest.raises(TypeError, match="binary mode"):
        await session.files.upload(io.StringIO("text"), name="a.txt")  # pyright: ignore[reportArgumentType] - wrong on purpose
    with pytest.raises(TypeError, match="not int"):
        await session.files.upload(7, name="a.txt")  # pyright: ignore[reportArgumentType] - wrong on purpose
    with pytest.raises(FileNotFoundError):
        await session.files.upload(tmp_path / "missing.txt")
    with pytest.raises(IsADirectoryError):
        await session.files.upload(tmp_path)
    assert service.requests == []


class OneWayFile(io.RawIOBase):
    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        del size
        return b""


async def test_a_file_that_cannot_seek_is_refused(session: AsyncSession) -> None:
    with pytest.raises(ValueError, match="seek"):
        await session.files.upload(OneWayFile(), name="a.txt")  # pyright: ignore[reportArgumentType] - wrong on purpose


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "a/../../x", "/etc/passwd", "a//b", "a/", "a\nb", "a\0b", "\ud800"],
)
def test_what_is_no_name_of_a_file_in_a_session_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"name|surrogates"):
        session_name(name)


def test_the_data_directory_may_be_part_of_a_name() -> None:
    assert session_name("/mnt/data/reports/a.txt") == "reports/a.txt"


async def test_a_symbolic_link_does_not_lead_a_download_elsewhere(
    session: AsyncSession, tmp_path: Path
) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    (inside / "link").symlink_to(outside)
    await session.files.upload(b"x", name="link/a.txt")
    with pytest.raises(ValueError, match="symbolic link"):
        await session.files.download("link/a.txt", to=inside)
    assert list(outside.iterdir()) == []


async def test_a_download_that_breaks_off_leaves_the_old_file_and_nothing_else(
    tmp_path: Path,
) -> None:
    class Broken(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"half"
            raise httpx.ReadError("reset")

    def service(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Broken(), request=request)

    (tmp_path / "a.txt").write_bytes(b"old")
    pool = AsyncSessionPool(URL, "token", transport=httpx.MockTransport(service))
    with pytest.raises(ServiceConnectionError):
        await pool.session().files.download("a.txt", to=tmp_path)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.txt", b"old")]


async def test_a_download_does_not_replace_a_directory(
    session: AsyncSession, tmp_path: Path
) -> None:
    await session.files.upload(b"x", name="a")
    (tmp_path / "a").mkdir()
    with pytest.raises(ValueError, match="directory"):
        await session.files.download("a", to=tmp_path)


async def test_large_files_are_streamed_both_ways(tmp_path: Path) -> None:
    size = 48 * 1024 * 1024
    source = tmp_path / "large.bin"
    with source.open("wb") as file:
        file.truncate(size)

    async with AsyncSessionPool("local") as pool:
        session = pool.session()
        await session.set_up()
        tracemalloc.start()
        try:
            uploaded = await session.files.upload(source)
            copy = await session.files.download("large.bin", to=tmp_path / "out")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert uploaded.size == copy.stat().st_size == size
    # Client and server run in this one process.
    assert peak < size / 4


@pytest.mark.parametrize(
    ("if_exists", "names"),
    [("replace", {"a.txt": b"new"}), ("keep_both", {"a.txt": b"old", "a (2).txt": b"new"})],
)
async def test_what_becomes_of_a_file_of_that_name_is_the_callers_choice(
    session: AsyncSession,
    service: ScriptedService,
    tmp_path: Path,
    if_exists: Literal["replace", "keep_both"],
    names: dict[str, bytes],
) -> None:
    await session.files.upload(b"old", name="a.txt")
    await session.files.upload(b"new", name="a.txt", if_exists=if_exists)
    assert service.sessions["conversation"].files == names

    (tmp_path / "a.txt").write_bytes(b"old")
    service.sessions["conversation"].files["a.txt"] = b"new"
    await session.files.download("a.txt", to=tmp_path, if_exists=if_exists)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == names


async def test_a_file_of_that_name_can_be_a_reason_to_refuse(
    session: AsyncSession, service: ScriptedService, tmp_path: Path
) -> None:
    await session.files.upload(b"old", name="a.txt", if_exists="refuse")
    with pytest.raises(FileExistsError):
        await session.files.upload(b"new", name="a.txt", if_exists="refuse")
    assert service.sessions["conversation"].files == {"a.txt": b"old"}
    await session.files.download("a.txt", to=tmp_path, if_exists="refuse")
    with pytest.raises(FileExistsError):
        await session.files.download("a.txt", to=tmp_path, if_exists="refuse")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


async def test_progress_is_told_up_to_the_whole(session: AsyncSession, tmp_path: Path) -> None:
    steps: list[tuple[int, int | None]] = []
    content = b"x" * 1_000_000

    def note(done: int, total: int | None) -> None:
        steps.append((done, total))

    await session.files.upload(content, name="a.bin", progress=note)
    assert steps[-1] == (1_000_000, 1_000_000)
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    steps.clear()
    await session.files.download("a.bin", to=tmp_path, progress=note)
    assert steps[-1] == (1_000_000, 1_000_000)
    assert len(steps) > 1


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "inside/../../secret", "link/secret"])
async def test_a_path_of_somebody_elses_does_not_leave_the_root(
    session: AsyncSession, service: ScriptedService, tmp_path: Path, name: str
) -> None:
    root = tmp_path / "root"
    (root / "inside").mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    (root / "link").symlink_to(tmp_path)
    (root / "inside" / "a.txt").write_text("a")
    with pytest.raises(ValueError, match="below"):
        await session.files.upload(name, root=root)
    assert service.requests == []
    await session.files.upload("inside/a.txt", root=root)
    assert service.sessions["conversation"].files == {"a.txt": b"a"}


async def test_a_file_over_the_services_limit_is_refused_before_it_is_sent(
    service: ScriptedService,
) -> None:
    pool = AsyncSessionPool(URL, "token", upload_limit=10, transport=service.transport)
    with pytest.raises(PayloadTooLargeError) as caught:
        await pool.session().files.upload(b"x" * 11, name="a.bin")
    assert not caught.value.outcome_unknown
    assert service.requests == []
    await pool.session().files.upload(b"x" * 10, name="a.bin")


async def test_a_file_that_changes_while_it_is_sent_is_an_error(
    session: AsyncSession, tmp_path: Path
) -> None:
    path = tmp_path / "growing.bin"
    path.write_bytes(b"x" * 600_000)

    def cut(_done: int, _total: int | None) -> None:
        path.write_bytes(b"x")

    with pytest.raises(OSError, match="changed its size"):
        await session.files.upload(path, progress=cut)


class Ranges:
    """Serves one file in ranges, and breaks off after some bytes each time."""

    def __init__(self, content: bytes, *, etags: list[str], ranges: bool = True) -> None:
        self.content = content
        self.etags = etags
        self.ranges = ranges
        self.offsets: list[int] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        etag = self.etags.pop(0) if len(self.etags) > 1 else self.etags[0]
        asked = request.headers.get("range", "bytes=0-")
        is_partial = "range" in request.headers and request.headers["if-range"] == etag
        offset = int(asked.removeprefix("bytes=").rstrip("-")) if is_partial else 0
        self.offsets.append(offset)
        rest = self.content[offset:]
        headers = {"etag": etag, "content-length": str(len(rest))}
        if self.ranges:
            headers["accept-ranges"] = "bytes"
        if is_partial:
            headers["content-range"] = f"bytes {offset}-{len(self.content) - 1}/*"
        return httpx.Response(
            206 if is_partial else 200, headers=headers, stream=_BreakingOff(rest), request=request
        )


class _BreakingOff(httpx.AsyncByteStream):
    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content[:CHUNK_BYTES]
        if len(self._content) > CHUNK_BYTES:
            raise httpx.ReadError("reset")


def file_content(chunks: int) -> bytes:
    return b"".join(bytes([number]) * CHUNK_BYTES for number in range(chunks))


async def test_a_download_goes_on_where_it_broke_off_when_the_server_gives_ranges() -> None:
    server = Ranges(file_content(4), etags=['"one"'])
    pool = AsyncSessionPool(URL, "token", transport=httpx.MockTransport(server))
    assert await pool.session().files.read("a.bin") == server.content
    assert server.offsets == [0, CHUNK_BYTES, 2 * CHUNK_BYTES, 3 * CHUNK_BYTES]


async def test_a_file_that_changed_meanwhile_is_not_put_together_from_two() -> None:
    server = Ranges(file_content(2), etags=['"one"', '"two"', '"two"'])
    pool = AsyncSessionPool(URL, "token", transport=httpx.MockTransport(server))
    assert await pool.session().files.read("a.bin") == server.content
    assert server.offsets == [0, 0, CHUNK_BYTES]


@pytest.mark.parametrize(("etag", "ranges"), [('W/"weak"', True), ('"one"', False)])
async def test_without_ranges_or_a_strong_tag_a_download_begins_anew(
    etag: str, ranges: bool
) -> None:
    server = Ranges(file_content(2), etags=[etag], ranges=ranges)
    pool = AsyncSessionPool(URL, "token", transport=httpx.MockTransport(server))
    with pytest.raises(ServiceConnectionError):
        await pool.session().files.read("a.bin")
    assert set(server.offsets) == {0}


@pytest.mark.parametrize(
    "name",
    ["C:/x", "a/C:x", "nul", "a/COM1.txt", "con .x", "trailing.", "blank ", "a:b", "a\\b", "lpt9"],
)
def test_names_that_are_special_on_windows_are_refused_there(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        check_local_name(name, windows=True)
    assert check_local_name(name, windows=False) == name.split("/")


@pytest.mark.parametrize("name", ["a.txt", "reports/console.txt", "nullable", "été.txt", ".hidden"])
def test_other_names_are_fine_there(name: str) -> None:
    assert check_local_name(name, windows=True) == name.split("/")


async def test_a_listed_file_must_come_with_the_size_that_was_listed(
    session: AsyncSession, service: ScriptedService
) -> None:
    await session.files.upload(b"abc", name="a.txt")
    (listed,) = await session.files.list()
    assert await session.files.read(listed) == b"abc"
    service.sessions["conversation"].files["a.txt"] = b"ab"
    with pytest.raises(ServiceProtocolError, match="2 bytes came of 3"):
        await session.files.read(listed)


async def test_a_file_is_read_only_up_to_the_size_that_the_caller_can_hold(
    session: AsyncSession,
) -> None:
    await session.files.upload(b"x" * 100, name="a.bin")

    assert await session.files.read("a.bin", max_bytes=100) == b"x" * 100
    with pytest.raises(ValueError, match="more than 99 bytes"):
        await session.files.read("a.bin", max_bytes=99)
