"""`dynamic-sessions sessions export`."""

import ast
import json
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import nbformat
import pytest

from dynamic_sessions import Session
from dynamic_sessions_local import LocalSessionPool

from .commanding import TOKEN, Command

RUN = ("a = 20", "%time a + 1", "!ls", "1 / 0", "print('a\\u00e4')")


@pytest.fixture
def worked(session: Session) -> Session:
    """A session with work of all kinds behind it."""
    for code in RUN:
        session.execute(code)
    return session


def cells_of(text: str) -> list[Any]:
    notebook: Any = json.loads(text)
    nbformat.validate(notebook)  # pyright: ignore[reportUnknownMemberType] - it has no types
    return notebook["cells"]


def test_a_session_is_exported_by_what_the_file_is_called(
    command: Command, worked: Session
) -> None:
    for name in ("work.ipynb", "work.py"):
        ended = command("sessions", "export", worked.identifier, "-o", name)
        assert (ended.status, ended.out, ended.err) == (0, "", "")

    cells = cells_of((command.folder / "work.ipynb").read_text())
    assert [cell["source"] for cell in cells[-len(RUN) :]] == list(RUN)
    assert cells[-2]["outputs"][0]["ename"] == "ZeroDivisionError"
    script = (command.folder / "work.py").read_text()
    ast.parse(script)
    assert "# 1 / 0\n" in script
    assert "print('a\\u00e4')\n" in script


@pytest.mark.parametrize("to", [(), ("-o", "-")])
def test_standard_output_gets_a_notebook_unless_a_script_is_asked_for(
    command: Command, worked: Session, to: tuple[str, ...]
) -> None:
    export = ("sessions", "export", worked.identifier, *to)
    assert cells_of(command(*export).out)[-1]["source"] == RUN[-1]
    ast.parse(command(*export, "--format", "script").out)


def test_the_format_that_was_given_goes_before_the_files_name(
    command: Command, worked: Session
) -> None:
    export = ("sessions", "export", worked.identifier)
    assert command(*export, "-o", "work.txt", "--format", "script").status == 0
    ast.parse((command.folder / "work.txt").read_text())

    ended = command(*export, "-o", "work.doc")
    assert (ended.status, ended.out) == (2, "")
    assert "--format" in ended.err
    assert not (command.folder / "work.doc").exists()


def test_a_session_that_has_ended_is_exported_until_another_has_its_name(
    command: Command, worked: Session
) -> None:
    export = ("sessions", "export", worked.identifier)
    worked.delete()
    assert cells_of(command(*export).out)[-1]["source"] == RUN[-1]
    worked.execute("anew = 1")
    assert cells_of(command(*export).out)[-1]["source"] == "anew = 1"
    assert RUN[-1] not in [cell["source"] for cell in cells_of(command(*export).out)]


def test_a_terminal_gets_nothing_that_commands_it(command: Command, session: Session) -> None:
    session.execute("text = '\x1b]0;renamed\x07'")
    with command.on_terminal(
        "sessions", "export", session.identifier, "--format", "script"
    ) as terminal:
        terminal.expect("text = ''")


def test_a_session_that_is_not_known_is_named(command: Command) -> None:
    ended = command("sessions", "export", "never-there", "-o", "work.ipynb")

    assert (ended.status, ended.out) == (125, "")
    assert "'never-there'" in ended.err
    assert not (command.folder / "work.ipynb").exists()


def test_a_file_that_cannot_be_written_is_said_in_one_line(
    command: Command, worked: Session
) -> None:
    ended = command("sessions", "export", worked.identifier, "-o", "no/such/folder.py")

    assert (ended.status, ended.out) == (2, "")
    assert "no/such/folder.py" in ended.err
    assert len(ended.err.splitlines()) == 1


class _WithoutInspector(BaseHTTPRequestHandler):
    """A service that knows no such path, whatever it says to that."""

    status = 404

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as inherited
        del format, args


@contextmanager
def plain_service(status: int) -> Generator[str]:
    handler = type("Handler", (_WithoutInspector,), {"status": status})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@contextmanager
def plain_pool() -> Generator[str]:
    with LocalSessionPool(token=TOKEN) as pool:
        yield pool.endpoint


@pytest.mark.parametrize(
    "running",
    [plain_pool, *(partial(plain_service, status) for status in (400, 404, 405))],
    ids=["local", "400", "404", "405"],
)
def test_a_pool_that_keeps_nothing_is_told_with_what_to_do_instead(
    anywhere: Command, running: Callable[[], AbstractContextManager[str]]
) -> None:
    with running() as endpoint:
        ended = anywhere("sessions", "export", "any", "-e", endpoint, DYNAMIC_SESSIONS_TOKEN=TOKEN)

    assert (ended.status, ended.out) == (125, "")
    assert "AsyncSession.history" in ended.err


def test_a_pool_of_the_commands_own_has_no_session_to_export(anywhere: Command) -> None:
    ended = anywhere("sessions", "export", "any-name", "-e", "local")

    assert (ended.status, ended.out) == (2, "")
    assert "dynamic-sessions serve" in ended.err
