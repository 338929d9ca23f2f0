"""One test, every backend: the scripted service, the local pool, and a live pool in Azure."""

import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import httpx
import pytest

from dynamic_sessions import AsyncSession, AsyncSessionPool, Credential, Image
from dynamic_sessions.testing import ScriptedExecution, ScriptedService

LIVE_ENDPOINT_VARIABLE = "DYNAMIC_SESSIONS_LIVE_ENDPOINT"

SCRIPT: Mapping[str, ScriptedExecution] = {
    "print('out')": ScriptedExecution(stdout="out\n"),
    "import sys; print('err', file=sys.stderr)": ScriptedExecution(stderr="err\n"),
    "6 * 7": ScriptedExecution(result=42),
    "'text'": ScriptedExecution(result="text"),
    "1 / 4": ScriptedExecution(result=0.25),
    "2 > 1": ScriptedExecution(result=True),
    "[1, 2]": ScriptedExecution(result="[1, 2]"),
    "print('before'); 1 / 0": ScriptedExecution(
        stdout="before\n",
        stderr="Traceback (most recent call last):\nZeroDivisionError: division by zero\n",
        failed=True,
    ),
    "import matplotlib.pyplot as plt; plt.plot([1, 2]); plt.show()": ScriptedExecution(
        result=Image(data=b"\x89PNG\r\n\x1a\n")
    ),
    "import time; time.sleep(30)": ScriptedExecution(
        stderr="Request timed out waiting for code execution to complete", failed=True
    ),
    "import os; os.getcwd()": ScriptedExecution(result="/mnt/data"),
    "double(21)": ScriptedExecution(result=42),
    "from functions import double; double(2)": ScriptedExecution(result=4),
}


@dataclass(frozen=True, kw_only=True)
class Service:
    """Where a session pool is, and how to reach it."""

    endpoint: str
    credential: Credential | None = None
    transport: httpx.AsyncBaseTransport | None = None


@pytest.fixture(
    params=["scripted", "local", pytest.param("live", marks=pytest.mark.live)], scope="session"
)
def service(request: pytest.FixtureRequest) -> Service:
    match request.param:
        case "scripted":
            return Service(
                endpoint="https://pool.test/",
                credential="token",
                transport=ScriptedService(SCRIPT).transport,
            )
        case "local":
            return Service(endpoint="local")
        case _:
            endpoint = os.environ.get(LIVE_ENDPOINT_VARIABLE)
            if endpoint is None:
                pytest.skip(f"{LIVE_ENDPOINT_VARIABLE} names no session pool in Azure")
            return Service(endpoint=endpoint)


@pytest.fixture(params=["2025-10-02-preview", "2024-10-02-preview", "2024-02-02-preview"])
async def pool(service: Service, request: pytest.FixtureRequest) -> AsyncIterator[AsyncSessionPool]:
    async with AsyncSessionPool(
        service.endpoint,
        service.credential,
        api_version=request.param,
        transport=service.transport,
    ) as pool:
        yield pool


@pytest.fixture
def session(pool: AsyncSessionPool) -> AsyncSession:
    return pool.session()
