#!/usr/bin/env python3
"""Find links, pictures and anchors of a built site that lead nowhere.

    scripts/check_site.py site   lists them, and exits with 1 where there are any

The site's generator checks links between pages of Markdown; this looks at what it made, with the
parts that came from docstrings.
"""

import sys
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

# Served at addresses that nobody knows beforehand, so that it has none of its own to be relative to.
NOT_FOUND = "404.html"


class Page(HTMLParser):
    """What a page links to, and what can be linked to on it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors = {"", "__top"}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one element's links and anchors."""
        for name, value in attrs:
            if name in ("href", "src") and value and tag != "base":
                self.links.append(value)
            elif name in ("id", "name") and value:
                self.anchors.add(value)


def dead_links(site: Path) -> list[str]:
    """Return the links of a site that lead nowhere, each behind its page."""
    pages = {path.relative_to(site).as_posix(): Page(path.read_text()) for path in _pages(site)}
    return [
        f"{name}: {link}"
        for name, page in pages.items()
        for link in sorted(set(page.links))
        if not _leads_somewhere(site, pages, name, link)
    ]


def _pages(site: Path) -> Sequence[Path]:
    return [path for path in sorted(site.glob("**/*.html")) if path.name != NOT_FOUND]


def _leads_somewhere(site: Path, pages: dict[str, Page], name: str, link: str) -> bool:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return True
    target = unquote(urlsplit(urljoin(name, parts.path)).path) if parts.path else name
    if (site / target).is_dir():
        target = f"{target.rstrip('/')}/index.html".lstrip("/")
    if target in pages:
        return unquote(parts.fragment) in pages[target].anchors
    return (site / target).is_file()


def main(arguments: Sequence[str]) -> int:
    """Check the site in a folder, and return the exit code."""
    (folder,) = arguments
    found = dead_links(Path(folder))
    sys.stderr.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
