"""What code can do in a session, and how it fails."""

import ast
import importlib.util
import re

import pytest

from dynamic_sessions_local.launchers import Launcher

from .conftest import Run


async def test_state_lasts_from_one_execution_to_the_next(run: Run) -> None:
    await run("import math\ndef area(r): return math.pi * r * r")
    assert (await run("round(area(2), 2)")).value.data == 12.57


async def test_results_are_kept_up_to_a_thousand_and_forgotten_silently(run: Run) -> None:
    for number in range(1, 1_003):
        reply = await run(str(number))
        assert (reply.value.data, reply.stderr) == (number, "")
    assert (await run("(_, 1 in Out, 1_000 in Out)")).value.data == "(1002, False, True)"


async def test_code_is_the_main_module_and_starts_in_the_data_directory(run: Run) -> None:
    reply = await run("import os, sys\n(__name__, os.getcwd(), sys.modules['__main__'].os is os)")
    assert reply.value.data == "('__main__', '/mnt/data', True)"


async def test_the_workers_modules_are_not_importable_under_their_short_names(run: Run) -> None:
    reply = await run(
        "import sys\n[m for m in ('framing', 'streams', 'values') if m in sys.modules]"
    )
    assert reply.value.data == "[]"
    assert (await run("import framing")).stderr.endswith("No module named 'framing'")


async def test_a_module_that_the_session_wrote_can_be_imported(run: Run) -> None:
    await run("open('mine.py', 'w').write('answer = 42')")
    assert (await run("import mine\nmine.answer")).value.data == 42
    assert (await run("import json\njson.__file__.startswith('/mnt/data')")).value.data is False


async def test_packages_can_be_listed_by_pkg_resources_although_it_is_not_installed(
    run: Run,
) -> None:
    assert importlib.util.find_spec("pkg_resources") is None
    reply = await run("import pkg_resources\n[d.project_name for d in pkg_resources.working_set]")
    assert (reply.status, reply.stderr) == ("succeeded", "")
    listed = ast.literal_eval(str(reply.value.data))
    assert {"ipython", "matplotlib-inline"} <= set(listed)
    assert len(listed) == len(set(listed))
    about_one = await run(
        "d = pkg_resources.get_distribution('IPython')\n"
        "import IPython\n(d.project_name, d.key, d.version == IPython.__version__)"
    )
    assert about_one.value.data == "('ipython', 'ipython', True)"
    missing = await run("pkg_resources.get_distribution('nosuchpackage')")
    assert missing.stderr.endswith("DistributionNotFound: nosuchpackage")


async def test_a_library_that_wants_more_of_pkg_resources_is_told_as_by_any_that_lacks_it(
    run: Run,
) -> None:
    reply = await run("from pkg_resources import resource_filename")
    assert "ImportError: cannot import name 'resource_filename'" in reply.stderr


async def test_a_package_can_share_its_name_by_pkg_resources(run: Run) -> None:
    reply = await run(
        "import pathlib, sys\n"
        "for place, part in (('here', 'first'), ('there', 'second')):\n"
        "    folder = pathlib.Path(place, 'shared')\n"
        "    folder.mkdir(parents=True)\n"
        "    text = \"__import__('pkg_resources').declare_namespace(__name__)\"\n"
        "    (folder / '__init__.py').write_text(text)\n"
        "    (folder / f'{part}.py').touch()\n"
        "    sys.path.append(place)\n"
        "import shared.first, shared.second\n"
    )
    assert (reply.status, reply.stderr) == ("succeeded", "")


async def test_a_pkg_resources_that_is_installed_is_the_one_that_is_imported(run: Run) -> None:
    reply = await run(
        "import pathlib, sys\n"
        "pathlib.Path('pkg_resources.py').write_text('working_set = []')\n"
        "sys.path.append('/mnt/data')\n"
        "import pkg_resources\npkg_resources.__file__"
    )
    assert reply.value.data == "/mnt/data/pkg_resources.py"


