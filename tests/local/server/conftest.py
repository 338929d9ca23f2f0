"""Real pools, each started once: a kernel costs more than most of these tests."""

import itertools
import ssl
from collections.abc import Iterator

import httpx
import pytest

from dynamic_sessions_local import Limits, LocalSessionPool

MIB = 1 << 20

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def pool() -> Iterator[LocalSessionPool]:
    with LocalSessionPool(max_sessions=500) as pool:
        yield pool


@pytest.fixture(scope="session")
def small_pool() -> Iterator[LocalSessionPool]:
    """One that is full after two sessions, four MiB of data or an upload of three."""
    limits = Limits(data_bytes=4 * MIB, upload_bytes=3 * MIB, data_entries=100)
    with LocalSessionPool(max_sessions=2, limits=limits) as pool:
        yield pool


@pytest.fixture
def client(pool: LocalSessionPool) -> Iterator[httpx.Client]:
    with client_of(pool) as client:
        yield client


@pytest.fixture
def small_client(small_pool: LocalSessionPool) -> Iterator[httpx.Client]:
    with client_of(small_pool) as client:
        yield client


@pytest.fixture
def identifier(client: httpx.Client) -> Iterator[str]:
    """One that no other test uses; its session ends with the test."""
    identifier = f"session-{next(_numbers):04}"
    yield identifier
    client.delete("session", params={"identifier": identifier})


@pytest.fixture
def session(client: httpx.Client, identifier: str) -> httpx.Client:
    """A client whose every call is about one session."""
    client.params = client.params.set("identifier", identifier)
    return client


@pytest.fixture(scope="session")
def shell_pool() -> Iterator[LocalSessionPool]:
    with LocalSessionPool(kind="shell") as pool:
        yield pool


@pytest.fixture
def shell(shell_pool: LocalSessionPool) -> Iterator[httpx.Client]:
    """A client whose every call is about one session of a Shell pool."""
    with client_of(shell_pool) as client:
        client.params = client.params.set("identifier", f"shell-{next(_numbers):04}")
        yield client
        client.delete("session")


def client_of(pool: LocalSessionPool) -> httpx.Client:
    """Speaks the newest version, unless a test says otherwise."""
    certificate = pool.certificate
    return httpx.Client(
        base_url=pool.endpoint,
        headers={"authorization": f"Bearer {pool.credential.get_token().token}"},
        params={"api-version": "2025-10-02-preview"},
        timeout=60,
        verify=True if certificate is None else ssl.create_default_context(cafile=certificate),
    )
