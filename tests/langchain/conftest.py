from collections.abc import AsyncIterator, Iterator

import pytest

from dynamic_sessions import AsyncSessionPool, Credential
from dynamic_sessions.testing import ScriptedService
from dynamic_sessions_local import LocalSessionPool


@pytest.fixture
def service() -> ScriptedService:
    """A session pool that answers from a script."""
    return ScriptedService()


@pytest.fixture
async def session_pool(service: ScriptedService) -> AsyncIterator[AsyncSessionPool]:
    """What tools share to reach the scripted service."""
    async with AsyncSessionPool("https://pool.test/", "token", transport=service.transport) as pool:
        yield pool


@pytest.fixture(scope="session")
def shell_pool() -> Iterator[LocalSessionPool]:
    """A real Shell pool."""
    with LocalSessionPool(kind="shell") as pool:
        yield pool


@pytest.fixture(params=["shell", "python"])
def access(
    request: pytest.FixtureRequest, shell_pool: LocalSessionPool
) -> tuple[str, Credential | None]:
    """Endpoint and credential of a session pool of either kind."""
    if request.param == "shell":
        return shell_pool.endpoint, shell_pool.credential
    return "local", None
