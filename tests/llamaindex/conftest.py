from collections.abc import AsyncIterator, Iterator

import pytest

from dynamic_sessions import AsyncSessionPool
from dynamic_sessions.testing import ScriptedService
from llama_index.tools.dynamic_sessions import DynamicSessionsToolSpec


@pytest.fixture
def service() -> ScriptedService:
    """A session pool that answers from a script."""
    return ScriptedService()


@pytest.fixture
async def session_pool(service: ScriptedService) -> AsyncIterator[AsyncSessionPool]:
    """What asynchronous calls reach the scripted service through."""
    async with AsyncSessionPool("https://pool.test/", "token", transport=service.transport) as pool:
        yield pool


@pytest.fixture
def local() -> Iterator[DynamicSessionsToolSpec]:
    """Tools without functions on a real session, called synchronously."""
    with DynamicSessionsToolSpec("local") as spec:
        yield spec


@pytest.fixture
async def local_async() -> AsyncIterator[DynamicSessionsToolSpec]:
    """Tools without functions on a real session, called asynchronously."""
    async with DynamicSessionsToolSpec("local") as spec:
        yield spec
