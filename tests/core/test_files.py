import io
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from dynamic_sessions import AsyncSession, AsyncSessionPool, ServiceConnectionError
from dynamic_sessions.files import session_name
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
