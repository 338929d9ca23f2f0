"""Cells of a notebook or a prompt: texts of one module that no file holds together."""

import linecache
import re
from collections.abc import Iterator

# IPython's shell, ipykernel (behind Jupyter and editors), and Python's own prompt from 3.13 on.
_CELL_NAME = re.compile(
    r"<ipython-input-\d+-\w+>|.*[/\\]ipykernel_\d+[/\\]\d+\.py|<python-input-\d+>"
)


def cell_texts() -> Iterator[str]:
    """Yield the texts of all cells that ran in this process, the latest first."""
    for filename, entry in reversed(list(linecache.cache.items())):
        # An entry of one item holds a promise of the text, which no cell has.
        if _CELL_NAME.fullmatch(filename) and len(entry) > 1:
            yield "".join(entry[2])
