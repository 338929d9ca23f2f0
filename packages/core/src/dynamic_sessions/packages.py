"""Which distributions a session has installed."""

import json
from typing import cast

from dynamic_sessions.errors import ServiceProtocolError
from dynamic_sessions.models import Execution

_MARK = "dynamic-sessions-packages:"

_PROGRAM = f"""
import importlib.metadata, json
found = {{}}
for item in importlib.metadata.distributions():
    if item.metadata["Name"]:
        found.setdefault(item.metadata["Name"], item.version)
print({_MARK!r} + json.dumps(found, sort_keys=True, separators=(",", ":")))
"""

LIST_PACKAGES_CODE = f"exec({_PROGRAM!a}, {{}})"
"""Code that prints the installed distributions as one line, and leaves no name behind."""


def parse_packages(execution: Execution) -> dict[str, str]:
    """Return name and version of each distribution that LIST_PACKAGES_CODE found.

    Raises:
        ExecutionFailed: The listing failed in the session.
        ServiceProtocolError: The output does not hold the list, or only a part of it.
    """
    execution.raise_for_status()
    _, mark, rest = execution.stdout.rpartition(_MARK)
    try:
        packages: object = json.loads(rest.partition("\n")[0]) if mark else None
    except ValueError:
        packages = None
    if not isinstance(packages, dict):
        reason = "was cut short" if mark else "did not come back"
        raise ServiceProtocolError(
            f"The list of the session's packages {reason}.", operation="list packages"
        )
    items = cast("dict[str, str | None]", packages).items()
    return {name: version or "" for name, version in items}
