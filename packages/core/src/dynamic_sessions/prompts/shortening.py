"""Text made short enough for a model, without hiding that it was."""

import re
from collections.abc import Sequence

MIN_LIMIT = 200
"""Characters. Under it there is no room for the notes on what was left out."""

_COLOUR_CODE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_DATA_URI = re.compile(r"(?P<head>data:[\w.+/-]{1,100};base64,)[A-Za-z0-9+/=\s]{32,}")
_BASE64_LINES = re.compile(r"(?:[A-Za-z0-9+/]{76}\n){3,}[A-Za-z0-9+/]*={0,2}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{200,}={0,2}")
_HEX = re.compile(r"[0-9a-fA-F]+")

# Of a cut text the end is worth as much as the beginning: there the error or the total stands.
_HEAD_SHARE = 0.5


def without_noise(text: str) -> str:
    """Return a text without what a model gains nothing from.

    Colour codes go, lines that were written over keep their last state, and base64 is replaced by
    a note on its length.
    """
    text = _COLOUR_CODE.sub("", text)
    if "\r" in text:
        text = "\n".join(map(_last_state, text.split("\n")))
    text = _DATA_URI.sub(lambda found: found["head"] + _base64_note(found[0]), text)
    text = _BASE64_LINES.sub(lambda found: _base64_note(found[0]), text)
    return _BASE64.sub(lambda found: _judged(found[0]), text)


def shorten_together(texts: Sequence[str], limit: int) -> list[str]:
    """Cut texts so that together they have no more characters than a limit.

    Short ones stay whole; long ones share what is left evenly and lose their middle.
    """
    shares = _shares([len(text) for text in texts], max(limit, 0))
    return [_cut(text, share) for text, share in zip(texts, shares, strict=True)]


def join_lines(parts: Sequence[str]) -> str:
    """Join texts so that each begins on a line of its own; empty ones leave no trace."""
    text = ""
    for part in parts:
        separator = "\n" if text and part and not text.endswith("\n") else ""
        text += separator + part
    return text


def _last_state(line: str) -> str:
    return line.rstrip("\r").rpartition("\r")[2]


def _judged(run: str) -> str:
    is_mixed = run != run.lower() and run != run.upper() and any(map(str.isdigit, run))
    return _base64_note(run) if is_mixed and not _HEX.fullmatch(run) else run


def _base64_note(run: str) -> str:
    return f"[{len(run):,} characters of base64 left out]"


def _shares(lengths: Sequence[int], limit: int) -> list[int]:
    shares = [0] * len(lengths)
    left = limit
    ascending = sorted(range(len(lengths)), key=lambda index: lengths[index])
    for rank, index in enumerate(ascending):
        shares[index] = min(lengths[index], left // (len(lengths) - rank))
        left -= shares[index]
    return shares


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    room = limit - len(_note_on(len(text))) - len("\n\n")
    if room <= 0:
        return text[:limit]
    head = _to_line_end(text[: int(room * _HEAD_SHARE)])
    tail = _from_line_start(text[len(text) - (room - len(head)) :])
    left_out = len(text) - len(head) - len(tail)
    return join_lines([head, f"{_note_on(left_out)}\n{tail}"])


def _note_on(left_out: int) -> str:
    return f"[... {left_out:,} characters left out ...]"


def _to_line_end(text: str) -> str:
    end = text.rfind("\n") + 1
    return text[:end] if end > len(text) // 2 else text


def _from_line_start(text: str) -> str:
    start = text.find("\n") + 1
    return text[start:] if start <= len(text) // 2 else text
