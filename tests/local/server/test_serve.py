"""`dynamic-sessions serve`, as a process of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from .waiting import PATIENCE, until

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str, **environment: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(  # noqa: S603 - arguments of a test
            [sys.executable, "-W", "error", "-m", "dynamic_sessions_cli", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        with process:
            process.kill()


def first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().removesuffix("\n")


def status(endpoint: str, token: str) -> int:
    return httpx.get(
        f"{endpoint}files",
        params={"api-version": "2025-10-02-preview", "identifier": "the-session"},
        headers={"authorization": f"Bearer {token}"},
        timeout=PATIENCE,
    ).status_code


def sandboxes_of(process: int) -> set[int]:
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    return {int(text) for task in tasks for text in task.read_text().split()}


def exists(process: int) -> bool:
    return Path(f"/proc/{process}").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_ends_cleanly(start: Start, number: signal.Signals) -> None:
    process = start("serve")
    endpoint = re.fullmatch(r"endpoint: (http://127\.0\.0\.1:\d+/)", first_line(process))
    token = re.fullmatch(r"token: (\S{32,})", first_line(process))
    assert endpoint
    assert token
    assert first_line(process) == f"inspector: {endpoint[1]}inspect"
    assert status(endpoint[1], token[1]) == 200
    assert status(endpoint[1], "other") == 401
    sandboxes = sandboxes_of(process.pid)
    assert sandboxes
    # To the whole group, as a terminal does it.
    os.killpg(process.pid, number)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (0, "", "")
    until(lambda: not any(map(exists, sandboxes)))


@pytest.mark.parametrize("by_variable", [False, True])
def test_a_token_that_was_given_is_used_and_not_printed(start: Start, by_variable: bool) -> None:
    process = (
        start("serve", DYNAMIC_SESSIONS_TOKEN="given-token")
        if by_variable
        else start("serve", "--token", "given-token")
    )
    endpoint = first_line(process).removeprefix("endpoint: ")
    assert first_line(process) == f"inspector: {endpoint}inspect"
    assert status(endpoint, "given-token") == 200
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=PATIENCE) == ("", "")


def test_the_inspector_is_opened_by_a_file_that_its_user_alone_can_read(
    start: Start, tmp_path: Path
) -> None:
    browser, seen = tmp_path / "browser", tmp_path / "seen"
    browser.write_text(f"#!/bin/sh\necho \"$@\" > '{seen}.part'; mv '{seen}.part' '{seen}'\n")
    browser.chmod(0o700)
    process = start("serve", "--open", "--token", "a/token+1", BROWSER=f"{browser} %s")
    endpoint = first_line(process).removeprefix("endpoint: ")
    until(seen.exists)
    page = Path(seen.read_text().strip().removeprefix("file://"))
    assert page.stat().st_mode & 0o777 == 0o600
    assert f'url={endpoint}inspect#token=a%2Ftoken%2B1"' in page.read_text()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert not page.parent.exists()


def test_the_inspector_is_left_out_where_nobody_wants_it(start: Start) -> None:
    process = start("serve", "--no-inspector", "--token", "given-token")
    endpoint = first_line(process).removeprefix("endpoint: ")
    headers = {"authorization": "Bearer given-token"}
    for path in ("inspect", "inspect/api/sessions"):
        assert httpx.get(f"{endpoint}{path}", headers=headers).status_code == 404
        assert httpx.get(f"{endpoint}{path}").status_code == 401
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=PATIENCE) == ("", "")


def test_an_inspector_that_is_left_out_is_not_opened(start: Start) -> None:
    process = start("serve", "--no-inspector", "--open")
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (2, "")
    assert re.fullmatch(r"dynamic-sessions: .*--no-inspector.*\n", err)


def test_a_port_in_use_is_said_in_one_line(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = start("serve", "--port", str(taken.getsockname()[1]))
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (2, "")
    assert re.fullmatch(r"dynamic-sessions: .*in use.*\n", err)


def test_an_interpreter_that_is_none_is_said_in_a_few_words(start: Start) -> None:
    process = start("serve", "--python", "/nonexistent/python")
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode in {1, 2}
    assert out == ""
    assert err.startswith("dynamic-sessions: ")
    assert "Traceback" not in err


def test_no_sandbox_and_an_open_address_do_not_go_together(start: Start) -> None:
    process = start("serve", "--isolation", "none", "--host", "0.0.0.0")  # noqa: S104 - refused
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert re.fullmatch(r"dynamic-sessions: .*loopback.*\n", err)


@pytest.mark.parametrize("arguments", [["--port", "x"], ["--kind", "perl"], ["--fly"]])
def test_arguments_that_make_no_sense_are_named(start: Start, arguments: list[str]) -> None:
    process = start("serve", *arguments)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (2, "")
    assert arguments[0] in err.splitlines()[0]
