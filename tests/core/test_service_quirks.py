"""Answers that the service was seen or documented to give, beside the usual ones."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from dynamic_sessions import AsyncSessionPool, PermissionDeniedError, ServiceProtocolError

URL = "https://pool.test/subscriptions/s/sessionPools/p"

Handler = Callable[[httpx.Request], httpx.Response]


def pool_of(handler: Handler) -> AsyncSessionPool:
    return AsyncSessionPool(URL, "token", transport=httpx.MockTransport(handler))


def file_entry(name: str) -> dict[str, object]:
    return {"name": name, "type": "file", "sizeInBytes": 1}


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_code_is_wrapped_where_a_deployment_asks_for_that(asynchronous: bool) -> None:
    ran: list[str] = []

    def service(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        if "properties" not in body:
            return httpx.Response(400, json={"error": {"code": "SessionPropertiesMissing"}})
        ran.append(body["properties"]["code"])
        answer = {"status": "Succeeded", "result": {"stdout": "", "executionResult": 42}}
        return httpx.Response(200, json=answer)

    session = pool_of(service).session()
    run = await session.execute("6 * 7", asynchronous=asynchronous)
    assert run.result == 42
    assert ran[-1] == "6 * 7"
    assert len(ran) == 2


async def test_a_list_in_pages_comes_whole_and_no_link_leads_the_token_elsewhere() -> None:
    requests: list[httpx.Request] = []

    def service(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        page = int(request.url.params.get("skip", 0))
        body: dict[str, object] = {"value": [file_entry(f"{page}.txt")]}
        if page < 2:
            body["nextLink"] = f"https://elsewhere.test/files?skip={page + 1}&identifier=other"
        return httpx.Response(200, json=body)

    files = await pool_of(service).session("mine").files.list()
    assert [file.name for file in files] == ["0.txt", "1.txt", "2.txt"]
    assert {request.url.host for request in requests} == {"pool.test"}
    assert {request.url.params["identifier"] for request in requests} == {"mine"}


@pytest.mark.parametrize("name", ["../evil.txt", "/etc/evil.txt", "a/../../evil.txt", "a\0b", ""])
async def test_names_from_the_service_do_not_lead_out_of_the_directory(
    tmp_path: Path, name: str
) -> None:
    def service(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/files"):
            return httpx.Response(200, json={"value": [file_entry(name)]})
        return httpx.Response(200, content=b"x")

    with pytest.raises(ValueError, match="name"):
        await pool_of(service).session().files.download_directory(to=tmp_path / "inside")
    assert list(tmp_path.rglob("*.txt")) == []


@dataclass(frozen=True)
class Token:
    token: str
    expires_on: int


class Tokens:
    def __init__(self) -> None:
        self.calls = 0

    def get_token(self, *_scopes: str, **_kwargs: object) -> Token:
        self.calls += 1
        return Token(f"token-{self.calls}", int(time.time()) + 3600)


async def test_after_a_missing_role_the_next_call_goes_with_a_new_token() -> None:
    def service(request: httpx.Request) -> httpx.Response:
        is_new = request.headers["Authorization"] == "Bearer token-2"
        return httpx.Response(200, json={"value": []}) if is_new else httpx.Response(403)

    pool = AsyncSessionPool(URL, Tokens(), transport=httpx.MockTransport(service))
    session = pool.session()
    with pytest.raises(PermissionDeniedError):
        await session.files.list()
    assert list(await session.files.list()) == []


async def test_an_upload_that_got_a_strange_answer_may_have_had_its_effect() -> None:
    page = httpx.Response(200, text="<p>Sign in</p>", headers={"content-type": "text/html"})
    with pytest.raises(ServiceProtocolError) as caught:
        await pool_of(lambda _: page).session().files.upload(b"x", name="a.txt")
    assert caught.value.outcome_unknown
