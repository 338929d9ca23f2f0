"""Lists of sessions, and the dialect in which they are managed, on real kernels."""

from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from dynamic_sessions_local import LocalSessionPool

from .conftest import client_of

OLD, NEW = "2024-02-02-preview", "2025-10-02-preview"


@pytest.fixture
def alone() -> Iterator[httpx.Client]:
    """A client of a pool that nobody else uses."""
    with LocalSessionPool(max_sessions=700) as pool, client_of(pool) as client:
        yield client


def test_sessions_are_listed_in_both_dialects_and_looking_is_no_use(alone: httpx.Client) -> None:
    assert alone.get("listSessions").json() == {"sessions": []}
    empty = alone.post(".management/listSessions").json()
    assert empty == {"value": [], "count": 0, "nextLink": None}
    for identifier in ("first", "second"):
        alone.post("executions", params={"identifier": identifier}, json={"code": "1"})
    flat = alone.get("listSessions").json()["sessions"]
    assert [each["identifier"] for each in flat] == ["first", "second"]
    assert flat[0] == {
        key: flat[0][key]
        for key in ("identifier", "createdAt", "lastAccessedAt", "expireAt", "etag")
    }
    for version in (OLD, NEW):
        managed = alone.post(".management/listSessions", params={"api-version": version}).json()
        assert managed["count"] == 2
        for one, other in zip(managed["value"], flat, strict=True):
            assert one == {
                "identifier": other["identifier"],
                "etag": other["etag"],
                "expiresAt": other["expireAt"],
                "createdAt": other["createdAt"],
                "lastAccessedAt": other["lastAccessedAt"],
            }
    assert alone.get("listSessions").json()["sessions"] == flat


def test_a_list_has_pages_of_300_whose_links_lead_through_all_of_it(alone: httpx.Client) -> None:
    identifiers = [f"number-{number:03}" for number in range(301)]
    for identifier in identifiers:
        alone.get("files", params={"identifier": identifier}).raise_for_status()
    for method, path, member in (
        ("GET", "listSessions", "sessions"),
        ("POST", ".management/listSessions", "value"),
    ):
        first = alone.request(method, path).json()
        assert len(first[member]) == 300
        link = urlsplit(str(first["nextLink"]))
        assert f"{link.scheme}://{link.netloc}/" == str(alone.base_url)
        assert dict(parse_qsl(link.query)) == {"api-version": NEW, "skip": "300"}
        second = httpx.request(method, first["nextLink"], headers=alone.headers).json()
        assert not second.get("nextLink")
        found = [each["identifier"] for each in first[member] + second[member]]
        assert found == identifiers
        assert alone.request(method, path, params={"skip": 301}).json()[member] == []


@pytest.mark.parametrize("number", ["-1", "x", "1.5", "9" * 10])
def test_a_page_begins_at_a_number(client: httpx.Client, number: str) -> None:
    response = client.get("listSessions", params={"skip": number})
    assert response.json()["error"]["code"] == "SessionRequestValidationFailed"


@pytest.mark.parametrize("version", [OLD, NEW])
def test_a_session_is_looked_at_and_stopped(
    client: httpx.Client, identifier: str, version: str
) -> None:
    params = {"identifier": identifier, "api-version": version}
    for call in ("getSession", "stopSession", "GETSESSION"):
        absent = client.post(f".management/{call}", params=params)
        assert absent.status_code == 400
        assert absent.json()["error"]["code"] == "SessionWithIdentifierNotFound"
    run = client.post("executions", params={"identifier": identifier}, json={"code": "x = 1"})
    seen = client.post(".management/getSession", params=params).json()
    assert (seen["identifier"], seen["etag"]) == (identifier, run.headers["x-ms-session-guid"])
    stopped = client.post("/.management//stopSession/", params=params)
    assert stopped.status_code == 200
    assert stopped.headers["content-type"].startswith("text/plain")
    assert stopped.text == f"Session {identifier} in session pool local stopped."
    assert client.post(".management/getSession", params=params).status_code == 400


def test_metadata_names_the_sessions_python_and_its_packages(
    session: httpx.Client,
) -> None:
    response = session.get("metadata")
    body = response.json()
    assert response.headers["api-supported-versions"] == "2025-02-02-preview, 2025-10-02-preview"
    assert list(body) == [
        "runtimes", "preInstalledPackages", "createdAt", "lastUpdatedAt", "jupyterKernel",
    ]  # fmt: skip
    code = "import IPython, numpy, platform\n[platform.python_version(), numpy.__version__, IPython.__version__]"
    run = session.post("executions", json={"code": code}).json()
    packages = {each["name"].lower(): each["version"] for each in body["preInstalledPackages"]}
    (runtime,) = body["runtimes"]
    found = [runtime["version"], packages["numpy"], body["jupyterKernel"]["version"]]
    assert run["result"]["executionResult"] == str(found)
    assert session.get("metadata", params={"api-version": OLD}).status_code == 400
