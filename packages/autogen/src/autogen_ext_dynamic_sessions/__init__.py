"""AutoGen code executor for Azure Container Apps dynamic sessions, or for the same on this machine."""

from autogen_ext_dynamic_sessions.config import (
    ACADynamicSessionsCodeExecutorConfig,
    FunctionConfig,
)
from autogen_ext_dynamic_sessions.credentials import TokenProvider
from autogen_ext_dynamic_sessions.errors import (
    CodeExecutionTimeoutError,
    InvalidFunctionError,
    SessionConnectionError,
)
from autogen_ext_dynamic_sessions.executor import ACADynamicSessionsCodeExecutor
from autogen_ext_dynamic_sessions.results import DynamicSessionsCodeResult

__all__ = [
    "ACADynamicSessionsCodeExecutor",
    "ACADynamicSessionsCodeExecutorConfig",
    "CodeExecutionTimeoutError",
    "DynamicSessionsCodeResult",
    "FunctionConfig",
    "InvalidFunctionError",
    "SessionConnectionError",
    "TokenProvider",
]

# Errors and reprs print the name under which callers import a class.
for _public in [globals()[name] for name in __all__]:
    _public.__module__ = __name__
