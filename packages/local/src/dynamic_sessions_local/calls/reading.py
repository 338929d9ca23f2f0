"""What several calls take from a request, and how they watch its client."""

import asyncio
import json
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

from dynamic_sessions_local.dialects.errors import RequestError, invalid
from dynamic_sessions_local.dialects.requests import Query

MAX_JSON = 16 << 20
PATIENCE_SECONDS = 0.02

_T = TypeVar("_T")


def query_of(request: Request) -> Query:
    """The request's query parameters."""
    return Query(request.query_params.multi_items())


async def json_body(request: Request) -> object:
    """The request's body.

    Raises:
        RequestError: It is too large, or no JSON.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_JSON:
            raise RequestError(413, "RequestTooLarge", f"a body has at most {MAX_JSON} bytes")
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise invalid("the body is not JSON") from None


async def unless_abandoned(request: Request, work: Coroutine[None, None, _T]) -> _T:
    """The work's result; it is cancelled, and waited for, once the client has gone.

    Raises:
        ClientDisconnect: The client went first.
    """
    working = asyncio.ensure_future(work)
    tasks: set[asyncio.Future[Any]] = {working}
    try:
        # Most work ends before a client could lose patience, and then nobody need watch it.
        await asyncio.wait(tasks, timeout=PATIENCE_SECONDS)
        if not working.done():
            tasks.add(asyncio.ensure_future(_client_gone(request)))
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        unfinished = {task for task in tasks if task.cancel()}
        if unfinished:
            await asyncio.wait(unfinished)


async def _client_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
