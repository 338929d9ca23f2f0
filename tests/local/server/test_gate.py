"""Who gets in, under which name, and what every answer carries."""

import httpx
import pytest

from dynamic_sessions_local import LocalSessionPool
from dynamic_sessions_local.dialects.requests import VERSIONS
from dynamic_sessions_local.gate import canonical_path


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer wrong", "Basic {}", "{}", "Bearer é"]
)
def test_without_the_token_nobody_gets_in(
    pool: LocalSessionPool, authorization: str | None
) -> None:
    token = pool.credential.get_token().token
    headers: list[tuple[bytes, bytes]] = []
    if authorization is not None:
        headers.append((b"authorization", authorization.format(token).encode()))
    response = httpx.get(f"{pool.endpoint}files", headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json()["error"]["code"] == response.headers["x-ms-error-code"]


def test_the_scheme_is_matched_without_case(pool: LocalSessionPool) -> None:
    token = pool.credential.get_token().token
    response = httpx.get(f"{pool.endpoint}x", headers={"authorization": f"bEARER {token}"})
    assert response.status_code == 404


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "10.0.0.1", "[::2]", ""]
)
def test_a_request_under_a_foreign_name_is_refused(client: httpx.Client, host: str) -> None:
    response = client.get("files", headers={"host": host})
    assert response.status_code == 421
    assert response.json()["error"]["code"] == "HostNotAllowed"


@pytest.mark.parametrize("host", ["localhost", "LocalHost:1", "127.0.0.1", "127.3.2.1:1", "[::1]"])
def test_every_name_of_this_machine_itself_will_do(client: httpx.Client, host: str) -> None:
    assert client.get("nothing", headers={"host": host}).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "nothing/here", 404, "NotFound"),
        ("GET", "", 404, "NotFound"),
        ("PUT", "files", 400, "SessionRequestNotSupported"),
        ("GET", "executions", 400, "SessionRequestNotSupported"),
    ],
)
def test_what_is_not_offered_gets_the_error_envelope(
    client: httpx.Client, method: str, path: str, status: int, code: str
) -> None:
    response = client.request(method, path)
    assert (response.status_code, response.headers["x-ms-error-code"]) == (status, code)
    error = response.json()["error"]
    assert list(error) == ["code", "message", "traceId"]
    assert error["code"] == code


def test_every_answer_has_an_id_of_its_own_and_the_versions(client: httpx.Client) -> None:
    answers = [client.get("files"), client.get("nothing"), client.get("files")]
    assert len({answer.headers["mise-correlation-id"] for answer in answers}) == 3
    assert {answer.headers["api-supported-versions"] for answer in answers} == {", ".join(VERSIONS)}


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"api-version": ""}, "ApiVersionUnspecified"),
        ({"api-version": "2099-01-01"}, "UnsupportedApiVersion"),
        ({}, "SessionRequestValidationFailed"),
        ({"identifier": "abc"}, "SessionRequestValidationFailed"),
        ({"identifier": "with blank"}, "SessionRequestValidationFailed"),
        ({"identifier": "fine", "Identifier": "twice"}, "SessionRequestValidationFailed"),
    ],
)
def test_bad_parameters_are_refused(
    client: httpx.Client, params: dict[str, str], code: str
) -> None:
    response = client.get("files", params=params)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == code


@pytest.mark.parametrize(
    ("method", "path", "canonical"),
    [
        ("POST", "/Code//Execute/", "/code/execute"),
        ("POST", "/FILES/Upload", "/files/upload"),
        ("GET", "/", "/"),
        ("GET", "//files//", "/files"),
        ("GET", "/Files/A.txt", "/files/A.txt"),
        ("GET", "/files/A.txt/Content/", "/files/A.txt/content"),
        ("GET", "/files/Content/A.txt", "/files/content/A.txt"),
        ("GET", "/files/content", "/files/content"),
        ("GET", "/files/content/content", "/files/content/content"),
        ("GET", "/files/a/b/content", "/files/a%2Fb/content"),
        ("GET", "/files/content/a/b", "/files/content/a%2Fb"),
        ("DELETE", "/files/a/b", "/files/a%2Fb"),
        ("GET", "/files/%2e%2e%2Fx", "/files/%2e%2e%2Fx"),
    ],
)
def test_paths_are_read_without_case_and_names_as_they_are(
    method: str, path: str, canonical: str
) -> None:
    assert canonical_path(method, path) == canonical


def test_an_identifier_of_every_allowed_character_is_one_session(client: httpx.Client) -> None:
    identifier = "_|}{[]:\";'<>?/.,@#$%^&*()-+=!~`"
    params = {"identifier": identifier}
    body = client.post("EXECUTIONS/", params=params, json={"code": "1"}).json()
    assert body["identifier"] == identifier
    assert client.delete("Session", params=params).status_code == 204
