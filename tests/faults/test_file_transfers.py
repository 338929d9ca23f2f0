"""Files arrive whole or not at all, whatever happens on the way."""

import sys
import uuid
from pathlib import Path

import anyio
import pytest

from dynamic_sessions import AsyncSessionPool, Deadlines, ServiceError
from dynamic_sessions_local import LocalSessionPool
from dynamic_sessions_local.limits import Limits

from .conftest import DIALECTS, MakePool
from .faults import FAULTS, Fault
from .proxy import FaultProxy

CONTENT = bytes(range(256)) * 3000
SHORT = Deadlines(stall=0.3, call=3, transfer=3)

# What a second sending mends; the others say that the request itself is not acceptable, or that
# something is there that is no session pool.
PASSING = {
    name: fault
    for name, fault in FAULTS.items()
    if fault.effect in {"reset", "close", "part", "drip"}
    or name.split()[0] in {"408", "429", "500", "502", "503", "504"}
    or name.startswith(("no http", "two lengths"))
}


def connection_or(operation: str, fault: Fault) -> str:
    return "connect" if fault.moment == "connect" else operation


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_an_upload_arrives_whole_or_says_that_it_did_not(
    proxy: FaultProxy, make_pool: MakePool, direct: AsyncSessionPool, dialect: str, fault: Fault
) -> None:
    name = f"upload-{uuid.uuid4()}"
    async with make_pool(api_version=dialect, deadlines=SHORT) as pool:
        proxy.fail(connection_or("upload file", fault), fault)
        try:
            uploaded = await pool.session(name).files.upload(CONTENT, name="a.bin")
        except ServiceError:
            assert fault.name not in PASSING
        else:
            assert uploaded.size == len(CONTENT)
            assert await direct.session(name).files.read("a.bin") == CONTENT
    await direct.session(name).delete()


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_download_arrives_whole_or_leaves_nothing(
    proxy: FaultProxy, make_pool: MakePool, tmp_path: Path, dialect: str, fault: Fault
) -> None:
    async with make_pool(api_version=dialect, deadlines=SHORT) as pool:
        session = pool.session(f"download-{uuid.uuid4()}")
        await session.files.upload(CONTENT, name="a.bin")
        proxy.hang_up()
        proxy.fail(connection_or("download file", fault), fault)
        try:
            copy = await session.files.download("a.bin", to=tmp_path)
        except ServiceError:
            assert fault.name not in PASSING
            assert list(tmp_path.iterdir()) == []
        else:
            assert copy.read_bytes() == CONTENT
            assert list(tmp_path.iterdir()) == [copy]
        await session.delete()


async def test_a_download_that_breaks_off_again_and_again_gives_up(
    proxy: FaultProxy, make_pool: MakePool, tmp_path: Path
) -> None:
    async with make_pool(deadlines=SHORT) as pool:
        session = pool.session()
        await session.files.upload(CONTENT, name="a.bin")
        proxy.fail("download file", *[FAULTS["reply cut off"]] * 20)
        with pytest.raises(ServiceError):
            await session.files.download("a.bin", to=tmp_path)
        assert proxy.tally.requests["download file"] == 5
        assert list(tmp_path.iterdir()) == []


async def test_directories_go_in_and_come_out_some_files_at_a_time(
    proxy: FaultProxy, make_pool: MakePool, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    for number in range(12):
        file = source / f"part{number % 3}" / "deep" / f"{number}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(str(number))
    (source / "outside").symlink_to("/etc/passwd")
    async with make_pool() as pool:
        session = pool.session()
        for operation in ("upload file", "download file", "list files"):
            proxy.fail(operation, FAULTS["503"], FAULTS["reset after the run"])
        uploaded = await session.files.upload_directory(source, to="given", at_once=3)
        copies = await session.files.download_directory("given", to=tmp_path / "copy", at_once=3)
    assert len(uploaded) == len(copies) == 12
    for number in range(12):
        copy = tmp_path / "copy" / "given" / f"part{number % 3}" / "deep" / f"{number}.txt"
        assert copy.read_text() == str(number)


_TRANSFER = """
import asyncio, resource, sys
from pathlib import Path
from dynamic_sessions import AsyncSessionPool

limit = 128 * 1024 * 1024
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))

async def main(endpoint, token, folder):
    async with AsyncSessionPool(endpoint, token) as pool:
        session = pool.session()
        size = 1024**3
        await session.execute(f"open('big.bin', 'wb').truncate({size})")
        copy = await session.files.download("big.bin", to=folder)
        assert copy.stat().st_size == size
        small = Path(folder, "small.bin")
        with small.open("wb") as file:
            file.truncate(120 * 1024 * 1024)
        assert (await session.files.upload(small)).size == small.stat().st_size
        try:
            await session.files.upload(copy)
        except Exception as error:
            # Not getrusage, whose figure begins with that of the process that started this one.
            peak, = (line.split()[1] for line in open("/proc/self/status") if "VmHWM" in line)
            print(type(error).__name__, peak)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.slow
async def test_a_gibibyte_passes_through_a_process_of_128_mebibytes(tmp_path: Path) -> None:
    large = Limits(data_bytes=3 * 1024**3, file_bytes=2 * 1024**3)
    with LocalSessionPool(preload=(), limits=large) as pool:
        token = pool.credential.get_token("").token
        with anyio.fail_after(110):
            done = await anyio.run_process(
                [sys.executable, "-c", _TRANSFER, pool.endpoint, token, str(tmp_path)], check=False
            )
    assert done.returncode == 0, done.stderr.decode()
    # The service's own limit is 128 MiB: what is over it is refused before it is sent.
    error, peak_kibibytes = done.stdout.decode().split()
    assert error == "PayloadTooLargeError"
    assert int(peak_kibibytes) < 128 * 1024
