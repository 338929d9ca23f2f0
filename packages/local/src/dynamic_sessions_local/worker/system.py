"""Calls of the C library that Python has no function for."""

import ctypes
import os

_library = ctypes.CDLL(None, use_errno=True)


def call(function: str, *arguments: int | bytes | None) -> int:
    """Call a function of the C library.

    Raises:
        OSError: It returned a negative number.
    """
    words = [
        ctypes.c_ulong(argument) if isinstance(argument, int) else argument
        for argument in arguments
    ]
    result: int = _library[function](*words)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{function}: {os.strerror(code)}")
    return result
