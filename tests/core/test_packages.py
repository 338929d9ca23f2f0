import base64
import contextlib
import io
import json
import zlib
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
from dynamic_sessions.packages import find_packages, listing_code
from dynamic_sessions.testing import ScriptedExecution, ScriptedService
from dynamic_sessions.wire import Reply, pool_metadata, read_installed_packages


def printed(code: str) -> str:
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(code, {})  # noqa: S102 - the code under test
    return output.getvalue()


async def found_where_output_is_kept_to(limit: int) -> dict[str, str]:
    async def run(code: str) -> Execution:
        return Execution(status=ExecutionStatus.SUCCEEDED, stdout=printed(code)[:limit])

    return await find_packages(run)


@pytest.mark.parametrize("limit", [4096, 300])
async def test_every_distribution_is_found_however_little_of_the_output_comes_back(
    limit: int,
) -> None:
    packages = await found_where_output_is_kept_to(limit)

    assert packages["pytest"] == metadata.version("pytest")
    assert {item.name for item in metadata.distributions()} == set(packages)


def test_the_listing_leaves_no_name_behind() -> None:
    namespace: dict[str, object] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(listing_code(), namespace)  # noqa: S102 - the code under test

    assert namespace.keys() == {"__builtins__"}


@pytest.mark.parametrize("limit", [0, 10, 30])
async def test_a_listing_of_which_nothing_comes_back_is_an_error(limit: int) -> None:
    with pytest.raises(ServiceProtocolError):
        await found_where_output_is_kept_to(limit)


async def test_parts_that_do_not_fit_together_are_an_error() -> None:
    async def run(_: str) -> Execution:
        stdout = printed(listing_code())[:100]
        return Execution(status=ExecutionStatus.SUCCEEDED, stdout=stdout)

    with pytest.raises(ServiceProtocolError, match="changed while it was read"):
        await find_packages(run)


async def test_a_listing_that_failed_says_so() -> None:
    async def run(_: str) -> Execution:
        return Execution(status=ExecutionStatus.ABORTED)

    with pytest.raises(ExecutionFailed):
        await find_packages(run)


def listing(*packages: str) -> ScriptedExecution:
    found = json.dumps(dict.fromkeys(packages, "1.0"))
    packed = base64.b64encode(zlib.compress(found.encode())).decode()
    return ScriptedExecution(stdout=f"dynamic-sessions-packages:{len(packed)}:{packed}\n")


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
    service = ScriptedService({listing_code(): listing("pandas")})
    service.fail_next(httpx.Response(status))

    assert await packages_of(service) == {"pandas": "1.0"}


async def test_the_session_itself_is_asked_where_the_caller_wants_it() -> None:
    service = ScriptedService({listing_code(): listing("pandas")}, packages={"numpy": "2"})

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
