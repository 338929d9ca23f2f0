"""Making files for a session's own user, where the server is root's."""

import contextlib
import ctypes
import os
from collections.abc import Generator
from functools import cache


@contextlib.contextmanager
def acting_as_owner_of(directory: int) -> Generator[None]:
    """Let the calling thread make files as the directory's owner would.

    Only root has to: its own files the session could not write, and a file system that was mounted in a user
    namespace does not even take them. The change is one of this thread alone.
    """
    if os.geteuid() != 0:
        yield
        return
    owner = os.fstat(directory)
    library = _c_library()
    library.setfsgid(owner.st_gid)
    library.setfsuid(owner.st_uid)
    try:
        yield
    finally:
        library.setfsuid(0)
        library.setfsgid(0)


@cache
def _c_library() -> ctypes.PyDLL:
    return ctypes.PyDLL(None)
