"""Opens a page in the browser of whoever sits at this machine."""

import contextlib
import html
import tempfile
import webbrowser
from collections.abc import Generator
from pathlib import Path

_PAGE = """<!doctype html><meta charset="utf-8"><title>Session inspector</title>
<meta http-equiv="refresh" content="0; url={url}">
<a href="{url}">Session inspector</a>
"""


@contextlib.contextmanager
def opened(url: str) -> Generator[None]:
    """Open a URL that nobody else may learn, by a file that is there for the with-block.

    Other users of this machine can see what a browser was started with, but not read the file.
    """
    with tempfile.TemporaryDirectory(prefix="dynamic-sessions-") as folder:
        page = Path(folder) / "inspector.html"
        page.touch(mode=0o600)
        page.write_text(_PAGE.format(url=html.escape(url)))
        webbrowser.open(page.as_uri())
        yield
