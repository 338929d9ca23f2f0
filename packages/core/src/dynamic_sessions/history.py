"""What a client ran in a session, kept within bounds, and as a notebook or a script."""

import json
import threading
from collections.abc import Sequence
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
        self._entries: tuple[PastExecution, ...] = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} executions)"

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> PastExecution: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[PastExecution, ...]: ...
    def __getitem__(self, index: int | slice) -> PastExecution | tuple[PastExecution, ...]:
        return self._entries[index]

    def add(self, entry: PastExecution) -> None:
        """Keep an execution, and forget the oldest ones where there is no room for them."""
        if self._limit == 0:
            return
        with self._lock:
            kept = (*self._entries, entry)[-self._limit :]
            total = sum(each.size for each in kept)
            while len(kept) > 1 and total > MOST_BYTES_REMEMBERED:
                total -= kept[0].size
                kept = kept[1:]
            self._entries = kept

    def to_notebook(self) -> str:
        """Return a Jupyter notebook, format 4.5, as the text of an .ipynb file.

        Every execution is a cell with its output, results and pictures.
        """
        return json.dumps(notebook(self._entries), ensure_ascii=False, indent=1) + "\n"

    def to_script(self) -> str:
        """Return a Python script; of a session that runs commands, a Bash script.

        Code that failed is in it as comments, since a script would end there; so are IPython's
        magics, which Python does not know.
        """
        return script(self._entries)
