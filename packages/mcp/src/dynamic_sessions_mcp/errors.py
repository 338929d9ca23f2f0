"""Errors as text that a model can act on."""

from pydantic import ValidationError

from dynamic_sessions import (
    DynamicSessionsError,
    NotFoundError,
    PayloadTooLargeError,
    PoolExhaustedError,
    ServiceError,
)


class ToolError(Exception):
    """A call that fails in a way that the model should read about."""


REPORTED_ERRORS = (DynamicSessionsError, OSError, ToolError, ValueError)
"""What a call can raise that is not a fault of the server itself."""


def error_text(error: Exception) -> str:
    """Return what a model reads of an error: what happened, and what it can do."""
    match error:
        case ValidationError():
            return _argument_faults(error)
        case NotFoundError():
            return "There is no such file in the session. list_files shows which there are."
        case PayloadTooLargeError():
            return "The file is over the service's limit: write it in smaller parts."
        case PoolExhaustedError():
            return f"Nothing was run: all sessions are taken. Try again {_later(error)}."
        case ServiceError():
            return _service_fault(error)
        case FileExistsError():
            return "There is a file of that name already: take another, or pass overwrite=true."
        case FileNotFoundError():
            return "There is no such file in the shared folder. list_shared_files shows its files."
        case OSError():
            # The message would name the folder's place on this machine.
            return f"The shared folder's file cannot be used: {error.strerror}."
        case _:
            return str(error)


def _argument_faults(error: ValidationError) -> str:
    faults = [
        f"{'.'.join(map(str, fault['loc'])) or 'arguments'}: {fault['msg']}"
        for fault in error.errors(include_url=False, include_input=False)
    ]
    return "\n".join(["The arguments are not the tool's:", *faults])


def _later(error: PoolExhaustedError) -> str:
    return "later" if error.retry_after is None else f"in {error.retry_after:.0f} seconds"


def _service_fault(error: ServiceError) -> str:
    may_have_run = "It may have had its effect all the same: look before you repeat it."
    return f"{error} {may_have_run}" if error.outcome_unknown else str(error)
