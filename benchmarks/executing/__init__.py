"""Clients whose cost is measured, each in a process that has imported no other's libraries."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

TOKEN = "none"  # noqa: S105 - nobody looks at it

Execute: TypeAlias = Callable[[], Awaitable[object]]
"""Executes ADD and returns what the client makes of the answer."""

Client: TypeAlias = Callable[[str], AbstractAsyncContextManager[Execute]]
"""Makes a client of the service at an endpoint."""
