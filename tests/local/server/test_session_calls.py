"""Looking at sessions, ending them, and running out of them."""

from datetime import datetime, timedelta

import httpx
import pytest


def test_a_session_can_be_looked_at(client: httpx.Client, identifier: str) -> None:
    run = client.post("executions", params={"identifier": identifier}, json={"code": "1"})
    body = client.get("session", params={"identifier": identifier}).json()
    assert list(body) == ["identifier", "createdAt", "lastAccessedAt", "expireAt", "etag"]
    assert body["identifier"] == identifier
    assert body["etag"] == run.headers["x-ms-session-guid"]
    created, accessed, expires = (
        datetime.fromisoformat(body[name][:26])
        for name in ("createdAt", "lastAccessedAt", "expireAt")
    )
    assert created < accessed
    assert expires - accessed == timedelta(seconds=300)


def test_looking_at_a_session_allocates_none(client: httpx.Client, identifier: str) -> None:
    for response in (
        client.get("session", params={"identifier": identifier}),
        client.delete("session", params={"identifier": identifier}),
        client.get("session", params={"identifier": identifier}),
    ):
        assert response.status_code == 400
        assert response.json()["error"]["code"] == "SessionWithIdentifierNotFound"


def test_a_file_call_allocates_a_session(client: httpx.Client, identifier: str) -> None:
    assert client.get("files", params={"identifier": identifier}).json() == {"value": []}
    assert client.get("session", params={"identifier": identifier}).status_code == 200


def test_a_deleted_identifier_is_fresh(client: httpx.Client, identifier: str) -> None:
    params = {"identifier": identifier}
    code = "x = 1; open('/mnt/data/old.txt', 'w').close()"
    before = client.post("executions", params=params, json={"code": code})
    deleted = client.delete("session", params=params)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert client.get("files", params=params).json() == {"value": []}
    assert client.get("files/old.txt/content", params=params).status_code == 404
    after = client.post("executions", params=params, json={"code": "'x' in globals()"})
    assert after.json()["result"]["executionResult"] is False
    assert after.headers["x-ms-session-guid"] != before.headers["x-ms-session-guid"]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_session_calls_are_refused_in_versions_that_lack_them(
    client: httpx.Client, identifier: str, method: str
) -> None:
    response = client.request(
        method, "session", params={"identifier": identifier, "api-version": "2024-10-02-preview"}
    )
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "UnsupportedApiVersion"
    assert response.headers["api-supported-versions"] == "2025-02-02-preview, 2025-10-02-preview"


def test_a_full_pool_says_when_to_come_back(small_client: httpx.Client) -> None:
    for identifier in ("one-of-two", "two-of-two"):
        assert small_client.get("files", params={"identifier": identifier}).status_code == 200
    refused = small_client.get("files", params={"identifier": "third-of-two"})
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 30
    assert refused.json()["error"]["code"] == refused.headers["x-ms-error-code"]
    small_client.delete("session", params={"identifier": "one-of-two"})
    assert small_client.get("files", params={"identifier": "third-of-two"}).status_code == 200
    for identifier in ("two-of-two", "third-of-two"):
        small_client.delete("session", params={"identifier": identifier})
