from collections.abc import AsyncIterator

import pytest
from autogen_core import CancellationToken

from autogen_ext_dynamic_sessions import ACADynamicSessionsCodeExecutor
from dynamic_sessions import AsyncSessionPool
from dynamic_sessions.testing import ScriptedService


@pytest.fixture
def token() -> CancellationToken:
    return CancellationToken()


@pytest.fixture
def service() -> ScriptedService:
    """A session pool that answers from a script."""
    return ScriptedService()


@pytest.fixture
async def session_pool(service: ScriptedService) -> AsyncIterator[AsyncSessionPool]:
    """What executors share to reach the scripted service."""
    async with AsyncSessionPool("https://pool.test/", "token", transport=service.transport) as pool:
        yield pool


@pytest.fixture
async def executor(
    session_pool: AsyncSessionPool,
) -> AsyncIterator[ACADynamicSessionsCodeExecutor]:
    """An executor without functions on the scripted service, which nobody has asked anything yet."""
    executor = ACADynamicSessionsCodeExecutor(session_pool=session_pool)
    yield executor
    await executor.stop()


@pytest.fixture
async def local_executor() -> AsyncIterator[ACADynamicSessionsCodeExecutor]:
    """An executor without functions on a real session."""
    async with ACADynamicSessionsCodeExecutor("local") as executor:
        yield executor
