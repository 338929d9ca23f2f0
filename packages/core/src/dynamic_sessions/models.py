"""What goes in and comes out: immutable values, free of any wire or framework."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeAlias

from dynamic_sessions.errors import ExecutionFailed, ServiceError

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"


@dataclass(frozen=True, kw_only=True)
class CodeBlock:
    """Code and the language it is written in."""

    code: str
    language: str = "python"


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command for a session of a Shell pool.

    Raises:
        ValueError: It is empty, or has a NUL character, which no command can have.
    """

    line: str | tuple[str, ...]
    """A line or a script for Bash; or a program and its arguments, which no shell takes apart."""
    stdin: str = ""
    """What the command reads."""

    @property
    def words(self) -> tuple[str, ...]:
        """The program and its arguments; of a line, the line."""
        return (self.line,) if isinstance(self.line, str) else self.line

    def __post_init__(self) -> None:
        words = self.words
        if not words or not words[0]:
            raise ValueError("A command is a line of Bash, or a program and its arguments.")
        if any("\0" in word for word in words):
            raise ValueError("A command has no NUL characters.")


class ExecutionStatus(StrEnum):
    """How an execution ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """The code raised an exception; the command's exit code is another than 0."""
    TIMED_OUT = "timed_out"
    """The code was stopped at its time limit."""
    ABORTED = "aborted"
    """The kernel died: out of memory, a crash, or an exit."""
    CANCELED = "canceled"


@dataclass(frozen=True, kw_only=True)
class ExecutionError:
    """The exception that user code raised, as data."""

    name: str
    """The exception's class, such as "ValueError"."""
    message: str
    traceback: str
    """All that the session wrote about it, innermost frame last."""

    def __str__(self) -> str:
        return f"{self.name}: {self.message}" if self.message else self.name


@dataclass(frozen=True, kw_only=True)
class Image:
    """A picture that an execution produced."""

    data: bytes = field(repr=False)
    format: str = "png"

    @property
    def mime_type(self) -> str:
        """The media type, such as "image/png"."""
        return f"image/{self.format}"


@dataclass(frozen=True, kw_only=True)
class Execution:
    """One run of code, or of a command, and all that came of it.

    Code that fails is a value, never an exception.
    """

    status: ExecutionStatus
    stdout: str = ""
    stderr: str = ""
    """With the traceback at its end where the code raised."""
    result: JsonValue = None
    """Value of the last expression: numbers, strings and booleans as such, other objects as their
    text; None where there is none, or where it is an image."""
    images: tuple[Image, ...] = ()
    error: ExecutionError | None = None
    duration: float | None = None
    """Seconds that the code itself ran, as the service measured them."""
    execution_id: str | None = None
    exit_code: int | None = None
    """A command's; None for code."""
    session_recycled: bool = False
    """True if the session behind the identifier is another one than before: earlier variables and
    imports are gone."""
    truncated: bool = False
    """True if stdout or stderr reached the output limit and was cut there."""

    @property
    def ok(self) -> bool:
        """Whether the code ran to its end."""
        return self.status is ExecutionStatus.SUCCEEDED

    def raise_for_status(self) -> "Execution":
        """Return the execution itself if it succeeded.

        Raises:
            ExecutionFailed: It did not.
        """
        if self.ok:
            return self
        reason = str(self.error) if self.error else self.stderr.strip()
        what = "code" if self.exit_code is None else f"command (exit code {self.exit_code})"
        raise ExecutionFailed(f"The {what} {self.status.replace('_', ' ')}: {reason}")


@dataclass(frozen=True, kw_only=True)
class PastExecution:
    """One execution that a client asked for, and what it knows of it."""

    code: str
    """As it was sent; a command that is a list of words is quoted for Bash."""
    started_at: datetime
    """When it was sent, in UTC, by this machine's clock."""
    execution: Execution | None = None
    """What came of it; None where the call failed, or was cancelled, once the code was sent."""
    failure: str = ""
    """How the call ended where there is no execution."""
    language: Literal["python", "bash"] = "python"
    stdin: str = ""
    """What a command was given to read."""

    @property
    def size(self) -> int:
        """About how many bytes it holds."""
        size = len(self.code) + len(self.stdin) + len(self.failure)
        if self.execution is None:
            return size
        result, execution = self.execution.result, self.execution
        size += len(execution.stdout) + len(execution.stderr)
        size += len(result) if isinstance(result, str) else sys.getsizeof(result)
        return size + sum(len(image.data) for image in execution.images)


@dataclass(frozen=True, kw_only=True)
class SessionFile:
    """A file or directory on the session's disk."""

    name: str
    """Path below the session's data directory, with forward slashes."""
    size: int
    """Bytes."""
    modified_at: datetime | None = None
    content_type: str | None = None
    type: Literal["file", "directory"] = "file"


@dataclass(frozen=True, kw_only=True)
class SessionStatus:
    """What the service says of a session that is alive."""

    identifier: str
    etag: str | None = None
    """Stands for what is behind the identifier: another one, another session."""
    created_at: datetime | None = None
    last_accessed_at: datetime | None = None
    expires_at: datetime | None = None
    """When the session ends unless somebody calls it before."""


@dataclass(frozen=True, kw_only=True)
class ClosingReport:
    """What became of the sessions whose identifiers a pool chose, when it was closed."""

    deleted: tuple[str, ...] = ()
    failed: Mapping[str, ServiceError] = field(default_factory=dict[str, ServiceError])
    """Those that may live on until their idle time ends, and why."""

    @property
    def ok(self) -> bool:
        """Whether no session was left behind."""
        return not self.failed
