"""In a real session injected functions are a real module, as Python's own tools see it."""

from collections.abc import Callable, Iterator

import pytest

from dynamic_sessions import Execution, FunctionModule, Session, SessionPool

count = 0


def documented(number: int, *, by: int = 2) -> int:
    """Divide a number.

    Args:
        number: The number.
    """
    return number // by  # the very line


def counting() -> int:
    """Count the calls."""
    global count  # noqa: PLW0603 - the very thing under test
    count += 1
    return count


class Holder:
    """Hold something."""

    def get(self) -> int:
        return documented(4)


@pytest.fixture
def session(local_pool: SessionPool) -> Iterator[Session]:
    session = local_pool.session(functions=[documented, counting, Holder])
    yield session
    session.delete()


def printed(session: Session, code: str) -> str:
    execution = session.execute(code)
    assert execution.ok, execution.stderr
    return execution.stdout.rstrip("\n")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("from functions import documented as d; print(d(4))", "2"),
        ("import functions; print(functions.Holder().get())", "2"),
        ("import importlib; print(importlib.import_module('functions').documented(6))", "3"),
        ("import importlib.util; print(importlib.util.find_spec('functions').name)", "functions"),
        ("import functions, types; print(type(functions) is types.ModuleType)", "True"),
        ("print(documented.__module__, Holder.__module__)", "functions functions"),
        ("import pickle; print(pickle.loads(pickle.dumps(Holder())).get())", "2"),
    ],
)
def test_it_can_be_imported_like_any_module(session: Session, code: str, expected: str) -> None:
    assert printed(session, code) == expected


@pytest.mark.parametrize("name", ["documented", "Holder", "Holder.get"])
def test_the_source_of_each_function_and_class_can_be_read(session: Session, name: str) -> None:
    source = printed(session, f"import inspect; print(inspect.getsource({name}))")

    assert source.lstrip().startswith(("def ", "class "))
    assert source.rstrip() in session.functions.source


def test_help_tells_signature_and_docstring(session: Session) -> None:
    told = printed(session, "help(documented)")

    assert "documented(number: 'int', *, by: 'int' = 2) -> 'int'" in told
    assert "    Args:" in told


def test_ipythons_own_help_shows_the_source(session: Session) -> None:
    execution = session.execute("documented??")

    assert execution.ok
    assert "# the very line" in execution.stdout


def test_a_traceback_shows_the_line_and_the_arrow(session: Session) -> None:
    execution = session.execute("Holder(); documented(1, by=0)")

    assert execution.error is not None
    assert "return number // by  # the very line" in execution.error.traceback
    assert "File <functions>" in execution.error.traceback


def test_user_code_may_shadow_a_name_without_breaking_the_module(session: Session) -> None:
    code = "documented = count = None\nprint(Holder().get(), counting(), counting())"

    assert printed(session, code) == "2 1 2"


def test_the_names_of_modules_can_be_chosen(local_pool: SessionPool) -> None:
    session = local_pool.session(functions=[documented], functions_module="toolbox")

    assert printed(session, "import toolbox; print(toolbox.documented(4))") == "2"


def test_functions_that_replace_others_leave_no_stale_source(local_pool: SessionPool) -> None:
    def with_functions(text: str) -> Session:
        return local_pool.session("replacing-functions", functions=[text])

    printed(with_functions("def f():\n    return 'first'\n"), "f()")
    second = with_functions("def f():\n    return 'second'\n")

    code = "import functions, inspect; print(f(), functions.f(), inspect.getsource(f))"
    assert printed(second, code).startswith("second second def f():\n    return 'second'")
    second.delete()


def test_a_failed_replacement_leaves_module_and_source_as_they_were(
    run_cells: Callable[..., Execution],
) -> None:
    good = FunctionModule.from_functions(["def f():\n    return 1  # good\n"])
    bad = FunctionModule.from_functions(["def f(x=1 // 0):\n    return 2  # bad\n"])
    codes = [module.set_up_code(working_directory="/nowhere") for module in (good, bad)]

    done = run_cells(*codes, "import inspect; print(inspect.getsource(f), f())")

    assert "return 1  # good" in done.stdout
    assert done.stdout.endswith(" 1\n")
