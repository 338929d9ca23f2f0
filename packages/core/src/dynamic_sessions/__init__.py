"""Run model-written Python in dynamic sessions, in Azure or on this machine."""

from dynamic_sessions.credentials import (
    AccessToken,
    AsyncTokenProvider,
    Credential,
    TokenProvider,
)
from dynamic_sessions.deadlines import Deadlines
from dynamic_sessions.dual_pool import DualSessionPool
from dynamic_sessions.dual_session import DualSession
from dynamic_sessions.errors import (
    AuthenticationError,
    DynamicSessionsError,
    ExecutionFailed,
    FunctionError,
    FunctionLoadError,
    FunctionSourceError,
    InvalidRequestError,
    MissingPackagesError,
    NotFoundError,
    PayloadTooLargeError,
    PermissionDeniedError,
    PoolExhaustedError,
    ServerError,
    ServiceConnectionError,
    ServiceError,
    ServiceProtocolError,
    ServiceResponseError,
    ServiceTimeoutError,
    SessionNotFoundError,
)
from dynamic_sessions.files import AsyncSessionFiles
from dynamic_sessions.functions import (
    FunctionModule,
    FunctionSpec,
    InjectableFunction,
    with_requirements,
)
from dynamic_sessions.history import SessionHistory
from dynamic_sessions.identifiers import identifier_for
from dynamic_sessions.models import (
    ClosingReport,
    CodeBlock,
    Execution,
    ExecutionError,
    ExecutionStatus,
    Image,
    JsonValue,
    PastExecution,
    SessionFile,
    SessionStatus,
)
from dynamic_sessions.pool import AsyncSessionPool
from dynamic_sessions.pools import AsyncSessionPools
from dynamic_sessions.prompts import (
    clean_code,
    describe_functions,
    extract_code_blocks,
    render_execution,
)
from dynamic_sessions.retries import RetryPolicy
from dynamic_sessions.session import AsyncSession
from dynamic_sessions.sync import Session, SessionFiles, SessionPool, SessionPools

__all__ = [
    "AccessToken",
    "AsyncSession",
    "AsyncSessionFiles",
    "AsyncSessionPool",
    "AsyncSessionPools",
    "AsyncTokenProvider",
    "AuthenticationError",
    "ClosingReport",
    "CodeBlock",
    "Credential",
    "Deadlines",
    "DualSession",
    "DualSessionPool",
    "DynamicSessionsError",
    "Execution",
    "ExecutionError",
    "ExecutionFailed",
    "ExecutionStatus",
    "FunctionError",
    "FunctionLoadError",
    "FunctionModule",
    "FunctionSourceError",
    "FunctionSpec",
    "Image",
    "InjectableFunction",
    "InvalidRequestError",
    "JsonValue",
    "MissingPackagesError",
    "NotFoundError",
    "PastExecution",
    "PayloadTooLargeError",
    "PermissionDeniedError",
    "PoolExhaustedError",
    "RetryPolicy",
    "ServerError",
    "ServiceConnectionError",
    "ServiceError",
    "ServiceProtocolError",
    "ServiceResponseError",
    "ServiceTimeoutError",
    "Session",
    "SessionFile",
    "SessionFiles",
    "SessionHistory",
    "SessionNotFoundError",
    "SessionPool",
    "SessionPools",
    "SessionStatus",
    "TokenProvider",
    "clean_code",
    "describe_functions",
    "extract_code_blocks",
    "identifier_for",
    "render_execution",
    "with_requirements",
]

# Errors and reprs print the name under which callers import a class.
for _public in [globals()[name] for name in __all__]:
    if isinstance(_public, type):
        _public.__module__ = __name__
