"""Those that the local pool is compared with, all used in the same way."""

import asyncio
import os
import warnings
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Protocol

from autogen_core import CancellationToken
from autogen_core.code_executor import CodeBlock
from autogen_ext.code_executors.jupyter import JupyterCodeExecutor
from autogen_ext.code_executors.local import LocalCommandLineCodeExecutor
from jupyter_client.manager import AsyncKernelManager

from benchmarks.clock import Measure, timed_async
from benchmarks.programs import ADD, Program

if TYPE_CHECKING:
    from jupyter_client.asynchronous.client import AsyncKernelClient

_START_SECONDS = 60


class Peer(Protocol):
    """Something that runs code, from start to stop."""

    async def start(self) -> None:
        """Return once it takes code."""
        ...

    async def execute(self, program: Program) -> None:
        """Run code.

        Raises:
            RuntimeError: The result is not the program's.
        """
        ...

    async def stop(self) -> None:
        """Return once it is gone."""
        ...


class JupyterExecutor:
    """AutoGen's JupyterCodeExecutor.

    Args:
        folder: Where it may keep the pictures that it makes.
    """

    name = "JupyterCodeExecutor"

    def __init__(self, folder: Path) -> None:
        self._executor = JupyterCodeExecutor(output_dir=folder)

    async def start(self) -> None:
        """See Peer."""
        await self._executor.start()

    async def execute(self, program: Program) -> None:
        """See Peer."""
        block = CodeBlock(code=program.code, language="python")
        result = await self._executor.execute_code_blocks([block], CancellationToken())
        pictures = " ".join(path.name for path in result.output_files)
        _expect(f"{result.output} {pictures}", program)

    async def stop(self) -> None:
        """See Peer."""
        await self._executor.stop()


class BareKernel:
    """ipykernel with nothing around it, driven by jupyter_client.

    Args:
        folder: Not needed.
    """

    name = "ipykernel by jupyter_client"

    def __init__(self, folder: Path) -> None:
        self._kernel = AsyncKernelManager()
        self._client: AsyncKernelClient | None = None

    async def start(self) -> None:
        """See Peer."""
        # Of jupyter_client's methods, two leave open what they return.
        await self._kernel.start_kernel()  # pyright: ignore[reportUnknownMemberType]
        self._client = self._kernel.client()
        self._client.start_channels()
        await self._client.wait_for_ready(timeout=_START_SECONDS)

    async def execute(self, program: Program) -> None:
        """See Peer."""
        assert self._client is not None  # noqa: S101 - for the type checker
        identity = self._client.execute(program.code)
        said: list[str] = []
        while True:
            message: dict[str, Any] = await self._client.get_iopub_msg()
            if message["parent_header"].get("msg_id") != identity:
                continue
            content = message["content"]
            if content.get("execution_state") == "idle":
                break
            said.append(str(content.get("data", "")))
        await self._client.get_shell_msg()
        _expect(" ".join(said), program)

    async def stop(self) -> None:
        """See Peer."""
        if self._client is not None:
            self._client.stop_channels()
        await self._kernel.shutdown_kernel(now=True)  # pyright: ignore[reportUnknownMemberType]


class CommandLine:
    """AutoGen's LocalCommandLineCodeExecutor: a process for each execution, and no state.

    Args:
        folder: Where it writes its scripts.
    """

    name = "LocalCommandLineCodeExecutor"

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it has no isolation
            self._executor = LocalCommandLineCodeExecutor(work_dir=folder)

    async def start(self) -> None:
        """See Peer."""
        await self._executor.start()

    async def execute(self, program: Program) -> None:
        """See Peer."""
        block = CodeBlock(code=program.code, language="python")
        result = await self._executor.execute_code_blocks([block], CancellationToken())
        _expect(result.output, program)

    async def stop(self) -> None:
        """See Peer."""
        await self._executor.stop()


_KERNEL_CONFIGURATION = """
c = get_config()
c.IPKernelApp.log_level = "CRITICAL"
"""

PeerClass = Callable[[Path], Peer]


@contextmanager
def kernels_without_profile() -> Generator[None]:
    """Keep what the user had IPython do at its start out of the peers' kernels."""
    with TemporaryDirectory() as folder:
        profile = Path(folder) / "profile_default"
        profile.mkdir()
        (profile / "ipython_kernel_config.py").write_text(_KERNEL_CONFIGURATION)
        before = os.environ.get("IPYTHONDIR")
        os.environ["IPYTHONDIR"] = folder
        try:
            yield
        finally:
            del os.environ["IPYTHONDIR"]
            if before is not None:
                os.environ["IPYTHONDIR"] = before


@contextmanager
def started(
    peer_class: PeerClass, runner: asyncio.Runner, program: Program = ADD, *, count: int = 1
) -> Generator[list[Peer]]:
    """Have some running that have run a program, for the length of a with-block."""
    with TemporaryDirectory() as folder:
        peers = [peer_class(Path(folder)) for _ in range(count)]
        try:
            runner.run(_together(*(start_and_execute(peer, program) for peer in peers)))
            yield peers
        finally:
            runner.run(_together(*(peer.stop() for peer in peers)))


async def start_and_execute(peer: Peer, program: Program = ADD) -> None:
    """Start one and run its first program."""
    await peer.start()
    await peer.execute(program)


def first_results(
    peer_class: PeerClass, runner: asyncio.Runner, program: Program = ADD, *, at_once: int = 1
) -> Measure:
    """Measure from nothing to a program's result, of one or of several at once."""

    async def once() -> float:
        with TemporaryDirectory() as folder:
            peers = [peer_class(Path(folder)) for _ in range(at_once)]
            try:
                return await timed_async(
                    lambda: _together(*(start_and_execute(peer, program) for peer in peers))
                )
            finally:
                await _together(*(peer.stop() for peer in peers))

    return lambda count: [runner.run(once()) for _ in range(count)]


@contextmanager
def executions(
    peer_class: PeerClass, runner: asyncio.Runner, program: Program = ADD
) -> Generator[Measure]:
    """Yield what measures a program in a session that has run it before."""

    async def several(peer: Peer, count: int) -> list[float]:
        return [await timed_async(lambda: peer.execute(program)) for _ in range(count)]

    with started(peer_class, runner, program) as (peer,):
        yield lambda count: runner.run(several(peer, count))


async def _together(*work: Awaitable[None]) -> None:
    await asyncio.gather(*work)


def _expect(text: str, program: Program) -> None:
    if program.theirs not in text:
        raise RuntimeError(f"no {program.theirs!r} in {text!r}")
