"""The HTTP library with nothing around it: the request that AsyncSession sends, and its answer."""

import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from benchmarks.executing import TOKEN, Execute
from benchmarks.programs import ADD
from benchmarks.raw_http import API_VERSION

_TIMEOUT_SECONDS = 60
_OPTIONS: dict[str, Any] = {"headers": {"authorization": f"Bearer {TOKEN}"}, "timeout": 75}
_BODY = {
    "codeInputType": "Inline",
    "executionType": "Synchronous",
    "code": ADD.code,
    "timeoutInSeconds": _TIMEOUT_SECONDS,
    "outputStreamsMaxLength": 1_000_000,
}


@asynccontextmanager
async def asynchronous(endpoint: str) -> AsyncGenerator[Execute]:
    """Yield what executes by httpx.AsyncClient."""

    async def execute() -> object:
        return _result(await client.post("executions", **_request(identifier)))

    identifier = str(uuid.uuid4())
    async with httpx.AsyncClient(base_url=endpoint, **_OPTIONS) as client:
        yield execute


@asynccontextmanager
async def synchronous(endpoint: str) -> AsyncGenerator[Execute]:
    """Yield what executes by httpx.Client."""

    async def execute() -> object:
        reply = client.post("executions", **_request(identifier))  # noqa: ASYNC212 - alone here
        return _result(reply)

    identifier = str(uuid.uuid4())
    with httpx.Client(base_url=endpoint, **_OPTIONS) as client:
        yield execute


def _request(identifier: str) -> dict[str, Any]:
    return {
        "params": {"api-version": API_VERSION, "identifier": identifier},
        "headers": {"operation-id": str(uuid.uuid4())},
        "json": _BODY,
    }


def _result(response: httpx.Response) -> object:
    return response.raise_for_status().json()["result"]["executionResult"]
