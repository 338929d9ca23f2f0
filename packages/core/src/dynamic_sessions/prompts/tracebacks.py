"""Tracebacks cut to what the reader can change: frames of libraries are counted, not shown."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# IPython's frames and Python's own; exception groups draw a margin before theirs.
_FRAME = re.compile(
    r"""(?P<margin>[ |]*)
    (?:(?:Cell|Input)[ ]In[ ]?\[\d+\],[ ].*
    |File[ ](?P<path>\S.*?):(?P<line>\d+),[ ]in[ ].*
    |File[ ]"(?P<quoted>[^"]*)",[ ]line[ ]\d+.*)""",
    re.VERBOSE,
)
_BODY = re.compile(r"\s|-+> ")
_LIBRARY = re.compile(
    r"/(?:site-packages|dist-packages)/(?P<package>[^/]+)"
    r"|/lib(?:64)?/python\d[\d.]*/(?!(?:site|dist)-packages/)(?P<module>[^/]+)"
    r"|^<(?P<hidden>frozen [\w.]+|decorator-gen-\d+|__array_function__ internals)>"
    r"|^(?P<extension>[^/<]+)/.*\.(?:pyx|pxi|pxd)$"
)


@dataclass(frozen=True, kw_only=True)
class _Piece:
    """A frame with the lines below it, or one line between frames."""

    lines: tuple[str, ...]
    margin: str = ""
    library: str | None = None
    """What the frame belongs to, where that is not the user's own code."""


def cut_to_user_frames(text: str) -> str:
    """Return a text in which a note takes the place of each row of library frames.

    Frames in cells, in injected functions and in files of the session's own stay as they are, as
    does everything that is no frame. Formats are those of IPython and of Python.
    """
    lines: list[str] = []
    passed: list[_Piece] = []
    for piece in _pieces(text.split("\n")):
        if piece.library is not None or (passed and not any(piece.lines)):
            passed.append(piece)
            continue
        lines += [*_note(passed), *piece.lines]
        passed = []
    return "\n".join([*lines, *_note(passed)])


def _pieces(lines: Sequence[str]) -> Iterator[_Piece]:
    number = 0
    while number < len(lines):
        found = _FRAME.fullmatch(lines[number])
        end = number + 1
        while found and end < len(lines) and _continues(lines[end], found["margin"]):
            end += 1
        path = (found["path"] or found["quoted"] or "") if found else ""
        yield _Piece(
            lines=tuple(lines[number:end]),
            margin=found["margin"] if found else "",
            library=_library_of(path),
        )
        number = end


def _continues(line: str, margin: str) -> bool:
    inner = line.removeprefix(margin)
    is_inside = len(inner) < len(line) or not margin
    return is_inside and bool(_BODY.match(inner)) and not _FRAME.fullmatch(line)


def _library_of(path: str) -> str | None:
    found = _LIBRARY.search(path)
    if found is None:
        return None
    name = next(filter(None, found.groups()))
    return name.removesuffix(".py").removeprefix("frozen ")


def _note(passed: Sequence[_Piece]) -> list[str]:
    """Return the note on a row of frames, with the blank lines that end it."""
    frames = [piece for piece in passed if piece.library is not None]
    if not frames:
        return []
    libraries = ", ".join(dict.fromkeys(str(piece.library) for piece in frames))
    count = f"{len(frames)} frames" if len(frames) > 1 else "1 frame"
    ends_blank = not any(passed[-1].lines)
    return [f"{frames[0].margin}[{count} in {libraries} left out]", *([""] if ends_blank else [])]
