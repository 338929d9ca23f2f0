"""What is uploaded at a release: whole, documented, licensed, and the same by either way."""

import re
import subprocess
import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

from distributions import IMPORT_NAMES, PROJECTS, ROOT
from uv_command import find_uv

VERSION = PROJECTS["dynamic-sessions"]["version"]
CLASSIFIERS = {
    "Development Status :: 4 - Beta",
    "Intended Audience :: Developers",
    "Programming Language :: Python :: 3 :: Only",
    "Programming Language :: Python :: 3.11",
    "Programming Language :: Python :: 3.12",
    "Programming Language :: Python :: 3.13",
    "Topic :: Scientific/Engineering :: Artificial Intelligence",
    "Typing :: Typed",
}
RELATIVE_LINK = re.compile(r"\]\((?!https?://|#)")


@pytest.fixture(scope="session")
def wheels_of_the_checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wheels that no source distribution has been between."""
    folder = tmp_path_factory.mktemp("wheels")
    command = [find_uv(), "build", "--quiet", "--all-packages", "--wheel", "--out-dir", folder]
    subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603 - our own build tool
    return folder


def wheel_of(distribution: str, folder: Path) -> zipfile.ZipFile:
    (path,) = folder.glob(f"{distribution.replace('-', '_')}-{VERSION}-*.whl")
    return zipfile.ZipFile(path)


def metadata_of(distribution: str, folder: Path) -> Message:
    wheel = wheel_of(distribution, folder)
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return Parser().parsestr(wheel.read(name).decode())


def test_no_package_is_left_out() -> None:
    assert set(PROJECTS) == set(IMPORT_NAMES)


def test_all_packages_have_one_version_and_require_each_other_in_it() -> None:
    assert {project["version"] for project in PROJECTS.values()} == {VERSION}
    requirements = [
        requirement
        for project in PROJECTS.values()
        for extra in (project["dependencies"], *project["optional-dependencies"].values())
        for requirement in extra
        if re.split(r"[\[<>=~; ]", requirement)[0] in PROJECTS
    ]
    assert requirements
    assert [item for item in requirements if not item.endswith(f"=={VERSION}")] == []


def test_the_changelog_has_one_sentence_a_line_below_a_version() -> None:
    title, *sections = (ROOT / "CHANGELOG.md").read_text().split("\n## ")
    assert title.startswith("# Changelog\n")
    assert sections[0].splitlines()[0].split()[0] in {"Unreleased", f"[{VERSION}]", VERSION}
    for section in sections:
        lines = [line for line in section.splitlines()[1:] if line and not line.startswith("### ")]
        assert [line for line in lines if not re.fullmatch(r"- .*[^.]\.", line)] == []
        assert [line for line in lines if re.search(r"\w\. [A-Z]", line)] == []


@pytest.mark.parametrize("distribution", PROJECTS)
def test_a_package_is_described(distribution: str) -> None:
    project = PROJECTS[distribution]
    assert project["description"].endswith(".")
    assert set(project["classifiers"]) >= CLASSIFIERS
    assert project["classifiers"] == sorted(project["classifiers"])
    assert "dynamic sessions" in project["keywords"]
    assert project["keywords"] == sorted(project["keywords"])
    assert project["requires-python"] == ">=3.11"


@pytest.mark.parametrize("distribution", PROJECTS)
def test_a_package_has_the_licence_of_the_repository(distribution: str, released: Path) -> None:
    licence = (ROOT / "LICENSE").read_bytes()
    wheel = wheel_of(distribution, released)
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/licenses/LICENSE"))
    assert wheel.read(name) == licence
    assert metadata_of(distribution, released)["License-Expression"] == "MIT"
    stem = f"{distribution.replace('-', '_')}-{VERSION}"
    with tarfile.open(released / f"{stem}.tar.gz") as source:
        member = source.extractfile(f"{stem}/LICENSE")
        assert member is not None
        assert member.read() == licence


@pytest.mark.parametrize("distribution", PROJECTS)
def test_the_page_on_an_index_leads_somewhere(distribution: str, released: Path) -> None:
    metadata = metadata_of(distribution, released)
    assert metadata["Description-Content-Type"] == "text/markdown"
    page = metadata.get_payload()
    assert isinstance(page, str)
    assert page.startswith(f"# {distribution}\n")
    assert not RELATIVE_LINK.search(page)
    targets = re.findall(rf"\]\(https://repository\.test/sessions/blob/v{VERSION}/([^)#]+)", page)
    assert [target for target in targets if not (ROOT / target).exists()] == []
    urls = dict(url.split(", ") for url in metadata.get_all("Project-URL", []))
    assert urls["Source"] == "https://repository.test/sessions"
    assert urls["Changelog"].endswith("/CHANGELOG.md")


@pytest.mark.parametrize("distribution", PROJECTS)
def test_a_wheel_has_types_and_no_strangers(distribution: str, released: Path) -> None:
    names = wheel_of(distribution, released).namelist()
    package = IMPORT_NAMES[distribution].replace(".", "/")
    assert f"{package}/py.typed" in names
    assert [name for name in names if re.search(r"\.py[co]$|/tests?/|\.orig$", name)] == []


def test_the_local_pool_brings_the_inspectors_page_and_not_its_source(released: Path) -> None:
    wheel = wheel_of("dynamic-sessions-local", released)
    folder = "dynamic_sessions_local/inspector/static/"
    built = {name.removeprefix(folder) for name in wheel.namelist() if name.startswith(folder)}
    built.discard("")  # the folder itself
    assert built == {"index.html", "inspector.css", "inspector.js", "result.css"}
    shipped = ROOT / "packages/local/src" / folder
    for name in built:
        assert wheel.read(folder + name) == (shipped / name).read_bytes()
    assert [name for name in wheel.namelist() if name.endswith((".tsx", "package.json"))] == []


@pytest.mark.parametrize("distribution", PROJECTS)
def test_a_source_distribution_builds_the_wheel_of_the_checkout(
    distribution: str, released: Path, wheels_of_the_checkout: Path
) -> None:
    built = wheel_of(distribution, released).namelist()
    assert sorted(built) == sorted(wheel_of(distribution, wheels_of_the_checkout).namelist())


@pytest.mark.parametrize(
    "distribution", [item for item, import_name in IMPORT_NAMES.items() if "." in import_name]
)
def test_a_wheel_below_a_namespace_leaves_the_namespace_to_all(
    released: Path, distribution: str
) -> None:
    package = Path(IMPORT_NAMES[distribution].replace(".", "/"))
    names = wheel_of(distribution, released).namelist()
    modules = [Path(name) for name in names if name.endswith(".py")]
    assert modules
    assert [module for module in modules if not module.is_relative_to(package)] == []
