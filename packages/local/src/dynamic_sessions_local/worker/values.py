"""From the value of the last expression to what the reply says of it."""

import base64
import binascii
import json
import math
from typing import Any

Value = dict[str, Any]

NO_VALUE: Value = {"kind": "none", "data": ""}
NULL: Value = {"kind": "null", "data": ""}
NAN: Value = {"kind": "nan", "data": "nan"}
# What the server takes in one reply, less room for the rest of it.
REPLY_LIMIT = 16 << 20
LONGEST_ESCAPE = 12
HTML_LIMIT = 1 << 18
TEXT_LIMIT = REPLY_LIMIT // LONGEST_ESCAPE


def primitive(result: object) -> Value | None:
    """Return the value of a number, a truth value or a string; None for anything else.

    Numpy's scalars count as the Python values that they stand for. JSON has no infinity, which is
    text, and no NaN, which the server writes in one way or another.
    """
    if type(result).__module__ == "numpy" and getattr(result, "shape", None) == ():
        result = _plain(result)
    if type(result) is float and not math.isfinite(result):
        return NAN if math.isnan(result) else {"kind": "text", "data": repr(result)}
    if type(result) in (bool, int, float):
        return {"kind": "json", "data": result} if _can_be_written(result) else None
    if type(result) is str:
        return {"kind": "json", "data": result}
    return None


def from_bundle(bundle: dict[str, Any]) -> Value:
    """Return the value for a display bundle: an image before text."""
    picture = image(bundle)
    if picture is not None:
        return picture
    text = bundle.get("text/plain")
    if text is None:
        return NO_VALUE
    html = bundle.get("text/html")
    if isinstance(html, str) and len(html) <= HTML_LIMIT:
        return {"kind": "text", "data": str(text), "html": html}
    return {"kind": "text", "data": str(text)}


def image(bundle: dict[str, Any]) -> Value | None:
    """Return the bundle's image, or None where it has none."""
    for image_format in ("png", "jpeg"):
        data = _base64(bundle.get(f"image/{image_format}"))
        if data:
            return {"kind": "image", "data": data, "image_format": image_format}
    return None


def fit(value: Value) -> tuple[Value, bool]:
    """Return the value cut to what a reply may carry, and whether it was cut."""
    data = value["data"]
    if not isinstance(data, str) or len(json.dumps(data)) <= REPLY_LIMIT:
        return value, False
    if value["kind"] == "image":
        return {"kind": "text", "data": f"<image left out: over {REPLY_LIMIT} bytes>"}, True
    return {**value, "data": data[:TEXT_LIMIT]}, True


def _base64(data: object) -> str | None:
    """Return image data as base64: formatters give bytes, or text that is base64 already."""
    if isinstance(data, bytes):
        return base64.b64encode(data).decode("ascii")
    if isinstance(data, str):
        try:
            return base64.b64encode(base64.b64decode(data)).decode("ascii")
        except (binascii.Error, ValueError):
            return None
    return None


def _plain(scalar: Any) -> object:
    return scalar.item()


def _can_be_written(number: object) -> bool:
    """Return False for an integer of so many digits that the interpreter refuses to write it."""
    try:
        repr(number)
    except ValueError:
        return False
    return True
