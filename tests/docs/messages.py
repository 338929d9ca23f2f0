"""The texts that the packages can print, as their source has them."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLACEHOLDER = "…"


@cache
def message_templates() -> frozenset[str]:
    """Every text in the packages' code, with a placeholder for what is filled in."""
    return frozenset(
        text
        for path in ROOT.glob("packages/*/src/**/*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for text in _texts(node)
    )


def _texts(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(map(_part, node.values))


def _part(value: ast.expr) -> str:
    return str(value.value) if isinstance(value, ast.Constant) else PLACEHOLDER
