"""What the dialects' requests have in common."""

import base64
import binascii
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from dynamic_sessions_local.dialects.errors import RequestError, invalid, unsupported
from dynamic_sessions_local.limits import Limits

LEGACY_VERSIONS = ("2023-08-01-preview", "2024-02-02-preview", "2024-08-02-preview")
SESSION_VERSIONS = ("2025-02-02-preview", "2025-10-02-preview")
VERSIONS = (*LEGACY_VERSIONS, "2024-10-02-preview", *SESSION_VERSIONS)

# The cap that the service documents for a run that asks for none.
DEFAULT_OUTPUT = 4096

_IDENTIFIER = re.compile(r"""[A-Za-z0-9_|}{\[\]:";'<>?/.,@#$%^&*()\-+=!~`]{4,128}""")
_EXECUTION_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


@dataclass(frozen=True, kw_only=True)
class Run:
    """One execution as it was asked for.

    Attributes:
        code: Python source.
        timeout: Seconds.
        output_limit: Characters of stdout, and again of stderr, that the answer carries.
        execution_type: The word as it was sent; the answer repeats it.
        jupyter_format: The value is wanted as Jupyter would print it.
    """

    code: str
    timeout: float
    output_limit: int
    execution_type: str
    jupyter_format: bool = False


class Query:
    """The query parameters of a request; names without regard to case, each at most once."""

    def __init__(self, parameters: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, str] = {}
        for name, value in parameters:
            key = name.lower()
            if key in self._values:
                # Which of two identifiers was meant must not be a guess.
                raise invalid(f"the query parameter {key!r} occurs twice")
            self._values[key] = value

    def get(self, name: str) -> str:
        """A parameter's value, "" where it is absent."""
        return self._values.get(name, "")

    def version(self, known: tuple[str, ...]) -> str:
        """The `api-version`.

        Raises:
            RequestError: It is missing or not one of those known.
        """
        version = self.get("api-version")
        if not version:
            raise RequestError(
                400, "ApiVersionUnspecified", "the query parameter 'api-version' is required"
            )
        if version not in known:
            raise RequestError(
                400,
                "UnsupportedApiVersion",
                f"this call is known in the api-versions {', '.join(known)}",
                headers={"api-supported-versions": ", ".join(known)},
            )
        return version

    def identifier(self) -> str:
        """The `identifier`.

        Raises:
            RequestError: It is missing or of another form.
        """
        identifier = self.get("identifier")
        if not _IDENTIFIER.fullmatch(identifier):
            raise invalid(
                "the query parameter 'identifier' must be 4 to 128 letters, digits or"
                " characters of _|}{[]:\";'<>?/.,@#$%^&*()-+=!~`"
            )
        return identifier


def execution_id(requested: str | None) -> str:
    """The caller's `operation-id` where it can serve as one, else a new GUID."""
    if requested is not None and _EXECUTION_ID.fullmatch(requested):
        return requested
    return str(uuid.uuid4())


def members(body: object) -> dict[str, object]:
    """The members of a JSON object, names in lower case, null being the same as absent.

    Raises:
        RequestError: It is not an object.
    """
    if not isinstance(body, Mapping):
        raise invalid("the body must be a JSON object")
    pairs = cast("Mapping[object, object]", body)
    return {str(name).lower(): value for name, value in pairs.items() if value is not None}


def read_run(given: Mapping[str, object], *, code: object, limits: Limits) -> Run:
    """The execution that members ask for, whichever dialect's object they were in."""
    if given.get("useemptykernel"):
        raise unsupported("useEmptyKernel is not supported by this pool")
    return Run(
        code=_read_code(code, _word(given, "codeinputtype", "Inline")),
        timeout=_read_timeout(given, limits),
        output_limit=_read_output_limit(given, limits),
        execution_type=_read_execution_type(given),
        jupyter_format=any(
            given.get(name) is True
            for name in ("returnjupyterformatexecutionresult", "returnjupyterformat")
        ),
    )


def _word(given: Mapping[str, object], name: str, default: str) -> str:
    word = given.get(name, default)
    if not isinstance(word, str):
        raise invalid(f"{name} must be a string")
    return word


def _read_code(code: object, input_type: str) -> str:
    if not isinstance(code, str):
        raise RequestError(400, "SessionPropertiesMissing", "the member 'code' is required")
    match input_type.lower():
        case "inline" | "inlinetext":
            return code
        case "inlinebase64":
            try:
                return base64.b64decode(code, validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                raise invalid("the code is not the base64 of UTF-8 text") from None
        case _:
            raise invalid("codeInputType must be Inline or InlineBase64")


def _read_execution_type(given: Mapping[str, object]) -> str:
    word = _word(given, "executiontype", "Synchronous")
    match word.lower():
        case "synchronous":
            return word
        case "asynchronous":
            raise unsupported("asynchronous executions are not supported by this pool")
        case _:
            raise invalid("executionType must be Synchronous")


def _read_timeout(given: Mapping[str, object], limits: Limits) -> float:
    if "timeoutinseconds" not in given:
        return limits.execution_seconds
    asked = _positive_integer(given["timeoutinseconds"], "timeoutInSeconds")
    return min(asked, limits.execution_seconds)


def _read_output_limit(given: Mapping[str, object], limits: Limits) -> int:
    for name in ("outputStreamsMaxLength", "standardMsgLength"):
        if name.lower() in given:
            asked = _positive_integer(given[name.lower()], name)
            return min(asked, limits.output_characters)
    return min(DEFAULT_OUTPUT, limits.output_characters)


def _positive_integer(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise invalid(f"{name} must be a positive integer")
    return value
