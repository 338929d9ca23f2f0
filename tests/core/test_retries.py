import pytest

from dynamic_sessions import Deadlines, RetryPolicy
from dynamic_sessions.errors import (
    PoolExhaustedError,
    ServerError,
    ServiceConnectionError,
    ServiceError,
    ServiceResponseError,
    ServiceTimeoutError,
)
from dynamic_sessions.retries import Retries


def connection_error(*, outcome_unknown: bool) -> ServiceConnectionError:
    return ServiceConnectionError("lost", operation="x", outcome_unknown=outcome_unknown)


def response_error(
    kind: type[ServiceResponseError], status: int, retry_after: float | None = None
) -> ServiceResponseError:
    return kind("failed", operation="x", status_code=status, retry_after=retry_after)


def retries(policy: RetryPolicy | None = None) -> Retries:
    return Retries(policy or RetryPolicy(), jitter=lambda: 0.0)


@pytest.mark.parametrize(
    ("error", "run", "other"),
    [
        (connection_error(outcome_unknown=False), True, True),
        (connection_error(outcome_unknown=True), False, True),
        (response_error(PoolExhaustedError, 429), True, True),
        (response_error(ServiceResponseError, 408), False, True),
        (response_error(ServerError, 503), False, True),
        (response_error(ServiceResponseError, 404), False, False),
        (ServiceTimeoutError("late", operation="x", outcome_unknown=True), False, False),
    ],
)
def test_what_is_sent_again_after_what(error: ServiceError, run: bool, other: bool) -> None:
    assert (retries().take(error, repeatable=False, retry=0) is not None) is run
    assert (retries().take(error, repeatable=True, retry=0) is not None) is other


def test_waits_double_up_to_a_limit() -> None:
    patient = retries(RetryPolicy(retries=9))
    error = connection_error(outcome_unknown=False)
    waits = [patient.take(error, repeatable=True, retry=retry) for retry in range(6)]
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0]


@pytest.mark.parametrize(("asked", "waited"), [(0.002, 0.002), (30.0, 30.0), (3600.0, 60.0)])
def test_the_services_own_time_to_wait_counts_up_to_a_minute(asked: float, waited: float) -> None:
    error = response_error(ServerError, 503, retry_after=asked)
    assert retries().take(error, repeatable=True, retry=0) == waited


def test_a_service_that_is_down_uses_up_the_budget_and_success_earns_it_back() -> None:
    limited = retries(RetryPolicy(budget=3))
    error = response_error(ServerError, 503)

    def grants() -> int:
        return sum(limited.take(error, repeatable=True, retry=0) is not None for _ in range(10))

    assert grants() == 3
    for _ in range(21):
        limited.record_success()
    assert grants() == 2


@pytest.mark.parametrize("field", ["retries", "first_delay", "longest_delay", "budget"])
def test_a_policy_of_negative_numbers_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match="negative"):
        RetryPolicy(**{field: -1})


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_a_deadline_that_nothing_could_meet_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="stall"):
        Deadlines(stall=seconds)
