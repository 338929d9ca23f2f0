"""Core's errors as Agent Framework and middleware written for it expect them.

    SessionServiceError   a ServiceError that is also a ToolExecutionException
    SessionFunctionError  a FunctionError that is also a ToolExecutionException

Both are raised from the precise error of dynamic_sessions, which is their __cause__.
"""

from collections.abc import Generator
from contextlib import contextmanager

from agent_framework.exceptions import ToolExecutionException

from dynamic_sessions import FunctionError, ServiceError


class SessionServiceError(ServiceError, ToolExecutionException):
    """The service, or the way to it, failed."""


class SessionFunctionError(FunctionError, ToolExecutionException):
    """A function cannot be had in the session."""


@contextmanager
def tool_errors() -> Generator[None]:
    """Raise core's errors in the form that a tool raises."""
    try:
        yield
    except ServiceError as error:
        translated = SessionServiceError(
            str(error),
            operation=error.operation,
            request_id=error.request_id,
            outcome_unknown=error.outcome_unknown,
        )
        translated.session_deleted = error.session_deleted
        raise translated from error
    except FunctionError as error:
        raise SessionFunctionError(str(error), function=error.function) from error
