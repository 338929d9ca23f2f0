"""Core's errors as AutoGen and programs written for it expect them.

    SessionConnectionError     a ServiceError that is also a ConnectionError
    InvalidFunctionError       a FunctionError that is also a ValueError
    CodeExecutionTimeoutError  an asyncio.TimeoutError with what the code had printed

The first two are raised from the precise error of dynamic_sessions, which is their __cause__. A
ServiceTimeoutError is an asyncio.TimeoutError already and passes as it is.
"""

from collections.abc import Generator
from contextlib import contextmanager

from autogen_ext_dynamic_sessions.results import DynamicSessionsCodeResult
from dynamic_sessions import FunctionError, ServiceError, ServiceTimeoutError


class SessionConnectionError(ServiceError, ConnectionError):
    """The service, or the way to it, failed."""


class InvalidFunctionError(FunctionError, ValueError):
    """A function cannot be had in the session."""


class CodeExecutionTimeoutError(TimeoutError):
    """The code was stopped at its time limit.

    Attributes:
        result: Everything up to then, the blocks before it included.
    """

    def __init__(self, result: DynamicSessionsCodeResult) -> None:
        super().__init__(f"The code was stopped at its time limit. Its output:\n{result.output}")
        self.result = result


@contextmanager
def autogen_errors() -> Generator[None]:
    """Raise core's errors in the form that callers of a code executor catch."""
    try:
        yield
    except ServiceTimeoutError:
        raise
    except ServiceError as error:
        raise SessionConnectionError(
            str(error),
            operation=error.operation,
            request_id=error.request_id,
            outcome_unknown=error.outcome_unknown,
        ) from error
    except FunctionError as error:
        raise InvalidFunctionError(str(error), function=error.function) from error
