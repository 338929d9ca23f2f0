"""What can go wrong between a client and a session pool, as a catalogue."""

import gzip
from dataclasses import dataclass
from typing import Literal, TypeAlias

Moment: TypeAlias = Literal["connect", "head", "body", "reply"]
Effect: TypeAlias = Literal[
    "reset", "close", "answer", "stall", "part", "part and stall", "drip", "endless"
]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One way for a request to fail.

    Attributes:
        name: For reports and for the command line.
        moment: What has happened before: nothing but the connection, the request's head was read,
            all of it was read, or it was forwarded and answered.
        effect: What the client then sees.
        answer: The bytes that it is answered, where the effect is an answer.
    """

    name: str
    moment: Moment
    effect: Effect
    answer: bytes = b""

    @property
    def is_forwarded(self) -> bool:
        """Whether the request had its effect all the same."""
        return self.moment == "reply"

    @property
    def stalls(self) -> bool:
        return self.effect in {"stall", "part and stall", "endless"}


def response(status: int, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


_JSON = "content-type: application/json"
_HTML = "content-type: text/html"
_REFUSALS = (400, 403, 404, 413, 418)
_BEFORE_A_SESSION = (401, 429)
_AMBIGUOUS = (408, 500, 502, 503, 504)

_CUT_OFF: tuple[Fault, ...] = (
    Fault(name="reset on connect", moment="connect", effect="reset"),
    Fault(name="closed on connect", moment="connect", effect="close"),
    Fault(name="reset in the request", moment="head", effect="reset"),
    Fault(name="closed in the request", moment="head", effect="close"),
    Fault(name="reset before the run", moment="body", effect="reset"),
    Fault(name="closed before the run", moment="body", effect="close"),
    Fault(name="reset after the run", moment="reply", effect="reset"),
    Fault(name="closed after the run", moment="reply", effect="close"),
    Fault(name="reply cut off", moment="reply", effect="part"),
)

_STATUSES: tuple[Fault, ...] = (
    *(
        Fault(name=f"{status}", moment="body", effect="answer", answer=response(status))
        for status in (*_REFUSALS, *_BEFORE_A_SESSION, *_AMBIGUOUS)
    ),
    *(
        Fault(
            name=f"{status} after the run",
            moment="reply",
            effect="answer",
            answer=response(status, b"<h1>Bad gateway</h1>", _HTML),
        )
        for status in _AMBIGUOUS
    ),
    Fault(
        name="429 with a time to wait",
        moment="body",
        effect="answer",
        answer=response(429, b"", "retry-after-ms: 2"),
    ),
    Fault(
        name="429 with a date long past",
        moment="body",
        effect="answer",
        answer=response(429, b"", "retry-after: Thu, 01 Jan 1970 00:00:00 GMT"),
    ),
    Fault(
        name="redirect",
        moment="body",
        effect="answer",
        answer=response(307, b"", "location: http://127.0.0.1:9/elsewhere"),
    ),
)

_GARBAGE: tuple[Fault, ...] = (
    Fault(name="no http", moment="reply", effect="answer", answer=b"\x00\xff" * 400),
    Fault(name="no http before the run", moment="body", effect="answer", answer=b"SSH-2.0-x\r\n"),
    Fault(
        name="a page of html", moment="reply", effect="answer", answer=response(200, b"<p>", _HTML)
    ),
    Fault(
        name="another shape",
        moment="reply",
        effect="answer",
        answer=response(200, b'{"a":1}', _JSON),
    ),
    Fault(name="a bare number", moment="reply", effect="answer", answer=response(200, b"7", _JSON)),
    Fault(name="an empty body", moment="reply", effect="answer", answer=response(200)),
    Fault(
        name="nothing but braces",
        moment="reply",
        effect="answer",
        answer=response(200, b"[" * 90_000, _JSON),
    ),
    Fault(
        name="no utf-8",
        moment="reply",
        effect="answer",
        answer=response(200, b'{"status":"\xff\xfe"}', _JSON),
    ),
    Fault(
        name="not compressed as it says",
        moment="reply",
        effect="answer",
        answer=response(200, b"plainly not", _JSON, "content-encoding: gzip"),
    ),
    Fault(
        name="compressed and cut",
        moment="reply",
        effect="answer",
        answer=response(200, gzip.compress(b"{" * 999)[:12], _JSON, "content-encoding: gzip"),
    ),
    Fault(
        name="two lengths",
        moment="reply",
        effect="answer",
        answer=response(200, b"{}", "content-length: 99"),
    ),
)

_SLOW: tuple[Fault, ...] = (
    Fault(name="stall before the run", moment="body", effect="stall"),
    Fault(name="stall after the run", moment="reply", effect="stall"),
    Fault(name="stall in the reply", moment="reply", effect="part and stall"),
    Fault(name="a byte at a time", moment="reply", effect="drip"),
)

FAULTS = {fault.name: fault for fault in (*_CUT_OFF, *_STATUSES, *_GARBAGE, *_SLOW)}
