"""What is written where: standard output for results, standard error for all else."""

import json
import os
import re
import sys
from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

# Everything that a terminal may take for a command but colours, line ends and tabs. Code in a
# session may be hostile: such commands can rename windows, fill the clipboard, or hide text.
_COLOUR = r"\x1b\[[0-9;:]*m"
_COMMANDS = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"
    r"|\x1b[PX^_].*?(?:\x1b\\|$)"
    r"|\x1b\[(?![0-9;:]*m)[0-?]*[ -/]*[@-~]?"
    r"|\x1b[^\[]|\x1b$"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]",
    re.DOTALL,
)
_COLOURS = re.compile(_COLOUR)


def output() -> Console:
    """Return the console of standard output, without colours where it is no terminal."""
    return Console(highlight=False, soft_wrap=True)


def messages() -> Console:
    """Return the console of standard error."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def note(text: str) -> None:
    """Tell the person something beside the results."""
    messages().print(Text(shown(text), style="dim"))


def write_session_text(text: str, stream: TextIO, *, end: str = "") -> None:
    """Write what code in a session wrote: as it is, but for what would command a terminal."""
    if stream.isatty():
        text = without_commands(text, colours="NO_COLOR" not in os.environ)
    if text:
        stream.write(text if text.endswith("\n") else text + end)
        stream.flush()


def without_commands(text: str, *, colours: bool) -> str:
    """Return a text without what a terminal would take for commands.

    Args:
        text: From a session.
        colours: Whether those stay; they are ended at the end of the text.
    """
    harmless = _COMMANDS.sub("", text)
    if not colours:
        return _COLOURS.sub("", harmless).replace("\x1b", "")
    return f"{harmless}\x1b[0m" if _COLOURS.search(harmless) else harmless


def shown(name: str) -> str:
    """Return a name from a session on one line, control characters written out."""
    return "".join(
        character if character.isprintable() else repr(character)[1:-1] for character in name
    )


def write_json(value: object) -> None:
    """Write a value to standard output."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write rows: a table on a terminal, else lines with tabs and no heading, for other programs."""
    console = output()
    if not console.is_terminal:
        sys.stdout.writelines("\t".join(map(shown, row)) + "\n" for row in rows)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(shown(cell)) for cell in row))
    console.print(table)
