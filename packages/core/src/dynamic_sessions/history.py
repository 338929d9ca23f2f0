"""What a client ran in a session, kept within bounds, and as a notebook or a script."""

import json
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from typing import overload

from dynamic_sessions.exports import notebook, script
from dynamic_sessions.models import PastExecution

DEFAULT_HISTORY_LIMIT = 100
MOST_BYTES_REMEMBERED = 4_000_000
"""What a history may hold, the latest execution aside."""


class SessionHistory(Sequence[PastExecution]):
    """The latest executions of one session, the oldest first. Safe to read from any thread.

    It has what this client ran, in whichever sessions stood behind the identifier, and nothing that
    others ran there. It ends with the client: export what is worth keeping.

    Args:
        limit: How many executions to keep, 0 for none. Older ones are also forgotten where all
            together hold more than four million bytes.

    Raises:
        ValueError: The limit is negative.
    """

    def __init__(self, limit: int = DEFAULT_HISTORY_LIMIT) -> None:
        if limit < 0:
            raise ValueError("A history keeps 0 executions or more.")
        self._limit = limit
        self._lock = threading.Lock()
        self._entries: deque[PastExecution] = deque()
        self._bytes = 0

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} executions)"

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> PastExecution: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[PastExecution, ...]: ...
    def __getitem__(self, index: int | slice) -> PastExecution | tuple[PastExecution, ...]:
        return self._at_present()[index]

    def __iter__(self) -> Iterator[PastExecution]:
        return iter(self._at_present())

    def add(self, entry: PastExecution) -> None:
        """Keep an execution, and forget the oldest ones where there is no room for them."""
        if self._limit == 0:
            return
        with self._lock:
            self._entries.append(entry)
            self._bytes += entry.size
            while len(self._entries) > 1 and self._is_over():
                self._bytes -= self._entries.popleft().size

    def _is_over(self) -> bool:
        return len(self._entries) > self._limit or self._bytes > MOST_BYTES_REMEMBERED

    def _at_present(self) -> tuple[PastExecution, ...]:
        with self._lock:
            return tuple(self._entries)

    def to_notebook(self) -> str:
        """Return a Jupyter notebook, format 4.5, as the text of an .ipynb file.

        Every execution is a cell with its output, results and pictures.
        """
        return json.dumps(notebook(self._at_present()), ensure_ascii=False, indent=1) + "\n"

    def to_script(self) -> str:
        """Return a Python script; of a session that runs commands, a Bash script.

        Code that failed is in it as comments, since a script would end there; so are IPython's
        magics, which Python does not know.
        """
        return script(self._at_present())
