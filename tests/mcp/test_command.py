"""The command: what it takes, what it prints where, and how it ends."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from dynamic_sessions_local import LocalSessionPool
from dynamic_sessions_mcp.cli import main
from dynamic_sessions_mcp.functions import load_functions

from .connecting import (
    COMMAND,
    DEADLINE,
    data_of,
    http_server,
    over_http,
    over_stdio,
    sessions_of,
    text_of,
    variables,
)

TOOLS = '''
print("printed when the file is imported")
import helper_of_tools
RATE = 2

def load_sales(region: str) -> list[int]:
    """Load the monthly sales of a region."""
    return {"north": [3, 4, 5 * RATE]}[region]

def _private() -> None: ...
'''
GREETING = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A file with functions, which prints and imports what is beside it."""
    (tmp_path / "helper_of_tools.py").write_text("")
    path = tmp_path / "my_tools.py"
    path.write_text(TOOLS)
    return path


@pytest.fixture
def process(pool: LocalSessionPool) -> Iterator[subprocess.Popen[str]]:
    """The command, with pipes at all ends."""
    with subprocess.Popen(  # noqa: S603 - our own command
        COMMAND,
        env=variables(pool),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def say(process: subprocess.Popen[str], message: Mapping[str, object]) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(message) + "\n")
    process.stdin.flush()


def heard(process: subprocess.Popen[str]) -> dict[str, object]:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def run_code(process: subprocess.Popen[str], code: str) -> None:
    say(process, GREETING)
    heard(process)
    say(process, {"jsonrpc": "2.0", "method": "notifications/initialized"})
    params = {"name": "run_python", "arguments": {"code": code}}
    say(process, {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params})


