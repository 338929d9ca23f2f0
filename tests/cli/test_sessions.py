"""`dynamic-sessions sessions` and `dynamic-sessions packages`."""

import json
from datetime import datetime
from importlib import metadata

from dynamic_sessions import Session

from .commanding import Command


def test_sessions_are_listed_with_their_times(command: Command, session: Session) -> None:
    session.execute("1")
    rows = {
        row[0]: row[1:]
        for row in (line.split("\t") for line in command("sessions", "ls").out.splitlines())
    }

    age, idle, left = rows[session.identifier]
    assert age.endswith(" s")
    assert idle.endswith(" s")
    assert left.endswith((" min", " s"))


def test_json_has_moments(command: Command, session: Session) -> None:
    session.execute("1")
    listed = {each["session"]: each for each in json.loads(command("sessions", "ls", "--json").out)}
    shown = json.loads(command("sessions", "show", session.identifier, "--json").out)

    assert shown["created_at"] == listed[session.identifier]["created_at"]
    assert datetime.fromisoformat(shown["created_at"]) < datetime.fromisoformat(shown["expires_at"])


def test_one_session_is_shown_word_by_word(command: Command, session: Session) -> None:
    session.execute("1")
    lines = command("sessions", "show", session.identifier).out.splitlines()

    assert lines[0] == f"session: {session.identifier}"
    assert [line.partition(":")[0] for line in lines[1:]] == [
        "created_at",
        "last_accessed_at",
        "expires_at",
    ]


def test_sessions_are_stopped(command: Command, session: Session) -> None:
    session.execute("1")
    ended = command("sessions", "stop", session.identifier)

    assert (ended.status, ended.out, ended.err) == (0, "", f"stopped: {session.identifier}\n")
    assert session.status() is None


def test_a_session_that_is_not_alive_is_named(command: Command, session: Session) -> None:
    for verb in ("show", "stop"):
        ended = command("sessions", verb, session.identifier)
        assert ended.status == 125
        assert session.identifier in ended.err
    assert session.status() is None


def test_a_terminal_gets_a_table_with_a_heading(command: Command, session: Session) -> None:
    session.execute("1")
    with command.on_terminal("sessions", "ls") as terminal:
        terminal.expect("session.*age.*idle.*time left")
        terminal.expect(session.identifier)


def test_packages_are_listed_with_versions(command: Command) -> None:
    lines = command("packages").out.splitlines()

    assert f"numpy\t{metadata.version('numpy')}" in lines
    assert command("packages", "numpy", "--json").out.startswith("{")
    chosen = json.loads(command("packages", "NUMPY", "--json").out)
    assert chosen
    assert all("numpy" in name for name in chosen)


def test_packages_of_a_session_are_its_own(command: Command, session: Session) -> None:
    assert "numpy\t" in command("packages", "-s", session.identifier).out
    assert session.status() is not None
