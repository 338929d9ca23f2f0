from collections.abc import AsyncIterator

import pytest

from dynamic_sessions import AsyncSessionPool
from dynamic_sessions.testing import ScriptedService
from maf_dynamic_sessions import DynamicSessionsCodeActProvider, DynamicSessionsTool


@pytest.fixture
def service() -> ScriptedService:
    """A session pool that answers from a script."""
    return ScriptedService()


@pytest.fixture
async def session_pool(service: ScriptedService) -> AsyncIterator[AsyncSessionPool]:
    """What tools share to reach the scripted service."""
    async with AsyncSessionPool("https://pool.test/", "token", transport=service.transport) as pool:
        yield pool


@pytest.fixture
async def local_tool() -> AsyncIterator[DynamicSessionsTool]:
    """A tool without functions on real sessions."""
    async with DynamicSessionsTool("local") as tool:
        yield tool


@pytest.fixture
async def local_provider() -> AsyncIterator[DynamicSessionsCodeActProvider]:
    """A provider without tools on real sessions."""
    async with DynamicSessionsCodeActProvider(endpoint="local") as provider:
        yield provider
