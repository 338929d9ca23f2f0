"""What the operator of a server decides."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from dynamic_sessions.prompts import DEFAULT_LIMIT
from dynamic_sessions.time_limits import check_timeout

Kind: TypeAlias = Literal["python", "shell"]

DEFAULT_TIMEOUT_SECONDS = 60.0
"""No longer than most clients wait for an answer."""

DEFAULT_FILE_LIMIT = 10 * 1024 * 1024
DEFAULT_PROGRESS_SECONDS = 5.0
MIN_OUTPUT_LIMIT = 200


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """The bounds of what clients can do.

    Attributes:
        kind: What the pool's sessions run: Python code, or the commands of a Shell pool.
        timeout: Seconds that one run may take; at most 220.
        output_limit: Characters of text in one result, at least 200; longer output loses its
            middle, and says so.
        file_limit: Bytes of a file that is read or written in one call. Code in the session
            handles files of any size.
        shared_folder: The only folder of this machine that tools copy files from and to; without
            it, there is none.
        read_only: Whether nothing is copied into the shared folder.
        progress_seconds: Time between two notices that a run goes on.

    Raises:
        ValueError: A limit is out of range.
        NotADirectoryError: The shared folder does not exist.
    """

    kind: Kind = "python"
    timeout: float = DEFAULT_TIMEOUT_SECONDS
    output_limit: int = DEFAULT_LIMIT
    file_limit: int = DEFAULT_FILE_LIMIT
    shared_folder: Path | None = None
    read_only: bool = False
    progress_seconds: float = DEFAULT_PROGRESS_SECONDS

    def __post_init__(self) -> None:
        """Refuse what no call could keep to."""
        check_timeout(self.timeout)
        if self.output_limit < MIN_OUTPUT_LIMIT:
            raise ValueError(f"output_limit is at least {MIN_OUTPUT_LIMIT} characters.")
        if self.file_limit < 1 or not self.progress_seconds > 0:
            raise ValueError("file_limit and progress_seconds are above 0.")
        if self.shared_folder is not None and not self.shared_folder.is_dir():
            raise NotADirectoryError(f"There is no shared folder {self.shared_folder}.")
