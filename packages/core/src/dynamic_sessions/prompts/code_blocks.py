"""Code out of what a model wrote: fenced blocks of a text, and code that came with wrapping."""

import io
import re
import textwrap
import tokenize
from collections.abc import Sequence
from dataclasses import dataclass

from dynamic_sessions.models import CodeBlock

PYTHON = "python"
_PYTHON_WORDS = frozenset({"python", "python3", "py", "py3", "ipython", "ipython3"})
_PROSE_WORDS = frozenset({"markdown", "md", "mdx"})

# What stands before a fence in a list or a quotation belongs to its column. Every repetition
# begins with a mark, so that no line takes more than linear time.
_FENCE = re.compile(
    r"(?P<before>[ \t]*(?:>[ \t]*|(?:[-*+]|\d{1,9}[.)])[ \t]+)*)"
    r"(?P<fence>`{3,}|~{3,})(?P<info>.*)"
)
_LANGUAGE = re.compile(r"[ \t{.]*(?P<word>[\w+#-]*)")

_CODE_SPAN = re.compile(r"(?P<ticks>`+)(?P<code>[^`\n]+)(?P=ticks)")

# Deeper than this a fence is a part of the code: the same limit as CommonMark's.
_CLOSING_INDENTATION = 3

# A string that is never closed would have every later fence tried.
_CLOSINGS_TRIED = 20


@dataclass(frozen=True, kw_only=True)
class _Opening:
    mark: str
    column: int
    is_quoted: bool
    language: str

    def content_of(self, line: str) -> str:
        """Return a line of the block without what precedes the fence's column."""
        margin = " \t>" if self.is_quoted else " \t"
        taken = 0
        while taken < min(self.column, len(line)) and line[taken] in margin:
            taken += 1
        return line[taken:]

    def is_closed_by(self, line: str) -> bool:
        content = self.content_of(line)
        mark = content.strip()
        is_shallow = len(content) - len(content.lstrip()) <= _CLOSING_INDENTATION
        return is_shallow and set(mark) == {self.mark[0]} and len(mark) >= len(self.mark)


def extract_code_blocks(markdown: str, *, language: str | None = PYTHON) -> list[CodeBlock]:
    """Return the fenced code blocks of a text, in order.

    Fences are read as models write them: of backticks or tildes, longer ones around shorter ones,
    indented, in lists and quotations, with any line ends, and left open at the end. A fence inside
    a string of Python code does not end the block.

    Args:
        markdown: The text.
        language: Which blocks are wanted; the many names of Python count as "python". If no block
            of the text names a language, all count as Python. None is for all blocks, where those
            that name none have the language "".
    """
    blocks = _all_blocks(_lines(markdown))
    if language is None:
        return blocks
    wanted = _language_named(language)
    if wanted == PYTHON and not any(block.language for block in blocks):
        blocks = [CodeBlock(code=block.code) for block in blocks]
    return [block for block in blocks if block.language == wanted]


def clean_code(text: str) -> str:
    """Return the code in what a model passed as code.

    Models wrap it, although asked for nothing else: in a fence, with the language's name on a
    line of its own, in single backticks, or indented as a whole. Only the wrapping is taken off;
    names and commands that merely begin like a language stay, as do trailing backticks.
    """
    lines = _lines(text.strip("\r\n"))
    if lines and _opening_at(lines[0].lstrip()):
        blocks = _all_blocks([lines[0].lstrip(), *lines[1:]])
        python = [block.code for block in blocks if block.language in {PYTHON, ""}]
        return "\n".join(python or [block.code for block in blocks])
    if len(lines) > 1 and lines[0].strip().lower() in _PYTHON_WORDS:
        lines = lines[1:]
    code = "\n".join(lines).rstrip()
    return _at_left_margin(_inside_code_span(code) or code)


