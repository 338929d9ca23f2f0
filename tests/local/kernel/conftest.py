"""Kernels to test with. One launcher serves all tests: it is chosen, and proven, once."""

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Protocol

import pytest

from dynamic_sessions_local.kernel import Kernel, KernelReply
from dynamic_sessions_local.launchers import Launcher, select_launcher
from dynamic_sessions_local.limits import Limits

OUTPUT_LIMIT = 1 << 20
# Tests of code that does not react wait for it.
LIMITS = Limits(interrupt_grace=1)


class Run(Protocol):
    """Executes code in the test's kernel."""

    def __call__(self, code: str, *, timeout: float = 60) -> Awaitable[KernelReply]: ...


@pytest.fixture(scope="session")
def launcher() -> Launcher:
    return asyncio.run(select_launcher(isolation="sandbox", python=None, limits=LIMITS))


@pytest.fixture
async def kernel(launcher: Launcher) -> AsyncGenerator[Kernel]:
    kernel = await launcher.launch()
    yield kernel
    await kernel.close()


@pytest.fixture
def run(kernel: Kernel) -> Run:
    return run_in(kernel)


def run_in(kernel: Kernel) -> Run:
    def run(code: str, *, timeout: float = 60) -> Awaitable[KernelReply]:
        return kernel.execute(code, timeout=timeout, output_limit=OUTPUT_LIMIT)

    return run


@pytest.fixture
def launch(launcher: Launcher) -> Callable[[], Awaitable[Kernel]]:
    return launcher.launch


async def until_files_exist(kernel: Kernel, names: set[str]) -> None:
    async with asyncio.timeout(30):
        # There is nobody in the session to send an event.
        while not names <= set(os.listdir(kernel.data_directory)):  # noqa: ASYNC110, PTH208
            await asyncio.sleep(0.01)
