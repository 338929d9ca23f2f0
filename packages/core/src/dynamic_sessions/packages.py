"""Which distributions a session has installed."""

import base64
import json
import zlib
from collections.abc import Awaitable, Callable
from typing import cast

from dynamic_sessions.errors import ServiceProtocolError
from dynamic_sessions.models import Execution

_MARK = "dynamic-sessions-packages:"

_PART = 3800
"""Characters of the packed list to a run: services may keep no more than 4096 of what is printed."""

_PROGRAM = f"""
import base64, importlib.metadata, json, zlib
found = {{}}
for item in importlib.metadata.distributions():
    if item.metadata["Name"]:
        found.setdefault(item.metadata["Name"], item.version)
packed = base64.b64encode(zlib.compress(json.dumps(found, sort_keys=True).encode(), 9)).decode()
print({_MARK!r} + str(len(packed)) + ":" + packed[start:start + {_PART}])
"""


def listing_code(start: int = 0) -> str:
    """Return code that prints a part of the list, and leaves no name behind.

    Args:
        start: How many characters of the packed list are known already.
    """
    return f"exec({_PROGRAM!a}, {{'start': {start}}})"


async def find_packages(run: Callable[[str], Awaitable[Execution]]) -> dict[str, str]:
    """Return name and version of each distribution, part by part.

    Args:
        run: Runs code in the session.

    Raises:
        ExecutionFailed: The listing failed in the session.
        ServiceProtocolError: What was printed is no part of a list, or the parts do not fit together.
    """
    packed, length = "", 1
    while len(packed) < length:
        part, length = _read_part(await run(listing_code(len(packed))))
        packed += part
    return _unpack(packed)


def _read_part(execution: Execution) -> tuple[str, int]:
    execution.raise_for_status()
    _, mark, rest = execution.stdout.rpartition(_MARK)
    length, separator, part = rest.partition("\n")[0].partition(":")
    if not mark or not separator or not part or not length.isdecimal():
        raise _error("did not come back")
    return part, int(length)


def _unpack(packed: str) -> dict[str, str]:
    try:
        packages: object = json.loads(zlib.decompress(base64.b64decode(packed)))
    except (ValueError, zlib.error):
        raise _error("was cut short, or changed while it was read") from None
    if not isinstance(packages, dict):
        raise _error("is no list")
    items = cast("dict[str, str | None]", packages).items()
    return {name: version or "" for name, version in items}


def _error(reason: str) -> ServiceProtocolError:
    return ServiceProtocolError(
        f"The list of the session's packages {reason}.", operation="list packages"
    )
