import contextlib
import io
import json
from importlib import metadata
from pathlib import Path

import httpx
import pytest

from dynamic_sessions import (
    AsyncSessionPool,
    Execution,
    ExecutionFailed,
    ExecutionStatus,
    PermissionDeniedError,
    ServiceProtocolError,
    SessionPool,
)
from dynamic_sessions.packages import LIST_PACKAGES_CODE, parse_packages
from dynamic_sessions.testing import ScriptedExecution, ScriptedService
from dynamic_sessions.wire import Reply, pool_metadata, read_installed_packages


def listed() -> Execution:
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(LIST_PACKAGES_CODE, {})  # noqa: S102 - the code under test
    return Execution(status=ExecutionStatus.SUCCEEDED, stdout=output.getvalue())


def test_the_listing_gives_name_and_version_of_every_distribution() -> None:
    packages = parse_packages(listed())

    assert packages["pytest"] == metadata.version("pytest")
    assert {item.name for item in metadata.distributions()} == set(packages)


def test_the_listing_leaves_no_name_behind() -> None:
    namespace: dict[str, object] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(LIST_PACKAGES_CODE, namespace)  # noqa: S102 - the code under test

    assert namespace.keys() == {"__builtins__"}


def test_a_listing_that_was_cut_is_not_taken_for_whole() -> None:
    whole = listed().stdout

    for stdout in (whole[: len(whole) // 2], "", "something else"):
        with pytest.raises(ServiceProtocolError):
            parse_packages(Execution(status=ExecutionStatus.SUCCEEDED, stdout=stdout))


def test_a_listing_that_failed_says_so() -> None:
    with pytest.raises(ExecutionFailed):
        parse_packages(Execution(status=ExecutionStatus.ABORTED))


def listing(*packages: str) -> ScriptedExecution:
    found = json.dumps(dict.fromkeys(packages, "1.0"))
    return ScriptedExecution(stdout=f"dynamic-sessions-packages:{found}\n")


async def packages_of(service: ScriptedService, *, in_session: bool = False) -> dict[str, str]:
    async with AsyncSessionPool("https://pool.test/", "token", transport=service.transport) as pool:
        return await pool.session("packages").list_packages(in_session=in_session)


async def test_the_service_tells_what_its_sessions_begin_with_without_making_one() -> None:
    service = ScriptedService(packages={"numpy": "2.1.0"})

    assert await packages_of(service) == {"numpy": "2.1.0"}
    (request,) = service.requests
    assert request.url.path == "/metadata"
    assert "identifier" not in request.url.params
    assert service.sessions == {}


@pytest.mark.parametrize("status", [400, 404])
async def test_where_the_service_cannot_tell_the_session_is_asked(status: int) -> None:
    service = ScriptedService({LIST_PACKAGES_CODE: listing("pandas")})
    service.fail_next(httpx.Response(status))

    assert await packages_of(service) == {"pandas": "1.0"}


async def test_the_session_itself_is_asked_where_the_caller_wants_it() -> None:
    service = ScriptedService({LIST_PACKAGES_CODE: listing("pandas")}, packages={"numpy": "2"})

    assert await packages_of(service, in_session=True) == {"pandas": "1.0"}


async def test_any_other_refusal_is_an_error() -> None:
    service = ScriptedService(packages={})
    service.fail_next(httpx.Response(403))

    with pytest.raises(PermissionDeniedError):
        await packages_of(service)


@pytest.mark.parametrize(
    "body", [[], {}, {"preInstalledPackages": [{"version": "1"}]}, {"preInstalledPackages": [1]}]
)
async def test_an_answer_of_another_shape_is_a_protocol_error(body: object) -> None:
    service = ScriptedService()
    service.fail_next(httpx.Response(200, json=body))

    with pytest.raises(ServiceProtocolError):
        await packages_of(service)


def test_the_published_metadata_is_read(published: Path) -> None:
    path = published / "examples" / "2025-10-02-preview" / "SessionPoolMetadata_Get.json"
    body = json.loads(path.read_text())["responses"]["200"]["body"]

    packages = read_installed_packages(Reply(status_code=200, body=body))

    assert packages == {item["name"]: item["version"] for item in body["preInstalledPackages"]}
    assert pool_metadata().target == "metadata?api-version=2025-10-02-preview"


def test_the_local_pool_tells_what_its_sessions_have() -> None:
    with SessionPool("local") as pool:
        session = pool.session()
        told, found = session.list_packages(), session.list_packages(in_session=True)

    assert told == found
    assert told["numpy"] == metadata.version("numpy")


def test_the_session_finds_its_packages_without_pkg_resources() -> None:
    with SessionPool("local") as pool:
        session = pool.session()
        session.execute("import sys; sys.modules['pkg_resources'] = None")

        assert "numpy" in session.list_packages(in_session=True)
