"""The one piece of code that prepares a session, run for real in an interpreter of its own."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest

from dynamic_sessions import (
    Execution,
    ExecutionStatus,
    FunctionLoadError,
    FunctionModule,
    MissingPackagesError,
)
from dynamic_sessions.functions import spec_from_source

RunCells = Callable[..., Execution]
DIRECTORY = "/nowhere/at/all"


def greeting(name: str) -> str:
    """Greet."""
    return "hello " + name


def failing() -> None:
    raise LookupError("raised in the session")


def set_up_code(*functions: Callable[..., object] | str) -> str:
    return FunctionModule.from_functions(functions).set_up_code(working_directory=DIRECTORY)


def needing(packages: tuple[str, ...] = (), imports: tuple[str, ...] = ()) -> FunctionModule:
    spec = spec_from_source("def f(): return 1", packages=packages, imports=imports)
    return FunctionModule.from_functions([spec])


def test_functions_are_names_and_an_importable_module(run_cells: RunCells) -> None:
    module = FunctionModule.from_functions([greeting], name="toolbox")

    done = run_cells(
        module.set_up_code(working_directory=DIRECTORY),
        "from toolbox import greeting as imported; print(greeting('a') == imported('a'))",
    )

    assert done.stdout.splitlines()[-1] == "True"


def test_set_up_leaves_no_other_name_behind(run_cells: RunCells) -> None:
    done = run_cells(
        "before = set(globals())", set_up_code(greeting), "print(set(globals()) - before)"
    )

    assert ast.literal_eval(done.stdout.splitlines()[-1]) == {"greeting", "before"}


def test_set_up_is_one_expression_without_a_value() -> None:
    code = set_up_code(greeting)

    assert code.isascii()
    assert "\n" not in code
    assert isinstance(ast.parse(code).body[0], ast.Expr)


def test_set_up_changes_to_the_working_directory(run_cells: RunCells, tmp_path: Path) -> None:
    (tmp_path / "data's").mkdir()
    module = FunctionModule.from_functions([greeting])

    for prepared in (module, FunctionModule.from_functions([])):
        code = prepared.set_up_code(working_directory=str(tmp_path / "data's"))
        done = run_cells(code, "import os; print(os.getcwd())")
        assert done.stdout.splitlines()[-1] == str(tmp_path / "data's")


def test_set_up_stays_where_it_is_if_the_directory_does_not_exist(
    run_cells: RunCells, tmp_path: Path
) -> None:
    done = run_cells(set_up_code(), "import os; print(os.getcwd())")

    assert done.stdout.strip() == os.path.realpath(tmp_path)


def test_without_functions_set_up_is_tiny_and_needs_no_report() -> None:
    module = FunctionModule.from_functions([])
    succeeded = Execution(status=ExecutionStatus.SUCCEEDED)

    assert len(module.set_up_code(working_directory="/mnt/data")) < 120
    assert module.source == ""
    module.check_set_up(succeeded)
    with pytest.raises(FunctionLoadError):
        module.check_set_up(replace(succeeded, status=ExecutionStatus.ABORTED))


def test_setting_up_again_changes_nothing(run_cells: RunCells) -> None:
    code = set_up_code(
        "COUNT = 0\ndef count():\n    global COUNT\n    COUNT += 1\n    return COUNT"
    )

    done = run_cells(code, "count(); count = 'shadowed'", code, "print(count)", code)

    assert done.stdout.count("ready") == 3
    assert "shadowed" in done.stdout.splitlines()


def test_state_of_the_module_outlives_a_second_set_up(run_cells: RunCells) -> None:
    code = set_up_code(
        "COUNT = 0\ndef count():\n    global COUNT\n    COUNT += 1\n    return COUNT"
    )

    done = run_cells(code, "count()", code, "print(count())")

    assert done.stdout.splitlines()[-1] == "2"


def test_other_functions_replace_the_module(run_cells: RunCells) -> None:
    first, second = set_up_code("def f(): return 1"), set_up_code("def f(): return 2")

    done = run_cells(first, second, "import functions; print(f(), functions.f())")

    assert done.stdout.splitlines()[-1] == "2 2"


def test_user_code_may_shadow_a_name_without_breaking_the_module(run_cells: RunCells) -> None:
    code = set_up_code("def a(): return b() + 1", "def b(): return 1")

    assert run_cells(code, "b = None; print(a())").stdout.splitlines()[-1] == "2"


def test_tracebacks_and_inspection_show_the_source(run_cells: RunCells) -> None:
    done = run_cells(
        set_up_code(failing, greeting),
        "import inspect, traceback\n"
        "try: failing()\nexcept LookupError: traceback.print_exc()\n"
        "print(inspect.getsource(greeting)); help(greeting)",
    )

    assert 'raise LookupError("raised in the session")' in done.stderr
    assert 'return "hello " + name' in done.stdout
    assert "Greet." in done.stdout


def test_missing_packages_and_imports_are_listed_in_one_error(run_cells: RunCells) -> None:
    version = metadata.version("packaging")
    module = needing(
        packages=("no-such-package-at-all>=1", "packaging", f"packaging!={version}", "httpx<0.1"),
        imports=("import no_such_module", "from json import no_such_name", "import math"),
    )
    done = run_cells(
        module.set_up_code(working_directory=DIRECTORY), "print('f' in dir(), 'functions' in dir())"
    )

    with pytest.raises(MissingPackagesError) as caught:
        module.check_set_up(done)

    assert set(caught.value.missing) == {
        "no-such-package-at-all>=1",
        f"packaging!={version}",
        "httpx<0.1",
        "import no_such_module",
        "from json import no_such_name",
    }
    assert done.stdout.splitlines()[-1] == "False False"


@pytest.mark.parametrize(
    "package",
    [
        "packaging>=20",
        "Typing.Extensions",
        "typing_extensions>=4",
        "no-such-package; python_version < '3'",
        "httpx[no-such-extra]>=0.20",
        "anyio[trio]; python_version < '3'",
        "pyright[nodejs]",
        "json",
        "PIL>=5",
        "dateutil",
    ],
)
def test_what_is_there_under_another_spelling_is_not_missing(
    run_cells: RunCells, package: str
) -> None:
    module = needing(packages=(package,))

    module.check_set_up(run_cells(module.set_up_code(working_directory=DIRECTORY)))


@pytest.mark.parametrize(
    ("package", "fault"),
    [
        ("made-up", ""),
        ("Made_Up[plain]>=1", ""),
        ("made-up[more]", "needs no-such-package>=2, which is not installed"),
        ("made-up[newer]", "needs packaging>=9999, which is installed as"),
        ("made-up[more]; python_version < '3'", ""),
        ("made-up>=2", "is installed as 1.0"),
    ],
)
def test_what_the_extras_of_a_package_need_is_checked(
    run_cells: RunCells, tmp_path: Path, package: str, fault: str
) -> None:
    (tmp_path / "made_up-1.0.dist-info").mkdir()
    (tmp_path / "made_up-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: made-up\nVersion: 1.0\n"
        "Provides-Extra: plain\nProvides-Extra: more\nProvides-Extra: newer\n"
        "Requires-Dist: packaging\n"
        'Requires-Dist: packaging>=1; extra == "plain"\n'
        'Requires-Dist: no-such-package>=2; extra == "more"\n'
        'Requires-Dist: packaging>=9999; extra == "newer"\n'
    )
    module = needing(packages=(package,))
    done = run_cells(module.set_up_code(working_directory=DIRECTORY))

    if not fault:
        module.check_set_up(done)
        return
    with pytest.raises(MissingPackagesError) as caught:
        module.check_set_up(done)
    assert f"{package} ({fault}" in str(caught.value)


def test_a_long_list_of_what_is_missing_fits_into_what_old_api_versions_print(
    run_cells: RunCells,
) -> None:
    module = needing(imports=tuple(f"import no_such_module_{number}" for number in range(20)))
    done = run_cells(module.set_up_code(working_directory=DIRECTORY))

    with pytest.raises(MissingPackagesError) as caught:
        module.check_set_up(done)

    assert len(caught.value.missing) == 20
    assert len(done.stdout) < 4096


def test_without_the_packaging_library_names_are_checked_all_the_same(
    run_cells: RunCells,
) -> None:
    module = needing(packages=("httpx>=0.1", "no-such-package>=1"))
    hide = "import sys; sys.modules['packaging.requirements'] = None\n"
    hide += "sys.modules['pip._vendor.packaging.requirements'] = None"

    with pytest.raises(MissingPackagesError) as caught:
        module.check_set_up(run_cells(hide, module.set_up_code(working_directory=DIRECTORY)))

    assert caught.value.missing == ("no-such-package>=1",)


def test_a_text_that_fails_in_the_session_names_its_function(run_cells: RunCells) -> None:
    module = FunctionModule.from_functions(["def good(): pass", "def bad(x=1 // 0): pass"])
    done = run_cells(
        module.set_up_code(working_directory=DIRECTORY),
        "import sys; print('good' in dir(), 'functions' in sys.modules)",
    )

    with pytest.raises(FunctionLoadError, match="ZeroDivisionError") as caught:
        module.check_set_up(done)

    assert caught.value.function == "bad"
    assert done.stdout.splitlines()[-1] == "False False"


def test_a_failed_set_up_leaves_an_earlier_module_in_place(run_cells: RunCells) -> None:
    bad = FunctionModule.from_functions(["def f(x=1 // 0): pass"])

    done = run_cells(
        set_up_code("def f(): return 1"),
        bad.set_up_code(working_directory=DIRECTORY),
        "import functions; print(functions.f(), f())",
    )

    assert done.stdout.splitlines()[-1] == "1 1"


@pytest.mark.parametrize("stdout", ["", "dynamic-sessions-set-up:{", "dynamic-sessions-set-up:3\n"])
def test_a_set_up_without_a_report_has_failed(stdout: str) -> None:
    module = FunctionModule.from_functions([greeting])

    with pytest.raises(FunctionLoadError):
        module.check_set_up(Execution(status=ExecutionStatus.SUCCEEDED, stdout=stdout))


def test_what_an_import_prints_does_not_get_into_the_report(run_cells: RunCells) -> None:
    module = FunctionModule.from_functions(["import this\ndef f(): return this"])

    done = run_cells(module.set_up_code(working_directory=DIRECTORY))

    module.check_set_up(done)
    assert len(done.stdout.splitlines()) == 1


def test_text_and_digest_do_not_depend_on_order_or_hash_seed() -> None:
    script = (
        "from dynamic_sessions import FunctionModule\n"
        "m = FunctionModule.from_functions(["
        "'import os, re, sys, json\\nA = 1\\nB = {2, 3}\\n"
        "def f(): return os, re, sys, json, A, B', 'def g(x=1): return f()'])\n"
        "print(m.digest, m.set_up_code(working_directory='/mnt/data'))"
    )
    outputs = {
        subprocess.run(  # noqa: S603 - this interpreter and the script above
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in (0, 1, 2)
    }
    forward = FunctionModule.from_functions([greeting, failing])
    backward = FunctionModule.from_functions([failing, greeting])

    assert len(outputs) == 1
    assert forward.digest == backward.digest
    assert forward.names == ("greeting", "failing")


@pytest.mark.parametrize(
    "other",
    [
        FunctionModule.from_functions(["def f(): return 2"]),
        FunctionModule.from_functions(["def f(): return 1"], name="toolbox"),
        needing(packages=("pandas",)),
        FunctionModule.from_functions([]),
    ],
)
def test_whatever_differs_changes_the_digest(other: FunctionModule) -> None:
    assert FunctionModule.from_functions(["def f(): return 1"]).digest != other.digest


def test_what_runs_at_definition_time_comes_after_what_it_needs(run_cells: RunCells) -> None:
    text = (
        "def a(x=None): return x\n"
        "def zz(): return 5\n"
        "def z_deco(f):\n    zz()\n    return f\n"
        "@z_deco\ndef b(x=zz()): return x\n"
        "class M(dict):\n    limit = zz()\n"
        "def entry(): return a(), b(), M.limit\n"
    )
    module = FunctionModule.from_functions([spec_from_source(text, name="entry")])

    done = run_cells(module.set_up_code(working_directory=DIRECTORY), "print(entry())")

    module.check_set_up(done)
    assert done.stdout.splitlines()[-1] == "(None, 5, 5)"


def test_the_same_function_given_twice_is_there_once() -> None:
    module = FunctionModule.from_functions([greeting, greeting])

    assert module.names == ("greeting",)
    assert module.source.count("def greeting") == 1


def test_set_up_code_runs_on_the_oldest_python_of_a_session() -> None:
    code = set_up_code(greeting)
    program = ast.literal_eval(code.removeprefix("exec(").partition(", {'request'")[0])

    ast.parse(program, feature_version=(3, 9))
    assert json.dumps("greeting")[1:-1] in code
