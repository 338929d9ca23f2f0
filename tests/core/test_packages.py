import contextlib
import io
from importlib import metadata

import pytest

from dynamic_sessions import Execution, ExecutionFailed, ExecutionStatus, ServiceProtocolError
from dynamic_sessions.packages import LIST_PACKAGES_CODE, parse_packages


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