@pytest.fixture
def failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """What the command says when it refuses to start."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "modules", sys.modules.copy())

    def failure(*arguments: str) -> str:
        try:
            code = main(arguments)
        except SystemExit as ended:
            code = ended.code
        printed = capsys.readouterr()
        assert (code, printed.out) == (2, "")
        return printed.err

    return failure


def test_standard_output_is_the_protocols_alone(process: subprocess.Popen[str]) -> None:
    run_code(process, "print('to the model'); import sys; print('too', file=sys.stderr)")
    assert heard(process)["id"] == 2
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(DEADLINE) == 0
    assert process.stdout is not None
    assert process.stderr is not None
    assert (process.stdout.read(), process.stderr.read()) == ("", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_command_and_its_session_in_the_midst_of_a_run(
    process: subprocess.Popen[str], pool: LocalSessionPool, number: signal.Signals
) -> None:
    before = await sessions_of(pool)
    run_code(process, "while True: pass")
    while await sessions_of(pool) == before:
        assert process.poll() is None
    process.send_signal(number)
    assert process.wait(DEADLINE) == 0
    assert await sessions_of(pool) == before


async def test_what_is_no_message_is_passed_over(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("no json\n\n{}\n")
    run_code(process, "1")
    assert process.stdin is not None


async def test_functions_come_from_a_file(pool: LocalSessionPool, tools: Path) -> None:
    async with over_stdio(variables(pool), "--functions", str(tools)) as client:
        (run, *_) = (await client.list_tools()).tools
        result = await client.call_tool("run_python", {"code": "sum(load_sales('north'))"})
        module = await client.call_tool(
            "run_python", {"code": "from my_tools import load_sales; load_sales('north')[0]"}
        )
    assert text_of(result) == "17"
    assert text_of(module) == "3"
    assert run.description is not None
    assert "def load_sales(region: str) -> list[int]:" in run.description
    assert "_private" not in run.description


def test_a_file_may_name_its_public_functions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "modules", sys.modules.copy())
    path = tmp_path / "chosen_tools.py"
    path.write_text("__all__ = ['f']\nprint('on import')\ndef f(): ...\ndef g(): ...\n")
    assert load_functions(path).names == ("f",)
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "on import\n")


async def test_a_folder_is_shared_by_a_flag(pool: LocalSessionPool, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("given")
    flags = ("--files", str(tmp_path), "--read-only", "--timeout", "7", "--output-limit", "300")
    async with over_stdio(variables(pool), *flags) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        await client.call_tool("load_shared_file", {"name": "in.txt"})
        run = await client.call_tool("run_python", {"code": "open('in.txt').read() + 'x ' * 999"})
    assert "save_shared_file" not in tools
    assert "stopped after 7 seconds" in str(tools["run_python"].description)
    assert text_of(run).startswith("given")
    assert len(text_of(run)) <= 300


async def test_a_shell_pool_is_named_by_a_flag(shell_pool: LocalSessionPool) -> None:
    async with over_stdio(variables(shell_pool), "--kind", "shell") as client:
        run = await client.call_tool("run_shell", {"command": "echo out; echo err >&2"})
    assert text_of(run) == "out\nerr\n"
    assert data_of(run)["exit_code"] == 0


async def test_without_any_configuration_sessions_are_on_this_machine(
    pool: LocalSessionPool,
) -> None:
    environment = {
        name: value
        for name, value in variables(pool).items()
        if not name.startswith("DYNAMIC_SESSIONS_")
    }
    before = await sessions_of(pool)
    async with over_stdio(environment) as client:
        run = await client.call_tool("run_python", {"code": "6 * 7"})
        assert await sessions_of(pool) == before
    assert text_of(run) == "42"


def test_a_token_that_was_given_is_not_printed(pool: LocalSessionPool) -> None:
    environment = variables(pool) | {"DYNAMIC_SESSIONS_MCP_TOKEN": "given-token"}
    with subprocess.Popen(  # noqa: S603 - our own command
        [*COMMAND, "--http", "--port", "0"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("endpoint: http://127.0.0.1:")
        process.terminate()
        assert process.communicate(timeout=DEADLINE) == ("", "")


async def test_http_prints_nothing_else(pool: LocalSessionPool) -> None:
    with http_server(variables(pool)) as server:
        async with over_http(server) as client:
            await client.call_tool("run_python", {"code": "print(1)"})
        server.process.terminate()
        assert server.process.communicate(timeout=DEADLINE) == ("", "")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--endpoint", "ftp://x"), "not the URL of a session pool"),
        (("--endpoint", "local", "--timeout", "500"), "time limit"),
        (("--endpoint", "local", "--files", "/no/such/folder"), "no shared folder"),
        (("--endpoint", "local", "--read-only"), "--files"),
        (("--endpoint", "local", "--functions", "/no/such/file.py"), "no file"),
        (("--endpoint", "local", "--session", "x"), "not a session identifier"),
        (("--endpoint", "local", "--kind", "shell"), "serve --kind shell"),
        (("--endpoint", "local", "--http", "--port", "99999"), "port"),
        (("--no-such-flag",), "unrecognized arguments"),
    ],
)
def test_what_cannot_work_is_refused_at_the_start(
    arguments: tuple[str, ...], expected: str, failure: Callable[..., str]
) -> None:
    assert expected in failure(*arguments)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("tools_a.py", "import no_such_module_x", "no_such_module_x"),
        ("tools_b.py", "X = 1", "no public functions"),
        ("tools_c.py", "x = object()\ndef f(): return x", "uses 'x' (line 2)"),
        ("tools_d.py", "__all__ = ['f', 'RATE']\ndef f(): ...\nRATE = 1", "RATE"),
        ("json.py", "def f(): ...", "rename it"),
        ("my-tools.py", "def f(): ...", "rename it"),
    ],
)
def test_functions_that_cannot_be_had_are_refused_at_the_start(
    tmp_path: Path, name: str, text: str, expected: str, failure: Callable[..., str]
) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert expected in failure("--endpoint", "local", "--functions", str(path))


def test_the_command_is_installed_under_its_name() -> None:
    done = subprocess.run(  # noqa: S603 - our own command
        [Path(sys.executable).with_name("dynamic-sessions-mcp"), "--help"],
        check=True,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert "usage: dynamic-sessions-mcp" in done.stdout
