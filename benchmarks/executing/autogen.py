"""AutoGen's code executors."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from autogen_core import CancellationToken
from autogen_core.code_executor import CodeBlock, CodeExecutor
from autogen_ext.code_executors import azure
from azure.core.credentials import AccessToken

import autogen_ext_dynamic_sessions
from benchmarks.executing import TOKEN, Execute
from benchmarks.programs import ADD

_NEVER = 1 << 40


class _Credential:
    def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
        return AccessToken(TOKEN, _NEVER)


@asynccontextmanager
async def ours(endpoint: str) -> AsyncGenerator[Execute]:
    """Yield what executes by this project's executor."""
    async with autogen_ext_dynamic_sessions.ACADynamicSessionsCodeExecutor(
        endpoint, TOKEN
    ) as executor:
        yield _executions(executor)


@asynccontextmanager
async def theirs(endpoint: str) -> AsyncGenerator[Execute]:
    """Yield what executes by autogen-ext's executor of the same name."""
    async with azure.ACADynamicSessionsCodeExecutor(endpoint, _Credential()) as executor:
        yield _executions(executor)


def _executions(executor: CodeExecutor) -> Execute:
    async def execute() -> object:
        block = CodeBlock(code=ADD.code, language="python")
        return (await executor.execute_code_blocks([block], CancellationToken())).output

    return execute
