"""The site has every page and every public name, and its check finds what leads nowhere."""

import importlib
import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from .pages import DOCS, ROOT

SHAPE = ["Install", "In an agent", "Sessions", "Functions", "Files", "Results", "Errors"]
API = {
    "core": ["dynamic_sessions"],
    "local": ["dynamic_sessions_local"],
    "testing": ["dynamic_sessions.prompts"],
    "adapters": [
        "autogen_ext_dynamic_sessions",
        "dynamic_sessions_mcp",
        "langchain_dynamic_sessions",
        "llama_index.tools.dynamic_sessions",
        "maf_dynamic_sessions",
    ],
}


def navigation() -> list[str]:
    configuration = tomllib.loads((ROOT / "zensical.toml").read_text())
    return re.findall(r"'([^']+\.md)'", str(configuration["project"]["nav"]))


def check_site() -> ModuleType:
    path = ROOT / "scripts" / "check_site.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_page_is_in_the_navigation_once() -> None:
    pages = [page.relative_to(DOCS).as_posix() for page in DOCS.glob("**/*.md")]
    assert sorted(navigation()) == sorted(pages)


@pytest.mark.parametrize("page", sorted(DOCS.glob("adapters/*.md")), ids=lambda page: page.stem)
def test_pages_of_adapters_have_one_shape(page: Path) -> None:
    headings = re.findall(r"^## (.+)$", page.read_text(), re.MULTILINE)
    assert headings[: len(SHAPE)] == SHAPE


@pytest.mark.parametrize("page", API)
def test_the_reference_has_every_public_name(page: str) -> None:
    text = (DOCS / "api" / f"{page}.md").read_text()
    for name in API[page]:
        public = importlib.import_module(name).__all__
        shown = re.findall(rf"^::: {re.escape(name)}\.(\w+)$", text, re.MULTILINE)
        assert set(public) <= set(shown)


def test_links_that_lead_nowhere_are_found(tmp_path: Path) -> None:
    (tmp_path / "guide").mkdir()
    (tmp_path / "guide" / "index.html").write_text('<h2 id="there"></h2><a href="#nowhere">')
    (tmp_path / "index.html").write_text(
        '<a href="guide/#there"><a href="guide/#gone"><a href="missing/"><img src="none.png">'
        '<a href="https://elsewhere.example/">'
    )
    assert check_site().dead_links(tmp_path) == [
        "guide/index.html: #nowhere",
        "index.html: guide/#gone",
        "index.html: missing/",
        "index.html: none.png",
    ]
