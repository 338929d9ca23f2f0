"""Core's errors as LangChain's tools raise them.

    ToolException
    ├── SessionToolException    the service, or the way to it, failed; __cause__ is the precise error
    └── ToolArgumentException   the model named a file that is not there, or is no valid name

A tool's handle_tool_error decides what becomes of them. By default the first is raised and the
second is told the model.
"""

from collections.abc import Generator
from contextlib import contextmanager

from langchain_core.tools import ToolException

from dynamic_sessions import FunctionError, NotFoundError, ServiceError


class SessionToolException(ToolException):
    """The service, or the way to it, failed, or the session cannot have the functions."""


class ToolArgumentException(ToolException):
    """What a model passed cannot be done; it may try again."""


@contextmanager
def tool_errors() -> Generator[None]:
    """Raise core's errors in the form that handle_tool_error sees."""
    try:
        yield
    except (ServiceError, FunctionError) as error:
        raise SessionToolException(str(error)) from error


@contextmanager
def file_errors() -> Generator[None]:
    """Tell names that a model got wrong from a service that fails."""
    with tool_errors():
        try:
            yield
        except NotFoundError as error:
            raise ToolArgumentException("The session has no such file.") from error
        except ValueError as error:
            raise ToolArgumentException(str(error)) from error
