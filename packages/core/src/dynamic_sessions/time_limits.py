"""How long code may run, and which way it is sent for that."""

import math

MAX_EXECUTION_SECONDS = 220.0
"""The service ends every synchronous run after this time (Azure documentation, and a field
report)."""


def check_timeout(seconds: float) -> float:
    """Return a time limit that the service accepts.

    Raises:
        ValueError: It is not above 0 and at most 220 seconds.
    """
    if not 0 < seconds <= MAX_EXECUTION_SECONDS:
        raise ValueError(
            f"A time limit is above 0 and at most {MAX_EXECUTION_SECONDS:g} seconds, where the "
            f"service ends every run; {seconds:g} is not. Where a session pool lets asynchronous "
            "runs go on for longer, pass asynchronous=True."
        )
    return seconds


def check_asynchronous_timeout(seconds: float) -> float:
    """Return a time limit for an asynchronous run.

    Raises:
        ValueError: It is not above 0, or infinite.
    """
    if not 0 < seconds < math.inf:
        raise ValueError(f"A time limit is a number of seconds above 0; {seconds:g} is not.")
    return seconds
