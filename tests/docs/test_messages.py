"""The messages that the page on troubleshooting quotes are those of the code."""

import re

import pytest

from .messages import message_templates
from .pages import DOCS

QUOTE = re.compile(r"(?:^> .*\n)+", re.MULTILINE)


def quoted() -> list[str]:
    page = (DOCS / "troubleshooting.md").read_text()
    return [
        " ".join(line.removeprefix("> ") for line in quote.splitlines())
        for quote in QUOTE.findall(page)
    ]


@pytest.mark.parametrize("message", quoted())
def test_a_quoted_message_is_one_of_ours(message: str) -> None:
    assert message in {" ".join(template.split()) for template in message_templates()}
