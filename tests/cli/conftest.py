"""One real local pool for all tests, reached as a pool in Azure would be: by endpoint and token."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from dynamic_sessions import Session, SessionPool
from dynamic_sessions_local import LocalSessionPool

from .commanding import TOKEN, Command

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def pool() -> Iterator[LocalSessionPool]:
    with LocalSessionPool(token=TOKEN, max_sessions=200, inspector=True) as pool:
        yield pool


@pytest.fixture(scope="session")
def client(pool: LocalSessionPool) -> Iterator[SessionPool]:
    """The client, to look at what the command did."""
    with SessionPool(pool.endpoint, pool.credential) as client:
        yield client


@pytest.fixture
def anywhere(tmp_path: Path) -> Command:
    """The command, where nothing names a session pool."""
    return Command(folder=tmp_path)


@pytest.fixture
def command(pool: LocalSessionPool, tmp_path: Path) -> Command:
    """The command, where the environment names the pool."""
    return Command(
        folder=tmp_path,
        variables={"DYNAMIC_SESSIONS_ENDPOINT": pool.endpoint, "DYNAMIC_SESSIONS_TOKEN": TOKEN},
    )


@pytest.fixture
def session(client: SessionPool) -> Iterator[Session]:
    """One that no other test uses; it ends with the test."""
    session = client.session(f"cli-{next(_numbers):04}")
    yield session
    session.delete()
