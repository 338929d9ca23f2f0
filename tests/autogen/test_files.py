"""Files between the working directory and the session: confined on both sides."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from autogen_core import CancellationToken

from autogen_ext_dynamic_sessions import ACADynamicSessionsCodeExecutor
from dynamic_sessions import AsyncSessionPool
from dynamic_sessions.testing import ScriptedService, ScriptedSession


@pytest.fixture
async def executor(
    session_pool: AsyncSessionPool, tmp_path: Path
) -> AsyncIterator[ACADynamicSessionsCodeExecutor]:
    executor = ACADynamicSessionsCodeExecutor(
        session_pool=session_pool, work_dir=tmp_path / "work", session_id="files"
    )
    yield executor
    await executor.stop()


@pytest.fixture
def session(service: ScriptedService) -> ScriptedSession:
    return service.sessions.setdefault("files", ScriptedSession())


@pytest.mark.parametrize("as_path", [True, False])
@pytest.mark.parametrize("name", ["a.txt", "a#b?c&d=e.txt", "ü 100%.txt", "folder/deep/a.txt"])
async def test_a_file_comes_back_as_it_went(
    name: str,
    as_path: bool,
    executor: ACADynamicSessionsCodeExecutor,
    session: ScriptedSession,
    token: CancellationToken,
) -> None:
    source = executor.work_dir / name
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_bytes(b"\x00content")
    file = Path(name) if as_path else name

    await executor.upload_files([file], token)
    source.unlink()
    copies = await executor.download_files([file], token)

    assert session.files == {name: b"\x00content"}
    assert copies == [str(executor.work_dir / name)]
    assert source.read_bytes() == b"\x00content"


async def test_files_of_the_same_name_in_two_folders_stay_apart(
    executor: ACADynamicSessionsCodeExecutor, session: ScriptedSession, token: CancellationToken
) -> None:
    for folder in ("one", "two"):
        (executor.work_dir / folder).mkdir()
        (executor.work_dir / folder / "data.csv").write_text(folder)

    await executor.upload_files(["one/data.csv", "two/data.csv"], token)

    assert session.files == {"one/data.csv": b"one", "two/data.csv": b"two"}


async def test_an_absolute_path_inside_of_the_working_directory_is_fine(
    executor: ACADynamicSessionsCodeExecutor, session: ScriptedSession, token: CancellationToken
) -> None:
    (executor.work_dir / "a.txt").write_text("a")

    await executor.upload_files([executor.work_dir / "a.txt"], token)

    assert session.files == {"a.txt": b"a"}


@pytest.mark.parametrize("kind", ["absolute", "upwards", "link", "linked folder"])
async def test_no_upload_reads_outside_of_the_working_directory(
    kind: str,
    executor: ACADynamicSessionsCodeExecutor,
    service: ScriptedService,
    token: CancellationToken,
    tmp_path: Path,
) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (executor.work_dir / "fine.txt").write_text("fine")
    (executor.work_dir / "link.txt").symlink_to(tmp_path / "secret.txt")
    (executor.work_dir / "folder").symlink_to(tmp_path)
    file = {
        "absolute": tmp_path / "secret.txt",
        "upwards": "../secret.txt",
        "link": "link.txt",
        "linked folder": "folder/secret.txt",
    }[kind]

    with pytest.raises(ValueError, match="working directory"):
        await executor.upload_files(["fine.txt", file], token)

    assert not service.requests


async def test_an_upload_of_a_missing_file_sends_nothing(
    executor: ACADynamicSessionsCodeExecutor, service: ScriptedService, token: CancellationToken
) -> None:
    (executor.work_dir / "there.txt").write_text("there")

    for missing in ("missing.txt", "."):
        with pytest.raises(FileNotFoundError):
            await executor.upload_files(["there.txt", missing], token)

    assert not service.requests


@pytest.mark.parametrize("name", ["../outside.txt", "/etc/outside.txt", "a/../../outside.txt"])
async def test_no_download_writes_outside_of_the_working_directory(
    name: str,
    executor: ACADynamicSessionsCodeExecutor,
    session: ScriptedSession,
    token: CancellationToken,
    tmp_path: Path,
) -> None:
    session.files[name] = b"outside"

    with pytest.raises(ValueError):  # noqa: PT011 - core words it
        await executor.download_files([name], token)

    assert not list(tmp_path.rglob("outside.txt"))


async def test_a_download_of_a_missing_file_is_a_file_not_found_error(
    executor: ACADynamicSessionsCodeExecutor, token: CancellationToken
) -> None:
    with pytest.raises(FileNotFoundError, match=r"missing\.txt"):
        await executor.download_files([Path("missing.txt")], token)


async def test_the_file_list_holds_names(
    executor: ACADynamicSessionsCodeExecutor, session: ScriptedSession, token: CancellationToken
) -> None:
    session.files["a.txt"] = b"a"
    session.files["b.txt"] = b"b"

    assert await executor.get_file_list(token) == ["a.txt", "b.txt"]


async def test_a_cancelled_token_stops_transfers(
    executor: ACADynamicSessionsCodeExecutor, service: ScriptedService, token: CancellationToken
) -> None:
    (executor.work_dir / "a.txt").write_text("a")
    token.cancel()

    for call in (
        executor.upload_files(["a.txt"], token),
        executor.download_files(["a.txt"], token),
        executor.get_file_list(token),
        executor.get_available_packages(token),
    ):
        with pytest.raises(asyncio.CancelledError):
            await call

    assert not service.requests
