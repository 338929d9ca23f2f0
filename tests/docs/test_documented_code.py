"""What the documentation shows is run as it stands, or else says what it needs."""

import ast
import importlib
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from dynamic_sessions_local import LocalSessionPool

from .pages import DOCS, PAGES, ROOT, Block, blocks, name_of

# Their examples run where the clients are installed: see tests/interoperation.
FOREIGN = DOCS / "clients.md"
NEEDS = re.compile(r"# Needs (.+)\.\n")
NEEDS_AZURE = "a session pool in Azure"
ENDPOINT_IN_AZURE = "https://westus2.dynamicsessions.io/subscriptions/…/sessionPools/…"
STAND_IN = (Path(__file__).parent / "azure_stand_in.py").read_text()
LINK = re.compile(r"\]\((?!https?://)([^)#]+)")
PATH_IN_PROSE = re.compile(r"`((?:benchmarks|docs|examples|packages|scripts|tests)/[\w./-]+)`")


def need(block: Block) -> str | None:
    """What the first line of a block says that it needs beyond this suite."""
    found = NEEDS.match(block.text)
    return found[1] if found else None


# Front pages of packages show what others show as well.
PYTHON = list({each.text: each for each in blocks("python") if each.page != FOREIGN}.values())
COMPLETE = [block for block in PYTHON if need(block) is None]
FOR_AZURE = [block for block in PYTHON if need(block) == NEEDS_AZURE]
ELSEWHERE = [block for block in PYTHON if need(block) not in (None, NEEDS_AZURE)]


# LlamaIndex asks its agents for all of their attributes, deprecated ones of pydantic included.
STRICT = ("-W", "error", "-W", "ignore::DeprecationWarning:inspect")

Ended = subprocess.CompletedProcess[str]


def run(script: str, folder: Path, *options: str, **variables: str) -> Ended:
    path = folder / "block.py"
    path.write_text(script)
    return subprocess.run(  # noqa: S603 - our own interpreter and documentation
        [sys.executable, *options, path],
        cwd=folder,
        env={**os.environ, **variables},
        check=False,
        capture_output=True,
        text=True,
    )


class Runs:
    """Runs of blocks, the next one begun with each: most of a run's time is waiting for imports."""

    def __init__(self, executor: Executor, factory: pytest.TempPathFactory) -> None:
        self._executor = executor
        self._factory = factory
        self._begun: dict[Block, Future[Ended]] = {}

    def of(self, block: Block) -> Ended:
        after = COMPLETE.index(block) + 1
        for each in (block, *COMPLETE[after : after + 1]):
            if each not in self._begun:
                folder = self._factory.mktemp("block")
                self._begun[each] = self._executor.submit(run, each.text, folder, *STRICT)
        return self._begun[block].result()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    with ThreadPoolExecutor(max_workers=2) as executor:
        yield Runs(executor, tmp_path_factory)


@pytest.fixture(scope="module")
def in_place_of_azure() -> Iterator[LocalSessionPool]:
    with LocalSessionPool() as pool:
        yield pool


@pytest.mark.parametrize("block", COMPLETE, ids=str)
def test_a_python_block_runs_as_it_stands(block: Block, runs: Runs) -> None:
    ended = runs.of(block)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("block", FOR_AZURE, ids=str)
def test_a_block_for_azure_runs_against_the_local_pool(
    block: Block, in_place_of_azure: LocalSessionPool, tmp_path: Path
) -> None:
    endpoint = in_place_of_azure.endpoint
    ended = run(
        STAND_IN + block.text.replace(ENDPOINT_IN_AZURE, endpoint),
        tmp_path,
        DYNAMIC_SESSIONS_ENDPOINT=endpoint,
        STAND_IN_TOKEN=in_place_of_azure.credential.get_token().token,
    )
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("block", ELSEWHERE, ids=str)
def test_a_block_that_needs_other_packages_names_what_ours_have(block: Block) -> None:
    for node in ast.walk(ast.parse(block.text)):
        if isinstance(node, ast.ImportFrom) and "dynamic_sessions" in (node.module or ""):
            if (node.module or "").startswith("langchain_azure"):
                continue
            module = importlib.import_module(node.module or "")
            assert all(hasattr(module, alias.name) for alias in node.names)


@pytest.mark.parametrize("block", list(blocks("json", "toml")), ids=str)
def test_a_configuration_parses(block: Block) -> None:
    parse = {"json": json.loads, "toml": tomllib.loads}[block.language]
    assert parse(block.text)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_to_files_lead_somewhere(page: Path) -> None:
    missing = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_of_the_checkout_that_a_page_names_are_there(page: Path) -> None:
    missing = [
        path for path in PATH_IN_PROSE.findall(page.read_text()) if not (ROOT / path).exists()
    ]
    assert missing == []