@pytest.mark.parametrize(
    ("code", "last_line"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("1 +", "SyntaxError: invalid syntax"),
        ("raise KeyError('sales_amount')", "KeyError: 'sales_amount'"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt:"),
        ("raise KeyboardInterrupt('mine')", "KeyboardInterrupt: mine"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("import sys; sys.exit('no data')", "SystemExit: no data"),
        ("exit(2)", "SystemExit: 2"),
        ("input('name? ')", "EOFError: input() has no answer here: a session has no keyboard"),
        ("raise ValueError('\\ud800')", "ValueError: \\ud800"),
        ("x = '\\ud800'.encode()", "surrogates not allowed"),
        ("a\0b", "source code string cannot contain null bytes"),
        ("import nosuchmodule", "ModuleNotFoundError: No module named 'nosuchmodule'"),
        ("%nosuchmagic", "UsageError: Line magic function `%nosuchmagic` not found."),
        (
            "class Mute(Exception):\n    def __str__(self): raise RuntimeError\nraise Mute",
            "Mute: <exception str() failed>",
        ),
    ],
)
async def test_code_that_fails_ends_with_its_error(run: Run, code: str, last_line: str) -> None:
    reply = await run(code)
    assert reply.status == "failed"
    assert reply.stderr.endswith(last_line)
    assert "\x1b" not in reply.stderr
    assert not reply.state_lost
    assert (await run("1 + 1")).value.data == 2


async def test_a_traceback_shows_the_failing_lines(run: Run) -> None:
    reply = await run("def half(x):\n    return x / 0\nhalf(1)")
    assert re.search(r"Cell In\[1\], line 3\b", reply.stderr)
    assert "return x / 0" in reply.stderr


async def test_a_group_of_errors_shows_its_members(run: Run) -> None:
    reply = await run("raise ExceptionGroup('several', [ValueError('one'), TypeError('two')])")
    assert reply.status == "failed"
    assert "ExceptionGroup: several" in reply.stderr
    assert "TypeError: two" in reply.stderr
    assert "interactiveshell.py" not in reply.stderr


@pytest.mark.parametrize(
    "code", ["import sys; sys.exit()", "import sys; sys.exit(0)", "exit", "quit()"]
)
async def test_leaving_without_an_error_ends_the_cell_and_not_the_session(
    run: Run, code: str
) -> None:
    reply = await run(f"kept = 1\n{code}")
    assert (reply.status, reply.stderr) == ("succeeded", "")
    assert (await run("kept")).value.data == 1


async def test_the_traceback_comes_after_what_the_code_wrote(run: Run) -> None:
    reply = await run("import sys\nprint('before', file=sys.stderr, end='')\n1 / 0")
    assert reply.stderr.startswith("before\n-----")
    assert reply.stderr.endswith("ZeroDivisionError: division by zero")


async def test_output_of_every_origin_arrives_in_order(run: Run) -> None:
    reply = await run(
        "import os, subprocess, sys\n"
        "print('print', end=' ')\n"
        "os.write(1, b'descriptor ')\n"
        "subprocess.run(['printf', 'child '])\n"
        "!printf 'magic '\n"
        "sys.stdout.buffer.write(b'buffer ')\n"
        "os.system('printf system');"
    )
    assert reply.stdout == "print descriptor child magic buffer system"
    assert reply.stderr == ""


async def test_what_no_encoding_can_carry_is_shown_escaped(run: Run) -> None:
    reply = await run("print('a\\ud800b')")
    assert reply.stdout == "a\\ud800b\n"


async def test_warnings_are_not_failures(run: Run) -> None:
    reply = await run("import warnings; warnings.warn('careful')")
    assert reply.status == "succeeded"
    assert "UserWarning: careful" in reply.stderr


async def test_streams_that_were_closed_work_again_in_the_next_execution(run: Run) -> None:
    await run("import sys; sys.stdout.close(); sys.stderr.close()")
    assert (await run("print('again')")).stdout == "again\n"


async def test_ipythons_own_ways_work(run: Run) -> None:
    assert (await run("!echo shell")).stdout == "shell\n"
    assert (await run("lines = !ls /usr\n'lib' in lines")).value.data is True
    assert (await run("%cd -q /usr\n%pwd")).value.data == "/usr"
    assert (await run("%%bash\necho cell")).stdout == "cell\n"
    assert (await run("get_ipython() is not None")).value.data is True
    assert "Docstring:" in (await run("print?")).stdout


async def test_a_fork_that_comes_back_from_the_cell_does_not_answer_for_it(run: Run) -> None:
    code = "import os\nif os.fork() == 0:\n    print('child')\nelse:\n    os.wait()\n'parent'"
    reply = await run(code)
    assert (reply.stdout, reply.value.data) == ("child\n", "parent")
    assert (await run("1 + 1")).value.data == 2


THREADS = """
import threading
seen = []
threads = [threading.Thread(target=seen.append, args=[i]) for i in range(20)]
for thread in threads: thread.start()
for thread in threads: thread.join()
len(seen)
"""
PROCESSES = """
import multiprocessing
def square(x): return x * x
with multiprocessing.get_context("fork").Pool(2) as pool:
    total = sum(pool.map(square, range(5)))
total
"""
CHILD_OF_A_LOOP = """
import asyncio
process = await asyncio.create_subprocess_exec("true")
await process.wait()
"""
OWN_LOOPBACK = """
import socket
with socket.create_server(("127.0.0.1", 0)) as server:
    client = socket.create_connection(server.getsockname())
    server.accept()[0].sendall(b"own")
client.recv(9).decode()
"""


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (THREADS, 20),
        (PROCESSES, 30),
        (CHILD_OF_A_LOOP, 0),
        (OWN_LOOPBACK, "own"),
        ("import asyncio\nasyncio.run(asyncio.sleep(0, 'slept'))", "slept"),
        ("import os\nos.mkfifo('pipe')\nos.path.exists('pipe')", True),
        ("import pwd, os\npwd.getpwuid(os.getuid()).pw_name", "session"),
        ("import tempfile\ntempfile.NamedTemporaryFile().name.startswith('/tmp')", True),
        ("import os\nos.path.basename(os.path.expanduser('~'))", "home"),
    ],
)
async def test_what_programs_use_works(run: Run, code: str, expected: object) -> None:
    reply = await run(code)
    assert reply.status == "succeeded", reply.stderr
    assert reply.value.data == expected


async def test_a_forked_session_has_terminals_and_a_spawned_one_has_none(
    run: Run, launcher: Launcher
) -> None:
    reply = await run("import os\nos.openpty()")
    expected = {"fork": "succeeded", "spawn": "failed"}
    assert reply.status == expected[launcher.name]


async def test_the_data_directory_is_the_sessions_own(run: Run) -> None:
    reply = await run("import os\nos.stat('/mnt/data').st_uid == os.getuid()")
    assert reply.value.data is True
