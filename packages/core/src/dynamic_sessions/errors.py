"""What can go wrong, as a tree.

    DynamicSessionsError
    ├── ServiceError                      the service, or the way to it, failed
    │   ├── ServiceConnectionError        nothing was sent
    │   ├── ServiceTimeoutError           no answer in time; also a TimeoutError
    │   ├── ServiceProtocolError          a success whose body is not as documented
    │   └── ServiceResponseError          an error status, with the service's code and message
    │       ├── InvalidRequestError       400
    │       │   └── SessionNotFoundError  no session has this identifier
    │       ├── AuthenticationError       401
    │       ├── PermissionDeniedError     403
    │       ├── NotFoundError             404
    │       ├── PayloadTooLargeError      413
    │       ├── PoolExhaustedError        429
    │       └── ServerError               5xx
    ├── FunctionError                     a function of the caller's cannot be had in the session
    │   ├── FunctionSourceError           its text cannot travel
    │   ├── MissingPackagesError          the session lacks what it requires
    │   └── FunctionLoadError             its text failed when it was run there
    └── ExecutionFailed                   raised by Execution.raise_for_status() alone

Code that fails is a result; a service that fails is an exception. Bad arguments are plain
ValueError and TypeError.
"""

from collections.abc import Sequence


class DynamicSessionsError(Exception):
    """Any error of this library."""


class ServiceError(DynamicSessionsError):
    """The service, or the way to it, failed.

    Attributes:
        operation: What was asked for, such as "execute" or "upload file".
        request_id: The service's id of the request, for a support case; None where none came back.
        outcome_unknown: True if the request may have had its effect all the same: user code may
            have run. False if it certainly had none.
        session_deleted: True if the session was deleted to stop its code: variables and files are
            gone, and the next call begins with a new session.
    """

    def __init__(
        self,
        message: str,
        *,
        operation: str,
        request_id: str | None = None,
        outcome_unknown: bool = False,
    ) -> None:
        super().__init__(message)
        self.operation = operation
        self.request_id = request_id
        self.outcome_unknown = outcome_unknown
        self.session_deleted = False


class ServiceConnectionError(ServiceError):
    """No connection could be made, or it was lost; outcome_unknown tells the two apart."""


class ServiceTimeoutError(ServiceError, TimeoutError):
    """The service did not answer within the deadline."""


class ServiceProtocolError(ServiceError):
    """The service reported success, but its answer is not of the documented shape."""


class ServiceResponseError(ServiceError):
    """The service answered with an error status.

    Attributes:
        status_code: The HTTP status.
        code: The service's own error code, such as "SessionRequestValidationFailed", or None.
        message: The service's explanation, or None.
        retry_after: Seconds to wait before another try, where the service said so.
    """

    def __init__(
        self,
        message: str,
        *,
        operation: str,
        status_code: int,
        code: str | None = None,
        service_message: str | None = None,
        request_id: str | None = None,
        outcome_unknown: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(
            message,
            operation=operation,
            request_id=request_id,
            outcome_unknown=outcome_unknown,
        )
        self.status_code = status_code
        self.code = code
        self.message = service_message
        self.retry_after = retry_after


class InvalidRequestError(ServiceResponseError):
    """The service refused the request as malformed (400)."""


class SessionNotFoundError(InvalidRequestError):
    """No session with this identifier is alive; data calls would create one."""


class AuthenticationError(ServiceResponseError):
    """The access token is missing, expired or for another audience (401)."""


class PermissionDeniedError(ServiceResponseError):
    """The identity is known but may not use the pool (403): a role is missing."""


class NotFoundError(ServiceResponseError):
    """There is no such file, or no such pool (404)."""


class PayloadTooLargeError(ServiceResponseError):
    """The upload is over the service's limit (413)."""


class PoolExhaustedError(ServiceResponseError):
    """The pool is at its maximum of concurrent sessions (429); nothing was run."""


class ServerError(ServiceResponseError):
    """The service failed (5xx)."""


class FunctionError(DynamicSessionsError):
    """A function of the caller's cannot be had in the session.

    Attributes:
        function: The function's name, or None where the fault is not one function's.
    """

    def __init__(self, message: str, *, function: str | None = None) -> None:
        super().__init__(message)
        self.function = function


class FunctionSourceError(FunctionError):
    """The function's text cannot be had, or would not work outside its module."""


class MissingPackagesError(FunctionError):
    """The session lacks packages or imports that injected functions require.

    Attributes:
        missing: One entry per requirement that is not met, as the caller wrote it.
    """

    def __init__(
        self, message: str, *, missing: Sequence[str], function: str | None = None
    ) -> None:
        super().__init__(message, function=function)
        self.missing = tuple(missing)


class FunctionLoadError(FunctionError):
    """The text of the injected functions failed when the session ran it."""


class ExecutionFailed(DynamicSessionsError):  # noqa: N818 - reads as the fact it reports
    """Raised by Execution.raise_for_status() when the code did not succeed."""
