"""Files into a session and out of it again: how fast, and with how much memory."""

import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import httpx

from benchmarks import processes
from benchmarks.child import Child
from benchmarks.clock import Contender, interleave, timed_async
from benchmarks.pool import PoolUnderTest
from benchmarks.report import MEBIBYTES, MEBIBYTES_PER_SECOND, AtMost, Better, Figure, Kind, Section
from benchmarks.setting import Setting
from dynamic_sessions import AsyncSessionPool

MIB = 1 << 20
RATE_TARGET = 0.8
MEMORY_TARGET = 32 * MIB
DATA_BYTES = 256 * MIB
BARE = "httpx and a bare Starlette route"
OURS = "AsyncSessionPool and pool"

_CHUNK = 1 << 16

Transfer = Callable[[str], Coroutine[None, None, object]]


@dataclass(frozen=True, kw_only=True)
class _Way:
    """One of those that carry files.

    Attributes:
        up: Sends the file in the folder `up` under a name.
        down: Fetches a file to the folder `down`.
        server: Number of the server's process.
    """

    name: str
    kind: Kind
    up: Transfer
    down: Transfer
    server: int


def files(setting: Setting) -> list[Section]:
    """Small ones, where each costs a request, and large ones, where each costs copies."""
    sizes = [(1 << 10, 3), (MIB, 2)] if setting.quick else [(1 << 10, 1000), (MIB, 100)]
    sizes.append((setting.many(512, 4) * MIB, 1))
    return [section for size, count in sizes for section in _sections_of_size(setting, size, count)]


def _sections_of_size(setting: Setting, size: int, count: int) -> list[Section]:
    label = f"{count} of {size >> 10:,} KiB"
    # By themselves client and pool take no upload over 128 MiB, since the service takes none.
    limits = {
        "upload_bytes": size,
        "file_bytes": size,
        # Room for the files that come while those that they replace are there.
        "data_bytes": DATA_BYTES + 2 * size,
    }
    with (
        setting.pool(limits=limits) as pool,
        Child("streams") as bare,
        TemporaryDirectory(dir="/dev/shm") as folder,
    ):
        source = Path(folder) / "source"
        source.write_bytes(os.urandom(size))
        port = cast("int", bare.read())
        opened = AsyncExitStack()
        ways = setting.runner.run(
            _open(opened, _ours(pool, source, size), _bare(port, bare.process, source))
        )
        names = [f"{number}.bin" for number in range(count)]
        sections = [
            _rates(setting, f"files up, {label}", ways, "up", names, size),
            _rates(setting, f"files down, {label}", ways, "down", names, size),
        ]
        if count == 1:
            sections.append(_memory(setting, f"memory for a file, {label}", ways, names[0]))
        setting.runner.run(opened.aclose())
    return sections


async def _open(stack: AsyncExitStack, *ways: AbstractAsyncContextManager[_Way]) -> list[_Way]:
    return [await stack.enter_async_context(way) for way in ways]


def _rates(
    setting: Setting, title: str, ways: list[_Way], direction: str, names: list[str], size: int
) -> Section:
    async def all_of(transfer: Transfer) -> None:
        for name in names:
            await transfer(name)

    def measure(transfer: Transfer, times: int) -> list[float]:
        return [
            len(names) * size / setting.runner.run(timed_async(lambda: all_of(transfer)))
            for _ in range(times)
        ]

    figures = interleave(
        [
            Contender(
                name=way.name, kind=way.kind, measure=partial(measure, getattr(way, direction))
            )
            for way in ways
        ],
        rounds=setting.many(3, 1),
    )
    return Section(
        title=title,
        unit=MEBIBYTES_PER_SECOND,
        figures=figures,
        targets=[Better(BARE, RATE_TARGET)],
    )


def _memory(setting: Setting, title: str, ways: list[_Way], name: str) -> Section:
    """How much more than before the client's process and the server's had at the most."""
    figures: list[Figure] = []
    for way in ways:
        for direction, transfer in (("up", way.up), ("down", way.down)):
            watched = {"client": os.getpid(), "server": way.server}
            before = {who: processes.watch_peak(process) for who, process in watched.items()}
            setting.runner.run(transfer(name))
            figures += [
                Figure(
                    name=f"{way.name}, {direction}, {who}",
                    kind=way.kind,
                    values=(processes.peak(process) - before[who],),
                )
                for who, process in watched.items()
            ]
    return Section(title=title, unit=MEBIBYTES, figures=figures, targets=[AtMost(MEMORY_TARGET)])


@asynccontextmanager
async def _ours(pool: PoolUnderTest, source: Path, size: int) -> AsyncGenerator[_Way]:
    async with AsyncSessionPool(pool.endpoint, pool.token, upload_limit=size) as client:
        transfers = client.session().files
        yield _Way(
            name=OURS,
            kind="ours",
            up=lambda name: transfers.upload(source, name=name),
            down=lambda name: transfers.download(name, to=source.parent),
            server=pool.process,
        )


@asynccontextmanager
async def _bare(port: int, process: int, source: Path) -> AsyncGenerator[_Way]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:

        async def up(name: str) -> None:
            (await client.put(name, content=_chunks(source))).raise_for_status()

        async def down(name: str) -> None:
            with (source.parent / name).open("wb") as file:
                async with client.stream("GET", name) as reply:
                    async for chunk in reply.aiter_bytes():
                        file.write(chunk)

        yield _Way(name=BARE, kind="limit", up=up, down=down, server=process)


async def _chunks(source: Path) -> AsyncIterator[bytes]:
    with source.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
