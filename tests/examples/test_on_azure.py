import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .running import failure_of, output_of

TOKEN = secrets.token_urlsafe()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """The endpoint of a pool that is a process of its own."""
    command = [sys.executable, "-m", "dynamic_sessions_cli", "serve", "--token", TOKEN]
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        yield server.stdout.readline().removeprefix("endpoint: ").strip()
        server.terminate()


def test_a_pool_is_used_by_its_endpoint_and_a_token(endpoint: str, tmp_path: Path) -> None:
    found = {"DYNAMIC_SESSIONS_ENDPOINT": endpoint, "DYNAMIC_SESSIONS_TOKEN": TOKEN}
    printed = output_of("on_azure", tmp_path, added=found)
    assert "succeeded after " in printed
    assert "with 1 image" in printed
    assert "among them pandas " in printed


def test_without_an_endpoint_it_says_what_to_set(tmp_path: Path) -> None:
    assert "Set DYNAMIC_SESSIONS_ENDPOINT" in failure_of("on_azure", tmp_path)


def test_with_a_wrong_token_it_says_that_nothing_ran(endpoint: str, tmp_path: Path) -> None:
    found = {"DYNAMIC_SESSIONS_ENDPOINT": endpoint, "DYNAMIC_SESSIONS_TOKEN": "another"}
    told = failure_of("on_azure", tmp_path, added=found)
    assert "May the code have run? No." in told
    assert "another" not in told
