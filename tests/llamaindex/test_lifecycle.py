"""How sessions begin and end, and how the tools reach a service."""

import asyncio
import gc
import threading
import time
from typing import Any

import httpx
import pytest
from azure.core.credentials import AccessToken
from llama_index.core.base.llms.types import TextBlock

from dynamic_sessions import AsyncSessionPool
from dynamic_sessions.testing import ScriptedService
from llama_index.tools.dynamic_sessions import CodeActSession, DynamicSessionsToolSpec

Spec = DynamicSessionsToolSpec


class ShortLivedTokens:
    """A credential whose tokens are at their end when they are new."""

    def __init__(self) -> None:
        self.threads: set[int] = set()
        self.count = 0

    def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
        del scopes, kwargs
        self.threads.add(threading.get_ident())
        self.count += 1
        return AccessToken(f"token-{self.count}", int(time.time()) + 10)


async def test_a_session_of_its_own_ends_with_the_tools(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    async with Spec(session_pool=session_pool) as spec:
        await spec.aexecute("1")
        assert list(service.sessions) == [spec.session_id]

    assert not service.sessions


async def test_a_session_that_the_program_named_stays(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    async with Spec(session_pool=session_pool, session_id="conversation-42") as spec:
        await spec.aexecute("1")

    assert list(service.sessions) == ["conversation-42"]


async def test_two_of_them_never_share_a_session_by_accident(
    session_pool: AsyncSessionPool,
) -> None:
    assert Spec(session_pool=session_pool).session_id != Spec(session_pool=session_pool).session_id


async def test_a_session_id_is_one_parameter_whatever_is_in_it(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    session_id = "a&identifier=zzz#x?y=%20"
    await Spec(session_pool=session_pool, session_id=session_id).aexecute("1")

    assert list(service.sessions) == [session_id]


# The first event loop ended without aclose(), and took connections with it that nobody could close.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_session_outlives_the_event_loop_of_a_call() -> None:
    session = CodeActSession("local")

    async def run(code: str) -> list[object]:
        return list(await session.code_execute_fn(code))

    asyncio.run(run("x = 41"))
    assert asyncio.run(run("x + 1")) == [TextBlock(text="42")]
    asyncio.run(session.aclose())
    gc.collect()


async def test_tokens_are_renewed_off_the_event_loop(service: ScriptedService) -> None:
    credential = ShortLivedTokens()
    async with AsyncSessionPool(
        "https://pool.test", credential, transport=service.transport
    ) as pool:
        spec = Spec(session_pool=pool)
        for _ in range(3):
            await spec.aexecute("1")

    sent = [request.headers["Authorization"] for request in service.requests]
    assert len(set(sent)) == len(sent)
    assert threading.get_ident() not in credential.threads


async def test_code_that_may_have_run_is_not_sent_again(
    session_pool: AsyncSessionPool, service: ScriptedService
) -> None:
    spec = Spec(session_pool=session_pool)
    await spec.aexecute("1")
    service.fail_next(httpx.Response(500))
    with pytest.raises(Exception, match="500"):
        await spec.aexecute("2")

    sent = [b'"2"' in request.content for request in service.requests]
    assert sent.count(True) == 1


def test_texts_of_the_objects_hold_no_secret() -> None:
    spec = Spec("https://pool.test", "a secret token", session_id="named")

    assert repr(spec) == "DynamicSessionsToolSpec(session_id='named')"


def test_the_service_ends_every_run_so_longer_limits_are_refused() -> None:
    with pytest.raises(ValueError, match="220"):
        Spec("local", timeout=300)
