"""How the command ends where something is wrong: in one line, what to do, and a status."""

import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from .commanding import TOKEN, Command


class _Forbidding(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(403)
        self.send_header("content-length", "0")
        self.end_headers()

    do_POST = do_GET  # noqa: N815 - the names that the server looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as inherited
        del format, args


@pytest.fixture
def forbidden() -> Iterator[str]:
    """The endpoint of a pool on which nobody has the role."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Forbidding) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def nobody() -> Iterator[str]:
    """An endpoint at which nothing listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}/"


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((), "--help"),
        (("fly",), "fly"),
        (("run",), "-c CODE"),
        (("run", "absent.py"), "absent.py"),
        (("run", "-c", "1", "-e", "http://pool.test/"), "https://"),
        (("run", "-c", "1", "-e", "local", "-t", "500"), "220"),
        (("run", "-c", "1", "-e", "local", "-s", "no"), "identifier"),
        (("sessions", "stop"), "NAME"),
    ],
)
def test_what_is_wrong_with_the_command_line_is_status_2(
    anywhere: Command, arguments: tuple[str, ...], word: str
) -> None:
    ended = anywhere(*arguments)

    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("dynamic-sessions: ")
    assert word in ended.err


def test_a_pool_that_gives_no_answer_is_status_125(anywhere: Command, nobody: str) -> None:
    ended = anywhere("run", "-c", "1", "-e", nobody, DYNAMIC_SESSIONS_TOKEN=TOKEN)

    assert (ended.status, ended.out) == (125, "")
    assert "dynamic-sessions doctor" in ended.err


def test_a_token_that_is_refused_is_status_125_and_not_printed(command: Command) -> None:
    for arguments in (("run", "-c", "1"), ("sessions", "ls")):
        ended = command(*arguments, DYNAMIC_SESSIONS_TOKEN=f"{TOKEN}-no-more")
        assert (ended.status, ended.out) == (125, "")
        assert "401" in ended.err


def test_a_role_that_is_missing_is_named(anywhere: Command, forbidden: str) -> None:
    ended = anywhere("run", "-c", "1", "-e", forbidden, DYNAMIC_SESSIONS_TOKEN=TOKEN)

    assert ended.status == 125
    assert "Azure ContainerApps Session Executor" in ended.err


def test_the_doctor_finds_no_fault_with_a_pool_that_works(command: Command) -> None:
    ended = command("doctor")

    assert ended.status == 0
    for mechanism in ("interpreter", "launcher fork", "endpoint", "token", "role", "packages"):
        assert f"works    {mechanism}" in ended.out
    assert "Sessions can be had from" in ended.out


@pytest.mark.parametrize(
    ("fault", "mechanism", "cure"),
    [("nobody", "endpoint", "dynamic-sessions serve"), ("forbidden", "role", "Session Executor")],
)
def test_the_doctor_names_the_first_fault_and_its_cure(
    anywhere: Command, request: pytest.FixtureRequest, fault: str, mechanism: str, cure: str
) -> None:
    endpoint: str = request.getfixturevalue(fault)
    python = ("--python", "/no/such/python")
    ended = anywhere("doctor", "-e", endpoint, *python, DYNAMIC_SESSIONS_TOKEN=TOKEN)

    assert ended.status == 1
    assert f"missing  {mechanism}" in ended.out
    assert cure in ended.out.partition("The session pool")[2]


def test_the_doctor_tells_a_token_for_another_audience(anywhere: Command, forbidden: str) -> None:
    # {"aud": "https://management.azure.com", "exp": 1893456000}
    body = "eyJhdWQiOiAiaHR0cHM6Ly9tYW5hZ2VtZW50LmF6dXJlLmNvbSIsICJleHAiOiAxODkzNDU2MDAwfQ"
    token = f"eyJ9.{body}.signature"
    ended = anywhere(
        "doctor", "-e", forbidden, "--python", "/no/such/python", DYNAMIC_SESSIONS_TOKEN=token
    )

    assert "missing  token" in ended.out
    assert "https://management.azure.com" in ended.out
    assert "az account get-access-token --resource https://dynamicsessions.io" in ended.out
    assert token not in ended.out + ended.err


def test_the_doctor_exits_by_this_machine_where_no_pool_is_named(anywhere: Command) -> None:
    ended = anywhere("doctor", "--python", "/no/such/python")

    assert ended.status == 1
    assert "A session pool cannot start here." in ended.out
    assert "\x1b" not in ended.out


def test_shells_complete_commands_and_options(anywhere: Command) -> None:
    variables = {"_DYNAMIC_SESSIONS_COMPLETE": "complete_bash", "COMP_CWORD": "1"}
    assert anywhere(COMP_WORDS="dynamic-sessions se", **variables).out.split() == [
        "serve",
        "sessions",
    ]
    script = anywhere(_DYNAMIC_SESSIONS_COMPLETE="source_bash").out
    assert "complete" in script
    assert "dynamic-sessions" in script


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("run",),
        ("serve",),
        ("files", "get"),
    ],
)
def test_help_begins_with_the_usage(anywhere: Command, arguments: tuple[str, ...]) -> None:
    ended = anywhere(*arguments, "--help")

    assert (ended.status, ended.err) == (0, "")
    assert ended.out.strip().startswith(" ".join(("Usage: dynamic-sessions", *arguments)))
    assert "\x1b" not in ended.out
