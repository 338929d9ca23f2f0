import subprocess
import sys

import dynamic_sessions


def test_the_public_names_are_these() -> None:
    assert set(dynamic_sessions.__all__) == {
        *("AsyncSession", "AsyncSessionFiles", "AsyncSessionPool", "AsyncSessionPools"),
        *("DualSession", "DualSessionPool", "Session", "SessionFiles"),
        *("SessionPool", "SessionPools"),
        *("AccessToken", "AsyncTokenProvider", "Credential", "TokenProvider"),
        *("CodeBlock", "Execution", "ExecutionError", "ExecutionStatus", "Image"),
        *("JsonValue", "SessionFile", "SessionStatus", "ClosingReport"),
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


def test_importing_loads_nothing_of_azure_the_local_pool_the_command_line_or_a_framework() -> None:
    code = (
        "import sys, dynamic_sessions;"
        "print([n for n in ('azure', 'dynamic_sessions_local', 'uvicorn', 'typer', 'prompt_toolkit', 'autogen_core') "
        "if n in sys.modules])"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
