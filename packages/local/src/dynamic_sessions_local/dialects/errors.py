"""Refusals, in the envelope that the service puts them in."""

from collections.abc import Mapping
from types import MappingProxyType

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class RequestError(Exception):
    """A request that gets an error status for an answer.

    Attributes:
        status: The HTTP status.
        code: The service's word for it, such as "SessionRequestValidationFailed".
        message: A sentence for a person.
        headers: Headers that this answer carries besides the usual ones.
    """

    def __init__(
        self, status: int, code: str, message: str, *, headers: Mapping[str, str] = _NO_HEADERS
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers


def invalid(message: str) -> RequestError:
    """A request that breaks a rule of the API."""
    return RequestError(400, "SessionRequestValidationFailed", message)


def unsupported(message: str) -> RequestError:
    """A request that the API allows and this pool does not serve."""
    return RequestError(400, "SessionRequestNotSupported", message)


def envelope(error: RequestError, trace_id: str) -> dict[str, object]:
    """The body of an error response."""
    return {"error": {"code": error.code, "message": error.message, "traceId": trace_id}}


def cause(error: Exception) -> dict[str, object]:
    """What an execution that could not begin says of it."""
    return {"error": {"code": "SessionAllocationFailed", "message": str(error)}}
