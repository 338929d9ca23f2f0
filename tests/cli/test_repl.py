"""`dynamic-sessions repl`, on a terminal."""

import re

import pexpect
import pytest

from dynamic_sessions import Session

from .commanding import Command

PLOT = "import matplotlib.pyplot as plt; plt.plot([1, 2]); plt.show()"


def prompted(terminal: "pexpect.spawn[str]", number: int) -> None:
    terminal.expect(re.escape(f"In [{number}]:"))


def left(terminal: "pexpect.spawn[str]") -> int | None:
    # What arrives between two prompts is lost.
    terminal.sendeof()
    while terminal.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=2):
        terminal.sendeof()
    terminal.wait()
    return terminal.exitstatus


def test_a_conversation_keeps_its_variables(command: Command) -> None:
    with command.on_terminal("repl") as terminal:
        prompted(terminal, 1)
        terminal.send("x = 20\r")
        prompted(terminal, 2)
        terminal.send("x + 1\r")
        terminal.expect_exact("Out[2]: 21")
        prompted(terminal, 3)
        terminal.send("1 / 0\r")
        terminal.expect_exact("ZeroDivisionError: division by zero")
        prompted(terminal, 4)
        terminal.send("%pwd\r")
        terminal.expect_exact("/mnt/data")
        prompted(terminal, 5)
        assert left(terminal) == 0


def test_a_block_goes_on_until_an_empty_line(command: Command) -> None:
    with command.on_terminal("repl") as terminal:
        prompted(terminal, 1)
        terminal.send("for number in range(3):\r")
        terminal.send("print('row', number)\r")
        terminal.send("print('-' * 3)\r\r")
        terminal.expect_exact("row 0\r\n---\r\nrow 1\r\n---\r\nrow 2\r\n---\r\n")
        prompted(terminal, 2)


def test_ctrl_c_interrupts_the_code_and_neither_the_program_nor_the_session(
    command: Command, session: Session
) -> None:
    with command.on_terminal("repl", "-s", session.identifier) as terminal:
        prompted(terminal, 1)
        terminal.send("x = 20\r")
        prompted(terminal, 2)
        terminal.send("import time; open('begun', 'w').close(); time.sleep(60)\r")
        while not session.files.list():
            assert terminal.isalive()
        terminal.sendintr()
        terminal.expect_exact("KeyboardInterrupt")
        prompted(terminal, 3)
        terminal.send("x + 1\r")
        terminal.expect_exact("Out[3]: 21")
        prompted(terminal, 4)
        terminal.send("to be thrown away")
        terminal.sendintr()
        prompted(terminal, 4)
        assert left(terminal) == 0
    assert session.execute("x").result == 20


def test_a_second_ctrl_c_ends_a_session_that_does_not_heed_the_first(
    command: Command, session: Session
) -> None:
    stubborn = "exec('while True:\\n try: time.sleep(60)\\n except KeyboardInterrupt: pass')"
    with command.on_terminal("repl", "-s", session.identifier) as terminal:
        prompted(terminal, 1)
        terminal.send("x = 20\r")
        prompted(terminal, 2)
        terminal.send(f"import time; open('begun', 'w').close(); {stubborn}\r")
        while not session.files.list():
            assert terminal.isalive()
        terminal.sendintr()
        terminal.expect_exact("Ctrl-C again ends the session.")
        terminal.sendintr()
        terminal.expect_exact("The session was ended: its variables and files are gone.")
        prompted(terminal, 3)
        terminal.send("'x' in globals()\r")
        terminal.expect_exact("Out[3]: False")
        prompted(terminal, 4)
        assert left(terminal) == 0


def test_what_was_typed_is_remembered_the_next_time(command: Command) -> None:
    with command.on_terminal("repl") as terminal:
        prompted(terminal, 1)
        terminal.send("6 * 7\r")
        terminal.expect_exact("Out[1]: 42")
        prompted(terminal, 2)
        terminal.send("exit\r")
        terminal.wait()
    history = command.folder / "state" / "dynamic-sessions" / "history"
    assert history.stat().st_mode & 0o077 == 0
    with command.on_terminal("repl") as terminal:
        prompted(terminal, 1)
        terminal.send("\x1b[A\x1b[A\r")
        terminal.expect_exact("Out[1]: 42")


@pytest.mark.parametrize(
    ("variables", "beginning"),
    [
        ({"KITTY_WINDOW_ID": "1"}, "\x1b_Ga=T,f=100,m="),
        ({"TERM_PROGRAM": "iTerm.app"}, "\x1b]1337;File=inline=1;size="),
    ],
)
def test_terminals_that_can_show_pictures_do(
    command: Command, variables: dict[str, str], beginning: str
) -> None:
    with command.on_terminal("repl", **variables) as terminal:
        prompted(terminal, 1)
        terminal.send(f"{PLOT}\r")
        terminal.expect_exact(beginning)
        prompted(terminal, 2)
    assert not list(command.folder.glob("*.png"))


def test_for_others_pictures_are_saved_and_named(command: Command) -> None:
    with command.on_terminal("repl", TMUX="1", TERM_PROGRAM="iTerm.app") as terminal:
        prompted(terminal, 1)
        terminal.send(f"{PLOT}\r")
        terminal.expect_exact("image: image-1.png")
    assert (command.folder / "image-1.png").read_bytes().startswith(b"\x89PNG")


def test_no_color_is_heeded(command: Command) -> None:
    with command.on_terminal("repl", NO_COLOR="1") as terminal:
        prompted(terminal, 1)
        terminal.send("for x in '1': pass\r\r")
        prompted(terminal, 2)
        assert terminal.before is not None
        assert not re.search(r"\x1b\[[0-9;]*(3[0-9]|9[0-9])[;m]", terminal.before)


def test_over_a_pipe_it_points_to_run(command: Command) -> None:
    ended = command("repl", stdin="1")

    assert ended.status == 2
    assert "dynamic-sessions run -" in ended.err
