"""Commands on the pages are shell, and ours take what the pages give them."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .pages import PAGES, ROOT, Block, blocks, name_of

OURS = ("dynamic-sessions", "dynamic-sessions-mcp")
SHELL = list(blocks("sh", "bash", "console"))
IN_PROSE = re.compile(r"`((?:dynamic-sessions|dynamic-sessions-mcp) [^`]+)`")
OPTION = re.compile(r"--[a-z][a-z-]*")


def script(block: Block) -> str:
    """The commands of a block: all of it, or what follows the prompts."""
    if block.language != "console":
        return block.text
    lines = [line for line in block.text.splitlines() if line.startswith("$ ")]
    return "\n".join(line.removeprefix("$ ") for line in lines) + "\n"


def command_lines(text: str) -> Iterator[list[str]]:
    for line in text.replace("\\\n", " ").splitlines():
        if words := shlex.split(line, comments=True):
            yield words


def uses_of_ours() -> Iterator[object]:
    """Our commands with their arguments, wherever they stand."""
    for block in SHELL:
        for words in command_lines(script(block)):
            places = [n for n, word in enumerate(words) if Path(word).name in OURS]
            if places:
                yield pytest.param(words[places[-1] :], id=f"{block}-{' '.join(words)}")
    for page in PAGES:
        for text in IN_PROSE.findall(page.read_text()):
            yield pytest.param(shlex.split(text), id=f"{name_of(page)}-{text}")


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_a_command_block_is_shell(block: Block) -> None:
    parsed = subprocess.run(
        ["/bin/bash", "-n"], input=script(block), check=False, capture_output=True, text=True
    )
    assert (parsed.returncode, parsed.stderr) == (0, "")


@pytest.mark.parametrize("words", list(uses_of_ours()))
def test_a_command_of_ours_takes_its_arguments(words: list[str]) -> None:
    command = Path(sys.executable).parent / Path(words[0]).name
    arguments = [word.replace("…", "1") for word in words[1:]]
    # With --help last, all that stands before it is parsed and nothing is done.
    shown = subprocess.run(  # noqa: S603 - our own command and documentation
        [command, *arguments, "--help"], check=False, capture_output=True, text=True
    )
    assert shown.returncode == 0, shown.stderr
    assert set(OPTION.findall(" ".join(arguments))) <= set(OPTION.findall(shown.stdout))


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_scripts_and_packages_of_the_checkout_are_there(block: Block) -> None:
    for words in command_lines(script(block)):
        for word in words:
            path = word.partition("[")[0]
            if path.startswith(("./scripts/", "scripts/", "./packages/")):
                assert (ROOT / path).exists()
