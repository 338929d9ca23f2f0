"""Error responses, told apart by a table and worded for the person who has to act."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final, NoReturn, cast

import httpx

from dynamic_sessions.errors import (
    AuthenticationError,
    InvalidRequestError,
    NotFoundError,
    PayloadTooLargeError,
    PermissionDeniedError,
    PoolExhaustedError,
    ServerError,
    ServiceResponseError,
    SessionNotFoundError,
)

_ERROR_BY_CODE: Final[Mapping[str, type[ServiceResponseError]]] = {
    "SessionWithIdentifierNotFound": SessionNotFoundError,
}

_ERROR_BY_STATUS: Final[Mapping[int, type[ServiceResponseError]]] = {
    400: InvalidRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    413: PayloadTooLargeError,
    429: PoolExhaustedError,
}

_CURES: Final[Mapping[int, str]] = {
    401: "The access token was refused: it is missing, expired, or not for "
    "https://dynamicsessions.io.",
    403: 'Give the identity the role "Azure ContainerApps Session Executor" on the session pool '
    '(`az role assignment create --role "Azure ContainerApps Session Executor" --assignee '
    "<object id> --scope <resource id of the pool>`); it takes about a minute, and a new token, to "
    "have effect.",
    413: "The service takes files up to 128 MB.",
    429: "The pool is at its maximum of concurrent sessions: delete sessions that are done, or "
    "raise the maximum.",
}

_LONGEST_QUOTE = 500

# Azure's services say it in milliseconds where they can; RFC 9110 has whole seconds or a date.
_MILLISECONDS_HEADERS = ("x-ms-retry-after-ms", "retry-after-ms")


def raise_for_response(response: httpx.Response, content: bytes, operation: str) -> NoReturn:
    """Raise the error that an answer without success stands for.

    Args:
        response: Its head.
        content: Its body.
        operation: What was asked for.
    """
    status = response.status_code
    envelope = _envelope(content)
    code = _text(envelope.get("code"))
    message = _text(envelope.get("message")) or _quote(content)
    words = [f"{operation}: the service answered {status}"]
    words += [f"({code})"] if code else []
    sentence = " ".join(words) + (f": {message.rstrip('.')}." if message else ".")
    cure = _CURES.get(status)
    error = _error_class(status, code)(
        f"{sentence} {cure}" if cure else sentence,
        operation=operation,
        status_code=status,
        code=code,
        service_message=message,
        request_id=response.headers.get("mise-correlation-id") or _text(envelope.get("traceId")),
        # A gateway that gives up waiting answers 408 or 5xx while the code goes on running.
        outcome_unknown=status == HTTPStatus.REQUEST_TIMEOUT or response.is_server_error,
        retry_after=_retry_after(response.headers),
    )
    raise error


def _error_class(status: int, code: str | None) -> type[ServiceResponseError]:
    if code in _ERROR_BY_CODE:
        return _ERROR_BY_CODE[code]
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ServerError
    return _ERROR_BY_STATUS.get(status, ServiceResponseError)


def _envelope(content: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    error = cast("dict[str, object]", body).get("error") if isinstance(body, dict) else None
    return cast("dict[str, Any]", error) if isinstance(error, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _quote(content: bytes) -> str | None:
    return content.decode(errors="replace").strip()[:_LONGEST_QUOTE] or None


def _retry_after(headers: httpx.Headers) -> float | None:
    """Return the seconds that the service asks to wait, by its own header first."""
    for name in _MILLISECONDS_HEADERS:
        if (milliseconds := _number(headers.get(name))) is not None:
            return milliseconds / 1000
    value = headers.get("retry-after")
    if value is None:
        return None
    seconds = _number(value)
    return seconds if seconds is not None else _seconds_until(value)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return max(number, 0.0) if math.isfinite(number) else None


def _seconds_until(date: str) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)
