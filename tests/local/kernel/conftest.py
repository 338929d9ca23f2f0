"""Kernels to test with, of either launcher. One of each serves all tests: it is proven once."""

import asyncio
import os
import shutil
import sys
import venv
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Protocol

import pytest
import pytest_asyncio

from dynamic_sessions_local.kernel import Kernel, KernelReply
from dynamic_sessions_local.launchers import Launcher, select_launcher
from dynamic_sessions_local.limits import Limits

OUTPUT_LIMIT = 1 << 20
# Tests of code that does not react wait for it.
LIMITS = Limits(interrupt_grace=1)


class Run(Protocol):
    """Executes code in the test's kernel."""

    def __call__(self, code: str, *, timeout: float = 60) -> Awaitable[KernelReply]: ...


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Run these tests in one event loop: a launcher belongs to the one that it was made in."""
    for item in items:
        if Path(__file__).parent in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session", params=["fork", "spawn"])
async def launcher(request: pytest.FixtureRequest) -> AsyncGenerator[Launcher]:
    launcher = await select_launcher(
        isolation="sandbox", launcher=request.param, python=None, limits=LIMITS, preload=()
    )
    yield launcher
    await launcher.close()


@pytest_asyncio.fixture(loop_scope="session")
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


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with IPython, below the temporary folder, which a session has its own of."""
    folder = tmp_path_factory.mktemp("elsewhere") / "environment"
    venv.create(folder, symlinks=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    for source in sys.path:
        copy_ipython(Path(source), packages)
    return folder


async def until_files_exist(kernel: Kernel, names: set[str]) -> None:
    async with asyncio.timeout(30):
        # There is nobody in the session to send an event.
        while not names <= set(os.listdir(kernel.data_directory)):  # noqa: ASYNC110, PTH208
            await asyncio.sleep(0.01)


def copy_ipython(source: Path, target: Path) -> None:
    """Copy IPython and what it needs, where this folder has them."""
    needed = (
        "IPython", "asttokens", "decorator", "executing", "ipython_pygments_lexers", "jedi",
        "matplotlib_inline", "parso", "pexpect", "prompt_toolkit", "psutil", "ptyprocess", "pure_eval",
        "pygments", "stack_data", "traitlets", "typing_extensions", "wcwidth",
    )  # fmt: skip
    for name in needed:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, dirs_exist_ok=True)
        elif (source / f"{name}.py").is_file():
            shutil.copy(source / f"{name}.py", target)
        for metadata in source.glob(f"{name.lower()}-*.dist-info"):
            shutil.copytree(metadata, target / metadata.name, dirs_exist_ok=True)
