"""What functions require and the session lacks is installed there, by a real pip, from real wheels."""

import io
import uuid
import zipfile
from collections.abc import Iterator

import pytest

from dynamic_sessions import FunctionModule, MissingPackagesError, Session, SessionPool
from dynamic_sessions.functions import FunctionSpec, spec_from_source
from dynamic_sessions.functions.distributions import distributions_to_install


def wheel(
    name: str, version: str, *, requires: str = "", module: str | None = None
) -> tuple[str, bytes]:
    """Return the name and the bytes of a wheel with one module that knows its version."""
    content = io.BytesIO()
    info = f"{name}-{version}.dist-info"
    files = {
        f"{module or name}.py": f"version = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        + (f"Requires-Dist: {requires}\n" if requires else ""),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(content, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return f"{name}-{version}-py3-none-any.whl", content.getvalue()


WHEELS = [
    wheel("small_tool", "2.0", requires="small-part"),
    wheel("small_tool", "1.0"),
    wheel("small_part", "1.5"),
    wheel("numpy", "99.0"),
    wheel("pyfiglet_like", "3.0", module="figlike"),
    wheel("typing_extensions", "99.0", module="typing_extensions_of_the_future"),
]


@pytest.fixture
def identifier(local_pool: SessionPool) -> Iterator[str]:
    """Names a session in which pip finds the wheels above, and has no other index."""
    name = f"installing-{uuid.uuid4()}"
    session = local_pool.session(name)
    for file, content in WHEELS:
        session.files.upload(content, name=file)
    done = session.execute(
        "import os; os.environ.update(PIP_NO_INDEX='1', PIP_FIND_LINKS='/mnt/data')"
    )
    assert done.ok
    yield name
    session.delete()


def needing(*packages: str, imports: tuple[str, ...] = (), code: str = "1") -> FunctionSpec:
    return spec_from_source(f"def f():\n    return {code}\n", packages=packages, imports=imports)


def session_with(
    pool: SessionPool, identifier: str, *functions: FunctionSpec, install_missing: bool = True
) -> Session:
    return pool.session(identifier, functions=functions, install_missing=install_missing)


@pytest.mark.parametrize(
    ("packages", "imports", "code", "result"),
    [
        (["small-tool"], ["import small_tool"], "small_tool.version", "2.0"),
        (["Small_Tool>=1,<2"], ["import small_tool"], "small_tool.version", "1.0"),
        (["small.tool"], ["import small_part as part"], "part.version", "1.5"),
        (["pyfiglet-like>=3"], ["from figlike import version"], "version", "3.0"),
        (
            ["typing-extensions>=99"],
            ["import typing_extensions_of_the_future as future"],
            "future.version",
            "99.0",
        ),
    ],
)
def test_what_is_missing_or_too_old_is_installed(
    local_pool: SessionPool,
    identifier: str,
    packages: list[str],
    imports: list[str],
    code: str,
    result: str,
) -> None:
    spec = needing(*packages, imports=tuple(imports), code=code)

    execution = session_with(local_pool, identifier, spec).execute("f()")

    assert execution.ok, execution.stderr
    assert execution.result == result


def test_a_module_that_was_put_together_before_is_installed_for_too(
    local_pool: SessionPool, identifier: str
) -> None:
    module = FunctionModule.from_functions([needing("small-tool", code="3")])

    session = local_pool.session(identifier, functions=module, install_missing=True)

    assert session.execute("f()").result == 3
    assert session.functions.digest == module.digest


def test_without_leave_nothing_is_installed(local_pool: SessionPool, identifier: str) -> None:
    spec = needing("small-tool")

    with pytest.raises(MissingPackagesError, match="not installed"):
        session_with(local_pool, identifier, spec, install_missing=False).execute("f()")


def test_what_cannot_be_installed_is_listed_once_with_pips_reason(
    local_pool: SessionPool, identifier: str
) -> None:
    spec = needing("small-tool>=9", "no-such-tool", imports=("import no_such_module",))
    session = session_with(local_pool, identifier, spec)

    for _ in range(2):
        with pytest.raises(MissingPackagesError) as caught:
            session.execute("f()")

        assert caught.value.missing == ("no-such-tool", "small-tool>=9", "import no_such_module")
        message = str(caught.value)
        assert "No matching distribution found for" in message
        assert message.count("no_such_module'") == 1


def test_a_version_that_came_too_late_is_told_at_every_attempt(
    local_pool: SessionPool, identifier: str
) -> None:
    session = session_with(local_pool, identifier, needing("numpy>=99"))
    local_pool.session(identifier).execute("import numpy")

    for _ in range(2):
        with pytest.raises(MissingPackagesError, match="loaded in another version"):
            session.execute("f()")


def test_installed_modules_are_there_for_all_code_and_apart_from_uploaded_files(
    local_pool: SessionPool, identifier: str
) -> None:
    session = session_with(local_pool, identifier, needing("small-tool"))

    execution = session.execute("import small_tool, small_part; small_tool.__file__")

    assert isinstance(execution.result, str)
    assert ".dynamic-sessions/" in execution.result


def test_modules_are_mapped_to_distributions_by_what_is_installed_here() -> None:
    imports = ["import yaml", "import dateutil.parser as p", "from PIL import Image", "import bs4"]
    imports += ["from sklearn import svm", "import cv2", "import no_such_module"]

    found = distributions_to_install(["sklearn>=1", "pandas[excel]>=2"], imports)

    assert {name: found[name].lower() for name in found} == {
        "sklearn>=1": "scikit-learn>=1",
        "pandas[excel]>=2": "pandas[excel]>=2",
        "import yaml": "pyyaml",
        "import dateutil.parser as p": "python-dateutil",
        "from PIL import Image": "pillow",
        "import bs4": "beautifulsoup4",
        "from sklearn import svm": "scikit-learn",
        "import cv2": "opencv-python-headless",
    }
