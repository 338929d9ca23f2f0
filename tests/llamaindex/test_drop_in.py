"""Programs written for llama-index-tools-azure-code-interpreter change one import line."""

import inspect
import subprocess
import sys
from importlib import metadata
from io import BytesIO
from pathlib import Path

import pytest
from llama_index.tools.azure_code_interpreter import (  # pyright: ignore[reportMissingTypeStubs]
    AzureCodeInterpreterToolSpec as TheirToolSpec,
)

import llama_index.tools.dynamic_sessions
from dynamic_sessions import AsyncSessionPool
from dynamic_sessions.testing import ScriptedService
from llama_index.tools.dynamic_sessions import AzureCodeInterpreterToolSpec, DynamicSessionsToolSpec

OurToolSpec = AzureCodeInterpreterToolSpec


def methods(kind: type) -> list[str]:
    return [
        name
        for name, item in vars(kind).items()
        if inspect.isfunction(item) and (name == "__init__" or not name.startswith("_"))
    ]


@pytest.mark.parametrize("name", methods(TheirToolSpec))
def test_every_method_takes_the_same_arguments_at_the_same_places(name: str) -> None:
    ours = inspect.signature(getattr(OurToolSpec, name)).parameters
    theirs = inspect.signature(getattr(TheirToolSpec, name)).parameters

    assert list(ours)[: len(theirs)] == list(theirs)
    assert [ours[item].default for item in theirs] == [item.default for item in theirs.values()]


def test_every_method_has_an_asynchronous_twin() -> None:
    for name in methods(TheirToolSpec):
        if name != "__init__":
            assert inspect.iscoroutinefunction(getattr(OurToolSpec, f"a{name}"))


def test_the_old_tools_have_their_old_names_and_arguments() -> None:
    offered = {tool.metadata.get_name(): tool for tool in OurToolSpec("local").to_tool_list()}

    assert set(TheirToolSpec.spec_functions) <= set(offered)
    assert '"required": ["python_code"]' in offered["code_interpreter"].metadata.fn_schema_str


def test_local_paths_are_offered_to_no_model() -> None:
    described = [tool.metadata.fn_schema_str for tool in OurToolSpec("local").to_tool_list()]

    assert not any("local" in text for text in described)


def test_the_endpoint_may_come_from_the_old_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DYNAMIC_SESSIONS_ENDPOINT", "no endpoint at all")
    monkeypatch.setenv("AZURE_POOL_MANAGEMENT_ENDPOINT", "https://pool.test/sessionPools/p")

    assert OurToolSpec(session_id="named").session_id == "named"


def test_the_endpoint_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_POOL_MANAGEMENT_ENDPOINT", raising=False)
    monkeypatch.setenv("DYNAMIC_SESSIONS_ENDPOINT", "local")

    assert OurToolSpec(session_id="named").session_id == "named"
    assert DynamicSessionsToolSpec(session_id="named").session_id == "named"


@pytest.mark.parametrize("kind", [OurToolSpec, DynamicSessionsToolSpec])
def test_without_an_endpoint_nothing_runs_locally_by_itself(
    kind: type[DynamicSessionsToolSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("DYNAMIC_SESSIONS_ENDPOINT", "AZURE_POOL_MANAGEMENT_ENDPOINT"):
        monkeypatch.delenv(variable, raising=False)

    with pytest.raises(ValueError, match="local"):
        kind()


def test_a_program_for_the_old_class_runs(tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text("region,total\nnorth,42\n")
    with OurToolSpec("local", local_save_path=str(tmp_path)) as spec:
        (uploaded,) = spec.upload_file(local_file_path=str(tmp_path / "sales.csv"))
        spec.code_interpreter(
            "import pandas; t = pandas.read_csv('sales.csv'); t.to_csv('out.csv')"
        )
        spec.code_interpreter("t.total.plot(); import matplotlib.pyplot as p; p.show()")
        listed = spec.list_files()
        spec.download_file_to_local("/mnt/data/out.csv", str(tmp_path / "copy.csv"))
        content = spec.download_file_to_local("out.csv")

    assert (uploaded.filename, uploaded.size_in_bytes) == ("sales.csv", 22)
    assert uploaded.file_full_path == "/mnt/data/sales.csv"
    assert sorted(file.filename for file in listed) == ["out.csv", "sales.csv"]
    assert isinstance(content, BytesIO)
    assert content.read() == (tmp_path / "copy.csv").read_bytes() == b",region,total\n0,north,42\n"
    assert len(list(tmp_path.glob("*.png"))) == 1


async def test_asynchronous_programs_have_the_same(
    session_pool: AsyncSessionPool, service: ScriptedService, tmp_path: Path
) -> None:
    spec = OurToolSpec(session_pool=session_pool)
    (tmp_path / "a.txt").write_text("abc")
    await spec.aupload_file(local_file_path=tmp_path / "a.txt")
    await spec.aupload_file(b"more", name="b.txt")
    await spec.acode_interpreter("6 * 7")
    await spec.adownload_file_to_local("b.txt", tmp_path / "copy.txt")
    content = await spec.adownload_file_to_local("a.txt")

    assert service.sessions[spec.session_id].files == {"a.txt": b"abc", "b.txt": b"more"}
    assert service.sessions[spec.session_id].executed[-1] == "6 * 7"
    assert [file.file_full_path for file in await spec.alist_files()] == [
        *("/mnt/data/a.txt", "/mnt/data/b.txt")
    ]
    assert (tmp_path / "copy.txt").read_bytes() == b"more"
    assert content is not None
    assert content.read() == b"abc"


def test_an_upload_has_one_source_and_a_name() -> None:
    spec = OurToolSpec("local")

    with pytest.raises(ValueError, match="either"):
        spec.upload_file()
    with pytest.raises(ValueError, match="either"):
        spec.upload_file(b"abc", "a.txt")
    with pytest.raises(ValueError, match="name"):
        spec.upload_file(b"abc")


def test_public_names_are_these_and_print_as_they_are_imported() -> None:
    module = llama_index.tools.dynamic_sessions

    assert set(module.__all__) == {
        "AzureCodeInterpreterToolSpec",
        "CodeActSession",
        "ContentBlocks",
        "DynamicSessionsToolSpec",
        "FileListing",
        "RemoteFileMetadata",
    }
    assert DynamicSessionsToolSpec.__module__ == "llama_index.tools.dynamic_sessions"


def test_importing_it_needs_nothing_that_its_requirements_do_not_bring() -> None:
    check = (
        "import sys\nsys.modules['azure'] = None\n"
        "sys.modules['dynamic_sessions_local'] = None\nimport llama_index.tools.dynamic_sessions"
    )

    subprocess.run([sys.executable, "-c", check], check=True, timeout=60)  # noqa: S603


def test_installing_it_is_all_that_an_azure_user_does() -> None:
    requirements = metadata.requires("llama-index-tools-dynamic-sessions") or []

    assert any(item.startswith("dynamic-sessions[azure]") for item in requirements)


def test_it_installs_into_the_namespace_and_owns_no_part_of_it() -> None:
    packages = Path(llama_index.tools.dynamic_sessions.__file__).parents[1]

    assert not (packages / "__init__.py").exists()
    assert not (packages.parent / "__init__.py").exists()
