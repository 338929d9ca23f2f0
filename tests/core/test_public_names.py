import subprocess
import sys

import pytest

import dynamic_sessions


def test_the_public_names_are_these() -> None:
    assert set(dynamic_sessions.__all__) == {
        *("AsyncSession", "AsyncSessionFiles", "AsyncSessionPool", "AsyncSessionPools"),
        *("DualSession", "DualSessionPool", "Session", "SessionFiles"),
        *("SessionPool", "SessionPools"),
        *("AccessToken", "AsyncTokenProvider", "Credential", "TokenProvider"),
        *("CodeBlock", "Execution", "ExecutionError", "ExecutionStatus", "Image"),
        *("JsonValue", "SessionFile", "SessionStatus", "ClosingReport"),
        *("PastExecution", "SessionHistory"),
        *("Deadlines", "RetryPolicy", "identifier_for"),
        *("FunctionModule", "FunctionSpec", "InjectableFunction", "with_requirements"),
        *("clean_code", "describe_functions", "extract_code_blocks", "render_execution"),
        *("DynamicSessionsError", "ExecutionFailed"),
        *("FunctionError", "FunctionLoadError", "FunctionSourceError", "MissingPackagesError"),
        *("ServiceError", "ServiceConnectionError", "ServiceTimeoutError"),
        *("ServiceProtocolError", "ServiceResponseError", "InvalidRequestError"),
        *("SessionNotFoundError", "AuthenticationError", "PermissionDeniedError"),
        *("NotFoundError", "PayloadTooLargeError", "PoolExhaustedError", "ServerError"),
    }


def test_classes_show_their_public_name() -> None:
    assert dynamic_sessions.PoolExhaustedError.__module__ == "dynamic_sessions"
    assert dynamic_sessions.AsyncSession.__module__ == "dynamic_sessions"


HEAVY = {
    *("azure", "dynamic_sessions_local", "uvicorn", "typer", "prompt_toolkit", "numpy", "pydantic"),
    *("autogen_core", "langchain_core", "llama_index", "agent_framework", "mcp"),
    # Without which nothing is sent, but neither is anything before there is a pool.
    *("asyncio", "opentelemetry"),
    # Of use where a function requires something.
    "packaging",
}


def test_importing_loads_nothing_that_may_not_be_needed() -> None:
    assert loaded_by("import dynamic_sessions").isdisjoint(HEAVY)


@pytest.mark.parametrize(
    ("adapter", "framework"),
    [
        ("autogen_ext_dynamic_sessions", "from autogen_core import Component, code_executor"),
        ("langchain_dynamic_sessions", "from langchain_core.tools import BaseTool"),
        ("llama_index.tools.dynamic_sessions", "from llama_index.core import tools"),
        ("maf_dynamic_sessions", "from agent_framework import AgentSession, FunctionTool"),
        ("dynamic_sessions_mcp", "import mcp.server, mcp.types"),
    ],
)
def test_an_adapter_loads_no_more_than_its_framework_does(adapter: str, framework: str) -> None:
    assert (loaded_by(f"import {adapter}") - loaded_by(framework)).isdisjoint(HEAVY)


def loaded_by(statement: str) -> set[str]:
    """The top-level modules that a new process has after an import."""
    code = f"{statement}\nimport sys; print(*sys.modules)"
    done = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in done.stdout.split()}
