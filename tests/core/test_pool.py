import logging

import httpx
import pytest

from dynamic_sessions import AsyncSessionPool
from dynamic_sessions.testing import ScriptedService

URL = "https://pool.test/subscriptions/s/sessionPools/p"


async def test_closing_deletes_the_sessions_that_the_pool_named_and_no_others() -> None:
    service = ScriptedService()
    async with AsyncSessionPool(URL, "token", transport=service.transport) as pool:
        await pool.session("mine").execute("1")
        await pool.session().execute("1")
        await pool.session().files.upload(b"x", name="a.txt")
        pool.session()
        assert len(service.sessions) == 3
    assert list(service.sessions) == ["mine"]


async def test_a_session_that_was_deleted_is_not_deleted_again_on_closing() -> None:
    service = ScriptedService()
    async with AsyncSessionPool(URL, "token", transport=service.transport) as pool:
        session = pool.session()
        await session.execute("1")
        await session.delete()
        requests = len(service.requests)
    assert len(service.requests) == requests


async def test_closing_survives_a_service_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    service = ScriptedService()
    with caplog.at_level(logging.WARNING):
        async with AsyncSessionPool(URL, "token", transport=service.transport) as pool:
            await pool.session().execute("1")
            service.fail_next(httpx.Response(403))
    assert "could not be deleted" in caplog.text


async def test_sessions_without_a_name_are_different_sessions() -> None:
    pool = AsyncSessionPool(URL, "token")
    assert pool.session().identifier != pool.session().identifier


@pytest.mark.parametrize("identifier", ["abc", "x" * 129, "a b c d", "été-2026", "abcd\n", ""])
def test_what_is_no_identifier_is_refused(identifier: str) -> None:
    with pytest.raises(ValueError, match="identifier"):
        AsyncSessionPool(URL, "token").session(identifier)


@pytest.mark.parametrize("identifier", ["test", "a&identifier=zzz#x", "user:42/mail@x"])
async def test_an_identifier_reaches_the_service_as_it_is(identifier: str) -> None:
    service = ScriptedService()
    async with AsyncSessionPool(URL, "token", transport=service.transport) as pool:
        await pool.session(identifier).execute("1")
    assert {request.url.params["identifier"] for request in service.requests} == {identifier}
    assert set(service.sessions) == {identifier}


@pytest.mark.parametrize(
    "arguments",
    [
        {"api_version": "newest"},
        {"timeout": 0},
        {"timeout": 1000},
        {"output_limit": 0},
    ],
)
def test_arguments_out_of_range_are_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"API version|time limit|output_limit"):
        AsyncSessionPool(URL, "token", **arguments)  # pyright: ignore[reportArgumentType] - wrong on purpose


def test_neither_token_nor_session_content_shows_in_a_repr() -> None:
    pool = AsyncSessionPool(URL, "s3cret")
    assert "s3cret" not in repr(pool) + repr(pool.session()) + repr(vars(pool))


@pytest.mark.usefixtures("without_local_pool")
async def test_a_pool_that_was_never_found_says_why_and_closes_without_another_error() -> None:
    with pytest.raises(ValueError, match="dynamic-sessions-local"):
        async with AsyncSessionPool("local") as pool:
            await pool.session().execute("1")
