"""Adapters of ours and the published packages in whose place they stand, used in the same way."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from autogen_core import CancellationToken
from autogen_core.code_executor import CodeBlock, CodeExecutor
from autogen_ext.code_executors import azure as autogen_azure
from azure.core.credentials import AccessToken
from langchain_core.tools import BaseTool
from llama_index.tools.azure_code_interpreter import (  # pyright: ignore[reportMissingTypeStubs]
    AzureCodeInterpreterToolSpec,
)

import autogen_ext_dynamic_sessions as autogen_ours
import langchain_dynamic_sessions as langchain_ours
from dynamic_sessions import AsyncSessionPool
from llama_index.tools.dynamic_sessions import DynamicSessionsToolSpec

_RESULT = "42"


def times_two(number: int) -> int:
    """Return twice a number."""
    return 2 * number


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where sessions are.

    Attributes:
        endpoint: Of the session pool.
        token: Its bearer token.
        identifiers: Of the sessions to use there.
    """

    endpoint: str
    token: str
    identifiers: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Caller:
    """One session as an agent has it.

    Attributes:
        execute: Runs code and raises a RuntimeError if the result is not the right one.
        start: Does what may be done before there is code.
    """

    execute: Callable[[], Awaitable[None]]
    start: Callable[[], Awaitable[None]]


Callers = Callable[[Place], AbstractAsyncContextManager[Sequence[Caller]]]
"""Has a caller for each session of a place for the length of a with-block."""


@asynccontextmanager
async def autogen_adapter(place: Place) -> AsyncGenerator[Sequence[Caller]]:
    """Executors of ours with an injected function, all on one session pool."""
    async with AsyncSessionPool(place.endpoint, place.token) as pool:
        executors = [
            autogen_ours.ACADynamicSessionsCodeExecutor(
                session_pool=pool, session_id=identifier, functions=[times_two]
            )
            for identifier in place.identifiers
        ]
        yield [_executor(each) for each in executors]
        for each in executors:
            await each.stop()


@asynccontextmanager
async def autogen_ext(place: Place) -> AsyncGenerator[Sequence[Caller]]:
    """autogen-ext's executors, with the same function."""
    executors = [
        autogen_azure.ACADynamicSessionsCodeExecutor(
            place.endpoint, _Credential(place.token), session_id=identifier, functions=[times_two]
        )
        for identifier in place.identifiers
    ]
    yield [_executor(each) for each in executors]
    for each in executors:
        await each.stop()


@asynccontextmanager
async def langchain_adapter(place: Place) -> AsyncGenerator[Sequence[Caller]]:
    """LangChain tools of ours."""
    with ExitStack() as stack:
        yield [
            _tool(
                stack.enter_context(
                    langchain_ours.SessionsPythonREPLTool(
                        place.endpoint, place.token, session_id=identifier
                    )
                )
            )
            for identifier in place.identifiers
        ]


@asynccontextmanager
async def langchain_azure(place: Place) -> AsyncGenerator[Sequence[Caller]]:
    """langchain-azure-dynamic-sessions' tools."""
    # Its import warns that it has a successor.
    from langchain_azure_dynamic_sessions import SessionsPythonREPLTool  # noqa: PLC0415

    yield [
        _tool(
            SessionsPythonREPLTool(
                pool_management_endpoint=place.endpoint,
                access_token_provider=lambda: place.token,
                session_id=identifier,
            )
        )
        for identifier in place.identifiers
    ]


@asynccontextmanager
async def llama_index_adapter(place: Place) -> AsyncGenerator[Sequence[Caller]]:
    """LlamaIndex tools of ours."""
    with ExitStack() as stack:
        yield [
            _function(
                stack.enter_context(
                    DynamicSessionsToolSpec(place.endpoint, place.token, session_id=identifier)
                ).execute
            )
            for identifier in place.identifiers
        ]


@asynccontextmanager
async def llama_index_interpreter(place: Place) -> AsyncGenerator[Sequence[Caller]]:
    """llama-index-tools-azure-code-interpreter's tools."""

    def interpreter(identifier: str) -> Callable[[str], object]:
        spec = AzureCodeInterpreterToolSpec(
            pool_management_endpoint=place.endpoint, session_id=identifier
        )
        spec.access_token_provider = lambda: place.token
        # It does not say what is in the dictionary that it returns.
        return cast("Callable[[str], object]", spec.code_interpreter)  # pyright: ignore[reportUnknownMemberType]

    yield [_function(interpreter(identifier)) for identifier in place.identifiers]


CALLERS: dict[str, Callers] = {
    "AutoGen adapter": autogen_adapter,
    "autogen-ext": autogen_ext,
    "LangChain adapter": langchain_adapter,
    "langchain-azure-dynamic-sessions": langchain_azure,
    "LlamaIndex adapter": llama_index_adapter,
    "llama-index-tools-azure-code-interpreter": llama_index_interpreter,
}


class _Credential:
    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        **kwargs: Any,
    ) -> AccessToken:
        return AccessToken(self._token, 2**40)


def _executor(executor: CodeExecutor) -> Caller:
    async def execute() -> None:
        block = CodeBlock(code="times_two(21)", language="python")
        result = await executor.execute_code_blocks([block], CancellationToken())
        _expect(result.output)

    return Caller(execute=execute, start=executor.start)


def _tool(tool: BaseTool) -> Caller:
    return _function(tool.invoke)


def _function(function: Callable[[str], object]) -> Caller:
    async def execute() -> None:
        _expect(str(function("6 * 7")))

    async def start() -> None:
        """There is nothing to do."""

    return Caller(execute=execute, start=start)


def _expect(text: str) -> None:
    if _RESULT not in text:
        raise RuntimeError(f"no {_RESULT} in {text!r}")