def clean_command(text: str) -> str:
    """Return the command in what a model passed as a command: without a fence around it.

    Nothing else is taken off, whatever it begins with: `shuf` is a command, and so is `sh -c`.
    """
    lines = _lines(text.strip("\r\n"))
    if not _opening_at(lines[0].lstrip()):
        return text
    return "\n".join(block.code for block in _all_blocks([lines[0].lstrip(), *lines[1:]]))


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _all_blocks(lines: Sequence[str]) -> list[CodeBlock]:
    blocks: list[CodeBlock] = []
    number = 0
    while number < len(lines):
        opening = _opening_at(lines[number])
        number += 1
        if opening is None:
            continue
        end = _end_of(opening, lines, number)
        content = [opening.content_of(line) for line in lines[number:end]]
        code = "\n".join(content) if end < len(lines) else "\n".join(content).rstrip()
        if code.strip():
            code = _at_left_margin(code) if opening.language in {PYTHON, ""} else code
            blocks.append(CodeBlock(code=code, language=opening.language))
        number = end + 1
    return blocks


def _opening_at(line: str) -> _Opening | None:
    found = _FENCE.match(line)
    # Backticks behind the fence make it a code span inside a sentence.
    if found is None or (found["fence"][0] == "`" and "`" in found["info"]):
        return None
    word = _LANGUAGE.match(found["info"])
    return _Opening(
        mark=found["fence"],
        column=len(found["before"]),
        is_quoted=">" in found["before"],
        language=_language_named(word["word"] if word else ""),
    )


def _language_named(word: str) -> str:
    return PYTHON if word.lower() in _PYTHON_WORDS else word.lower()


def _end_of(opening: _Opening, lines: Sequence[str], first: int) -> int:
    """Return the number of the line that closes a block; that after the last if none does."""
    if opening.language in _PROSE_WORDS:
        return _end_of_prose(opening, lines, first)
    closings = (
        number for number in range(first, len(lines)) if opening.is_closed_by(lines[number])
    )
    nearest = next(closings, len(lines))
    if opening.language != PYTHON:
        return nearest
    closing: int | None = nearest
    for _ in range(_CLOSINGS_TRIED):
        if closing is None:
            break
        code = "\n".join(map(opening.content_of, lines[first:closing]))
        if not _ends_inside_string(code):
            return closing
        closing = next(closings, None)
    return nearest


def _end_of_prose(opening: _Opening, lines: Sequence[str], first: int) -> int:
    """Return the end of a block of Markdown, whose own blocks have fences that look the same."""
    inner: _Opening | None = None
    for number in range(first, len(lines)):
        line = lines[number]
        if inner is not None:
            inner = None if inner.is_closed_by(line) else inner
        elif opening.is_closed_by(line):
            return number
        else:
            inner = _opening_at(line)
    return len(lines)


def _ends_inside_string(code: str) -> bool:
    if '"""' not in code and "'''" not in code:
        return False
    try:
        for _ in tokenize.generate_tokens(io.StringIO(code).readline):
            pass
    except tokenize.TokenError as error:
        return "string" in str(error)
    except SyntaxError:
        return False
    return False


def _inside_code_span(code: str) -> str | None:
    """Return what stands between the backticks that surround a whole text of one line."""
    found = _CODE_SPAN.fullmatch(code.strip())
    if found is None:
        return None
    word, blank, rest = found["code"].strip().partition(" ")
    is_fence = len(found["ticks"]) > 1
    return rest if is_fence and blank and word.lower() in _PYTHON_WORDS else found["code"].strip()


def _at_left_margin(code: str) -> str:
    first = next((line for line in code.split("\n") if line.strip()), "")
    margin = first[: len(first) - len(first.lstrip())]
    if not margin:
        return code
    dedented = textwrap.dedent(code)
    if not dedented.lstrip("\n")[:1].isspace():
        return dedented
    # A first line that is indented deeper than what follows it lost its place alone.
    return "\n".join(line.removeprefix(margin) for line in code.split("\n"))
