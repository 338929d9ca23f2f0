"""How long the client waits for what. No call can hang: each of its waits is bounded here."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class Deadlines:
    """Bounds of the client's waits, in seconds.

    The time limit of an execution is not here, since every call may have its own: it is sent to
    the service, and the client waits for `execution_grace` longer.

    Raises:
        ValueError: One is not above 0.
    """

    connect: float = 10.0
    """Making a connection, TLS included."""
    stall: float = 60.0
    """Without a single byte going out or coming in, while a body is sent or received."""
    call: float = 60.0
    """A call that runs no user code and moves no file, repetitions included."""
    transfer: float = 600.0
    """An upload or a download, repetitions included."""
    execution_grace: float = 15.0
    """Beyond an execution's own time limit: the service finds a session first, and stops the code
    after the limit."""
    arrival: float = 10.0
    """An asynchronous run that the service knows nothing of may take this long to show up."""
    stop: float = 10.0
    """Stopping what a cancelled call left behind."""
    place: float = 300.0
    """Waiting for another session to be done, where the pool has a `max_sessions`."""
    closing: float = 30.0
    """Deleting the sessions of a pool that is closed."""

    def __post_init__(self) -> None:
        for field in fields(self):
            if not getattr(self, field.name) > 0:
                raise ValueError(f"The deadline {field.name!r} is not above 0 seconds.")
