"""`dynamic-sessions run`."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from dynamic_sessions import Session, SessionPool
from dynamic_sessions_local import LocalSessionPool

from .commanding import COMMAND, PATIENCE, TOKEN, Command

PLOT = "import matplotlib.pyplot as plt; plt.plot([1, 2]); plt.show()"
BOTH = "import sys; print('out'); print('err', file=sys.stderr); 6 * 7"


def test_streams_are_kept_apart_and_the_value_goes_to_standard_output(command: Command) -> None:
    ended = command("run", "-c", BOTH)

    assert (ended.status, ended.out, ended.err) == (0, "out\n42\n", "err\n")


def test_code_comes_from_a_file_or_from_standard_input(command: Command) -> None:
    (command.folder / "first.py").write_text("print('größer')\n", encoding="utf-8")

    assert command("run", "first.py").out == "größer\n"
    assert command("run", "-", stdin="print('größer')").out == "größer\n"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("x = 1", 0),
        ("1 / 0", 1),
        ("import sys; sys.exit(7)", 7),
        ("import sys; sys.exit('no')", 1),
        ("import os; os._exit(3)", 137),
    ],
)
def test_the_exit_status_follows_the_code(command: Command, code: str, status: int) -> None:
    assert command("run", "-c", code).status == status


def test_a_traceback_goes_to_standard_error(command: Command) -> None:
    ended = command("run", "-c", "print('before'); 1 / 0")

    assert ended.out == "before\n"
    assert ended.err.endswith("ZeroDivisionError: division by zero\n")


def test_the_time_limit_has_a_status_of_its_own(command: Command) -> None:
    assert command("run", "-t", "1", "-c", "import time; time.sleep(60)").status == 124


def test_pictures_are_saved_beside_those_that_are_there_and_named(command: Command) -> None:
    for number in (1, 2):
        ended = command("run", "--images", "pictures", "-c", PLOT)
        assert (ended.out, ended.err) == ("", f"image: pictures/image-{number}.png\n")
        saved = command.folder / "pictures" / f"image-{number}.png"
        assert saved.read_bytes().startswith(b"\x89PNG")


def test_json_tells_it_all_and_the_status_is_the_same(command: Command) -> None:
    ended = command("run", "--json", "-c", "print('out'); 1 / 0")
    told = json.loads(ended.out)

    assert ended.status == told["exit_status"] == 1
    assert (told["status"], told["stdout"]) == ("failed", "out\n")
    assert told["error"] == {"name": "ZeroDivisionError", "message": "division by zero"}
    assert ended.err == ""
    told = json.loads(command("run", "--json", "-c", f"{PLOT}").out)
    assert told["images"] == [{"path": "image-1.png", "mime_type": "image/png"}]


def test_a_named_session_keeps_its_variables(command: Command, session: Session) -> None:
    command("run", "-s", session.identifier, "-c", "x = 20")

    assert command("run", "-c", "x + 1", DYNAMIC_SESSIONS_SESSION=session.identifier).out == "21\n"
    assert session.execute("x").result == 20


def test_a_session_without_a_name_ends_with_the_run(command: Command, client: SessionPool) -> None:
    identifier = json.loads(command("run", "--json", "-c", "1").out)["session"]

    assert client.session(identifier).status() is None


def test_ctrl_c_stops_the_code_and_ends_the_session(command: Command, session: Session) -> None:
    code = "import time\nopen('begun', 'w').close()\ntime.sleep(60)"
    with command.start("run", "-s", session.identifier, "-c", code) as process:
        while session.status() is None or not session.files.list():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)

    assert (process.returncode, out, err) == (130, "", "")
    assert session.status() is None


def test_a_pool_of_this_machine_needs_no_server(anywhere: Command) -> None:
    ended = anywhere("run", "--endpoint", "local", "-c", "6 * 7")

    assert (ended.status, ended.out, ended.err) == (0, "42\n", "")


def test_a_shell_pool_runs_commands(tmp_path: Path) -> None:
    with LocalSessionPool(token=TOKEN, kind="shell") as pool:
        command = Command(folder=tmp_path, variables={"DYNAMIC_SESSIONS_TOKEN": TOKEN})
        ended = command("run", "-e", pool.endpoint, "--shell", "-c", "echo a; echo b >&2; exit 3")

    assert (ended.status, ended.out, ended.err) == (3, "a\n", "b\n")


COLOURED = r"print('\x1b[31mred\x1b[0m \x1b]52;c;aGk=\x07\x1b[2Jplain')"


def test_a_pipe_gets_what_the_code_wrote(command: Command) -> None:
    assert (
        command("run", "-c", COLOURED).out == "\x1b[31mred\x1b[0m \x1b]52;c;aGk=\x07\x1b[2Jplain\n"
    )


def test_a_terminal_gets_no_commands_from_the_code(command: Command) -> None:
    with command.on_terminal("run", "-c", COLOURED) as terminal:
        terminal.expect("plain")
        assert terminal.before is not None
        assert "\x1b[31mred" in terminal.before
        assert "52;c" not in terminal.before
        assert "\x1b[2J" not in terminal.before


def test_no_color_takes_the_colours_out(command: Command) -> None:
    with command.on_terminal("run", "-c", COLOURED, NO_COLOR="1") as terminal:
        terminal.expect("plain")
        assert terminal.before is not None
        assert "\x1b[31m" not in terminal.before
        assert "red" in terminal.before


def test_a_reader_that_goes_away_is_no_catastrophe(command: Command) -> None:
    with command.start("run", "-c", "print('x' * 200_000)") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()

    assert "Traceback" not in err


def test_without_the_extra_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['typer'] = None\n"
        "from dynamic_sessions_cli import main; sys.exit(main(['run']))"
    )
    python = Path(COMMAND).with_name("python")
    done = subprocess.run(  # noqa: S603 - our own interpreter and code
        [python, "-c", code], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert "typer" in done.stderr
    assert "pip install 'dynamic-sessions[cli]'" in done.stderr
