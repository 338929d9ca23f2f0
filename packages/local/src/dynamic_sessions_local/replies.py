"""What a worker's reply must look like, and what is taken from it."""

import binascii
import json
import math
import re
from dataclasses import dataclass
from typing import Any, Literal, cast


@dataclass(frozen=True, kw_only=True)
class Value:
    """The value of an execution's last expression.

    Attributes:
        kind: "none" without one; "null" for None; "nan" for that number; "json" for a number, a truth value or a string; "text" for the
            pretty text of anything else; "image" for a picture.
        data: "" for "none" and "null"; "nan"; the value itself for "json"; text; or the picture in base64.
        image_format: "png" or "jpeg".
        html: For "text", the same in HTML where that was asked for and the value has it.
    """

    kind: Literal["none", "null", "nan", "json", "text", "image"]
    data: bool | int | float | str
    image_format: str = "png"
    html: str = ""


@dataclass(frozen=True, kw_only=True)
class WorkerReply:
    """One well-formed reply."""

    succeeded: bool
    value: Value
    traceback: str
    truncated: bool


NO_VALUE = Value(kind="none", data="")
WITHOUT_DATA: dict[str, Value] = {
    "none": NO_VALUE,
    "null": Value(kind="null", data=""),
    "nan": Value(kind="nan", data="nan"),
}

# A few strings with little between them. Without this check a reply of nothing but "[{},{},…" would take
# many times its size in memory; possessive, so that it takes one pass whatever it is given.
OUTLINE = re.compile(rb'(?:[^"]{0,5000}+"(?:[^"\\]++|\\.)*+"){0,30}+[^"]{0,5000}+', re.DOTALL)


def parse_reply(body: bytes, *, identity: int) -> WorkerReply | None:
    """Return the reply to the execution of this identity; None for anything that is not one."""
    if OUTLINE.fullmatch(body) is None:
        return None
    try:
        message: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict):
        return None
    members = cast("dict[str, Any]", message)
    value = _parse_value(members.get("value"))
    succeeded, traceback = members.get("succeeded"), members.get("traceback")
    truncated = members.get("truncated")
    if members.get("id") != identity or value is None:
        return None
    if not (isinstance(succeeded, bool) and isinstance(truncated, bool)):
        return None
    if not isinstance(traceback, str):
        return None
    return WorkerReply(
        succeeded=succeeded, value=value, traceback=printable(traceback), truncated=truncated
    )


def printable(text: str) -> str:
    """Return the text with lone surrogates spelled out: no encoding can carry them."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _parse_value(value: object) -> Value | None:
    if not isinstance(value, dict):
        return None
    members = cast("dict[str, Any]", value)
    kind, data = members.get("kind"), members.get("data")
    if isinstance(kind, str) and kind in WITHOUT_DATA:
        return WITHOUT_DATA[kind]
    if kind == "json" and isinstance(data, bool | int | float):
        finite = not isinstance(data, float) or math.isfinite(data)
        return Value(kind="json", data=data) if finite else None
    if kind in ("json", "text") and isinstance(data, str):
        html = members.get("html", "")
        return Value(kind=kind, data=printable(data), html=printable(str(html)))
    if kind == "image" and isinstance(data, str):
        return _parse_image(data, members.get("image_format"))
    return None


def _parse_image(data: str, image_format: object) -> Value | None:
    if image_format not in ("png", "jpeg"):
        return None
    try:
        binascii.a2b_base64(data, strict_mode=True)
    except ValueError:
        return None
    return Value(kind="image", data=data, image_format=str(image_format))
