"""What a pool and a session say of what is alive."""

from datetime import UTC, datetime

import httpx
import pytest

from dynamic_sessions import (
    AsyncSessionPool,
    PermissionDeniedError,
    ServiceProtocolError,
    SessionPool,
    SessionStatus,
)
from dynamic_sessions.testing import ScriptedService
from dynamic_sessions_local import LocalSessionPool

ENTRY = {
    "identifier": "conversation-1",
    "etag": "9334cb07",
    "expiresAt": "2025-01-21T04:38:05.2320000Z",
    "createdAt": "2025-01-21T03:38:05.2320000Z",
}


async def listed(service: ScriptedService) -> list[SessionStatus]:
    async with AsyncSessionPool("https://pool.test/", "token", transport=service.transport) as pool:
        return list(await pool.list_sessions())


async def test_a_session_is_listed_with_its_times() -> None:
    service = ScriptedService()
    service.fail_next(httpx.Response(200, json={"value": [ENTRY], "count": 1}))

    assert await listed(service) == [
        SessionStatus(
            identifier="conversation-1",
            etag="9334cb07",
            created_at=datetime(2025, 1, 21, 3, 38, 5, 232000, UTC),
            expires_at=datetime(2025, 1, 21, 4, 38, 5, 232000, UTC),
        )
    ]
    (request,) = service.requests
    assert (request.method, request.url.path) == ("POST", "/.management/listSessions")
    assert request.content == b""


async def test_pages_are_fetched_to_the_last_and_never_from_another_host() -> None:
    service = ScriptedService()
    link = "https://elsewhere.test/.management/listSessions?skip=300"
    first = {"value": [ENTRY], "count": 1, "nextLink": link}
    second = {"value": [ENTRY | {"identifier": "conversation-2"}], "count": 1, "nextLink": None}
    for page in (first, second):
        service.fail_next(httpx.Response(200, json=page))

    found = await listed(service)

    assert [each.identifier for each in found] == ["conversation-1", "conversation-2"]
    _, request = service.requests
    assert (request.method, request.url.host) == ("POST", "pool.test")
    assert dict(request.url.params) == {"skip": "300", "api-version": "2025-10-02-preview"}


@pytest.mark.parametrize("body", [[], {}, {"value": 1}, {"value": [1]}])
async def test_an_answer_of_another_shape_is_a_protocol_error(body: object) -> None:
    service = ScriptedService()
    service.fail_next(httpx.Response(200, json=body))

    with pytest.raises(ServiceProtocolError):
        await listed(service)


async def test_a_refusal_is_an_error() -> None:
    service = ScriptedService()
    service.fail_next(httpx.Response(403))

    with pytest.raises(PermissionDeniedError):
        await listed(service)


def test_the_local_pool_lists_what_is_alive_and_only_that() -> None:
    with LocalSessionPool() as local, SessionPool(local.endpoint, local.credential) as pool:
        assert pool.list_sessions() == []
        session = pool.session("the-session")
        assert session.status() is None
        assert pool.list_sessions() == []

        session.execute("x = 1")

        (found,) = pool.list_sessions()
        status = session.status()
        assert status
        assert (found.identifier, found.etag) == ("the-session", status.etag)
        assert found.created_at == status.created_at
        assert found.created_at
        assert found.last_accessed_at
        assert found.expires_at
        assert found.created_at <= found.last_accessed_at < found.expires_at

        session.delete()
        assert session.status() is None
        assert pool.list_sessions() == []
