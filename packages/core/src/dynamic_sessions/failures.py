"""The HTTP library's errors, in this library's words."""

from collections.abc import Generator
from contextlib import contextmanager

import httpx

from dynamic_sessions.errors import (
    ServiceConnectionError,
    ServiceProtocolError,
    ServiceTimeoutError,
)

# Where nothing can have been sent, whatever the operation, it is safe to repeat it.
_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


@contextmanager
def transport_errors(operation: str) -> Generator[None]:
    """Raise what the HTTP library raises as an error of ours."""
    try:
        yield
    except _NOTHING_SENT as error:
        raise ServiceConnectionError(
            f"{operation}: no connection to the session pool: {error}", operation=operation
        ) from error
    except httpx.TimeoutException as error:
        raise ServiceTimeoutError(
            f"{operation}: the connection to the session pool stalled.",
            operation=operation,
            outcome_unknown=True,
        ) from error
    except httpx.TransportError as error:
        raise ServiceConnectionError(
            f"{operation}: the connection to the session pool was lost: {error}",
            operation=operation,
            outcome_unknown=True,
        ) from error
    except httpx.DecodingError as error:
        raise ServiceProtocolError(
            f"{operation}: the service's answer is not encoded as it says: {error}",
            operation=operation,
            outcome_unknown=True,
        ) from error
