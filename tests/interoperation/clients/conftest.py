"""Where the pools are. This and what is beside it runs in environments that have nothing of ours."""

import os
import uuid

import pytest


@pytest.fixture(scope="session")
def endpoint() -> str:
    return os.environ["DYNAMIC_SESSIONS_ENDPOINT"]


@pytest.fixture(scope="session")
def token() -> str:
    return os.environ["DYNAMIC_SESSIONS_TOKEN"]


@pytest.fixture
def identifier() -> str:
    """One that no other test uses."""
    return str(uuid.uuid4())


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"
