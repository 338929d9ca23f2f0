"""Programs written for the class of the same name in autogen-ext change one import line."""

import ast
import importlib.util
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from autogen_core.code_executor import CodeExecutor

import autogen_ext_dynamic_sessions
from autogen_ext_dynamic_sessions import ACADynamicSessionsCodeExecutor, executor


@pytest.fixture(scope="module")
def theirs() -> ast.ClassDef:
    """The class of autogen-ext, read and not imported: it needs a package that nothing requires."""
    spec = importlib.util.find_spec("autogen_ext")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    folder = Path(spec.submodule_search_locations[0]) / "code_executors" / "azure"
    tree = ast.parse((folder / "_azure_container_code_executor.py").read_text())
    return next(
        node
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name == "ACADynamicSessionsCodeExecutor"
    )


@pytest.fixture(scope="module")
def ours() -> ast.ClassDef:
    tree = ast.parse(Path(executor.__file__).read_text())
    return next(node for node in tree.body if isinstance(node, ast.ClassDef))


def public_functions(node: ast.ClassDef) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    return {
        item.name: item
        for item in node.body
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)
        and (not item.name.startswith("_") or item.name == "__init__")
    }


def test_every_public_member_is_there_and_of_the_same_kind(
    theirs: ast.ClassDef, ours: ast.ClassDef
) -> None:
    members = public_functions(ours)

    for name, function in public_functions(theirs).items():
        assert type(members[name]) is type(function), name
        assert [ast.unparse(item) for item in members[name].decorator_list] == [
            ast.unparse(item) for item in function.decorator_list
        ], name


def test_every_method_takes_the_same_arguments_at_the_same_places(
    theirs: ast.ClassDef, ours: ast.ClassDef
) -> None:
    members = public_functions(ours)

    for name, function in public_functions(theirs).items():
        assert [item.arg for item in members[name].args.args] == [
            item.arg for item in function.args.args
        ], name


def test_the_constructor_has_the_same_defaults_where_there_were_any(
    theirs: ast.ClassDef, ours: ast.ClassDef
) -> None:
    our_defaults = [ast.unparse(item) for item in public_functions(ours)["__init__"].args.defaults]
    their_defaults = [
        ast.unparse(item) for item in public_functions(theirs)["__init__"].args.defaults
    ]
    required = len(our_defaults) - len(their_defaults)

    assert our_defaults[:required] == ["None", "None"]
    assert [item.replace("()", "[]") for item in our_defaults[required:]] == their_defaults


def test_constants_have_the_same_values(theirs: ast.ClassDef) -> None:
    constants = {
        ast.unparse(item.target): ast.literal_eval(item.value)
        for item in theirs.body
        if isinstance(item, ast.AnnAssign) and item.value is not None
    }

    assert constants == {
        "SUPPORTED_LANGUAGES": ACADynamicSessionsCodeExecutor.SUPPORTED_LANGUAGES,
        "FUNCTION_PROMPT_TEMPLATE": ACADynamicSessionsCodeExecutor.FUNCTION_PROMPT_TEMPLATE,
    }


def test_it_is_a_code_executor_under_the_same_names() -> None:
    assert issubclass(ACADynamicSessionsCodeExecutor, CodeExecutor)
    assert set(autogen_ext_dynamic_sessions.__all__) == {
        "ACADynamicSessionsCodeExecutor",
        "ACADynamicSessionsCodeExecutorConfig",
        "CodeExecutionTimeoutError",
        "DynamicSessionsCodeResult",
        "FunctionConfig",
        "InvalidFunctionError",
        "SessionConnectionError",
        "TokenProvider",
    }
    for name in autogen_ext_dynamic_sessions.__all__:
        assert getattr(autogen_ext_dynamic_sessions, name).__module__ == (
            "autogen_ext_dynamic_sessions"
        )


def test_importing_it_needs_nothing_that_its_requirements_do_not_bring() -> None:
    check = (
        "import sys\nsys.modules['aiohttp'] = None\nsys.modules['azure'] = None\n"
        "sys.modules['dynamic_sessions_local'] = None\nimport autogen_ext_dynamic_sessions"
    )

    subprocess.run([sys.executable, "-c", check], check=True, timeout=60)  # noqa: S603


def test_installing_it_is_all_that_an_azure_user_does() -> None:
    requirements = metadata.requires("autogen-ext-dynamic-sessions") or []

    assert any(item.startswith("dynamic-sessions[azure]") for item in requirements)


def test_a_time_limit_below_a_second_is_refused() -> None:
    with pytest.raises(ValueError, match="1"):
        ACADynamicSessionsCodeExecutor("local", timeout=0)


def test_a_time_limit_beyond_the_services_own_is_kept_and_not_refused() -> None:
    assert ACADynamicSessionsCodeExecutor("local", timeout=300).timeout == 300


def test_without_an_endpoint_nothing_runs_locally_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("DYNAMIC_SESSIONS_ENDPOINT", raising=False)

    with pytest.raises(ValueError, match="local"):
        ACADynamicSessionsCodeExecutor()


def test_the_endpoint_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DYNAMIC_SESSIONS_ENDPOINT", "local")

    assert ACADynamicSessionsCodeExecutor(session_id="named").session_id == "named"
