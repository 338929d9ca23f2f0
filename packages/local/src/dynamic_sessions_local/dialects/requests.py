"""What the dialects' requests have in common."""

import base64
import binascii
import re
import uuid
from collections.abc import Iterable, Mapping
from typing import cast

from dynamic_sessions_local.dialects.errors import RequestError, invalid
from dynamic_sessions_local.limits import Limits
from dynamic_sessions_local.programs import Program, PythonCode
from dynamic_sessions_local.runs import Run

LEGACY_VERSIONS = ("2023-08-01-preview", "2024-02-02-preview", "2024-08-02-preview")
SESSION_VERSIONS = ("2025-02-02-preview", "2025-10-02-preview")
VERSIONS = (*LEGACY_VERSIONS, "2024-10-02-preview", *SESSION_VERSIONS)

# The cap that the service documents for a run that asks for none.
DEFAULT_OUTPUT = 4096

IDENTIFIER = r"""[A-Za-z0-9_|}{\[\]:";'<>?/.,@#$%^&*()\-+=!~`]{4,128}"""
EXECUTION_ID = r"[A-Za-z0-9._-]{1,128}"

_NUMBER = re.compile(r"[0-9]{1,9}")


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
        if not re.fullmatch(IDENTIFIER, identifier):
            raise invalid(
                "the query parameter 'identifier' must be 4 to 128 letters, digits or"
                " characters of _|}{[]:\";'<>?/.,@#$%^&*()-+=!~`"
            )
        return identifier


def execution_id(requested: str | None) -> str:
    """The caller's `operation-id` where it can serve as one, else a new GUID."""
    if requested is not None and re.fullmatch(EXECUTION_ID, requested):
        return requested
    return str(uuid.uuid4())


def skip(query: Query) -> int:
    """How many entries of a list to pass over.

    Raises:
        RequestError: It is no such number.
    """
    text = query.get("skip") or "0"
    if not _NUMBER.fullmatch(text):
        raise invalid("the query parameter 'skip' must be a number of entries")
    return int(text)


def is_recursive(query: Query) -> bool:
    """Whether a listing is to show what is below its directories.

    Raises:
        RequestError: The parameter is neither true nor false.
    """
    match query.get("recursive").lower():
        case "" | "false":
            return False
        case "true":
            return True
        case _:
            raise invalid("the query parameter 'recursive' must be true or false")


def members(body: object) -> dict[str, object]:
    """The members of a JSON object, names in lower case, null being the same as absent.

    Raises:
        RequestError: It is not an object.
    """
    if not isinstance(body, Mapping):
        raise invalid("the body must be a JSON object")
    pairs = cast("Mapping[object, object]", body)
    return {str(name).lower(): value for name, value in pairs.items() if value is not None}


def read_python(given: Mapping[str, object], code: object) -> PythonCode:
    """The code that members ask for, whichever dialect's object they were in."""
    return PythonCode(
        source=_read_code(code, _word(given, "codeinputtype", "Inline")),
        empty_kernel=given.get("useemptykernel") is True,
    )


def read_run(given: Mapping[str, object], program: Program, limits: Limits) -> Run:
    """The execution that members ask for, whatever it runs."""
    word = _word(given, "executiontype", "Synchronous")
    if word.lower() not in {"synchronous", "asynchronous"}:
        raise invalid("executionType must be Synchronous or Asynchronous")
    return Run(
        program=program,
        timeout=_read_timeout(given, limits),
        output_limit=_read_output_limit(given, limits),
        execution_type=word if "executiontype" in given else "",
        asynchronous=word.lower() == "asynchronous",
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
