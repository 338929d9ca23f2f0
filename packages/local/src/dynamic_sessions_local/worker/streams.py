"""The session's stdout, stderr and stdin."""

import builtins
import io
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

STREAMS = {"stdout": 1, "stderr": 2}


class _Immediate(io.BufferedWriter):
    """Passes every write on at once, so that prints keep their place among what C code and child
    processes write to the same descriptor. A plain unbuffered file may write less than it is given.
    """

    def write(self, buffer: "ReadableBuffer", /) -> int:
        written = super().write(buffer)
        self.flush()
        return written


def open_streams() -> None:
    """Point sys.stdout and sys.stderr at descriptors 1 and 2, where they do not work (any more)."""
    for name, descriptor in STREAMS.items():
        current = getattr(sys, name, None)
        if current is None or getattr(current, "closed", False):
            setattr(sys, name, _writer(descriptor))
            setattr(sys, f"__{name}__", getattr(sys, name))


def replace_streams() -> None:
    """Replace the interpreter's own sys.stdout, sys.stderr and input()."""
    for name in STREAMS:
        getattr(sys, name).flush()
        setattr(sys, name, None)
    open_streams()
    builtins.input = _refuse_input


def _writer(descriptor: int) -> io.TextIOWrapper:
    raw = io.FileIO(descriptor, "w", closefd=False)
    # A lone surrogate in what a program prints is shown escaped: it must not fail the program.
    return io.TextIOWrapper(
        _Immediate(raw), encoding="utf-8", errors="backslashreplace", write_through=True
    )


def _refuse_input(prompt: object = "", /) -> NoReturn:
    raise EOFError("input() has no answer here: a session has no keyboard")
