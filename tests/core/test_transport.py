import itertools
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from dynamic_sessions import (
    AuthenticationError,
    InvalidRequestError,
    NotFoundError,
    PayloadTooLargeError,
    PermissionDeniedError,
    PoolExhaustedError,
    ServerError,
    ServiceConnectionError,
    ServiceError,
    ServiceProtocolError,
    ServiceResponseError,
    ServiceTimeoutError,
    SessionNotFoundError,
)
from dynamic_sessions.credentials import token_provider
from dynamic_sessions.endpoints import Endpoint
from dynamic_sessions.transport import Call, Transport
from dynamic_sessions.wire import RequestData

ENDPOINT = "https://pool.test/subscriptions/1/sessionPools/p"


class Answers:
    """Answers each request with the next of a list, and counts."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers = iter(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Sleeps:
    """Takes no time, and remembers how long it was asked to take."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def make_transport(
    handler: Callable[[httpx.Request], httpx.Response],
    sleep: Sleeps | None = None,
    url: str = ENDPOINT,
) -> Transport:
    return Transport(
        lambda: Endpoint(url=url, provider=token_provider("secret")),
        transport=httpx.MockTransport(handler),
        sleep=sleep or Sleeps(),
        jitter=lambda: 0.0,
    )


def make_call(*, repeatable: bool, deadline: float = 60) -> Call:
    return Call(
        operation="execute",
        request=RequestData(
            method="POST",
            segments=("executions",),
            query={"identifier": "a&b=c#d"},
            json={"code": "launch()"},
        ),
        deadline=deadline,
        repeatable=repeatable,
    )


@pytest.mark.parametrize(
    ("status", "code", "expected", "outcome_unknown"),
    [
        (400, "SessionRequestValidationFailed", InvalidRequestError, False),
        (400, "SessionWithIdentifierNotFound", SessionNotFoundError, False),
        (401, None, AuthenticationError, False),
        (403, None, PermissionDeniedError, False),
        (404, "SomethingNotFound", NotFoundError, False),
        (408, None, ServiceResponseError, True),
        (413, None, PayloadTooLargeError, False),
        (418, None, ServiceResponseError, False),
        (500, "Broken", ServerError, True),
        (504, None, ServerError, True),
    ],
)
async def test_an_error_status_becomes_the_error_that_says_what_is_known(
    status: int, code: str | None, expected: type[ServiceResponseError], outcome_unknown: bool
) -> None:
    body = {"error": {"code": code, "message": "It went wrong.", "traceId": "t-1"}}
    respond = itertools.repeat(lambda: httpx.Response(status, json=body))

    transport = make_transport(lambda _: next(respond)())

    with pytest.raises(ServiceResponseError) as caught:
        await transport.send(make_call(repeatable=False))
    error = caught.value
    assert type(error) is expected
    assert (error.status_code, error.code, error.message) == (status, code, "It went wrong.")
    assert error.request_id == "t-1"
    assert error.operation == "execute"
    assert error.outcome_unknown is outcome_unknown
    assert "It went wrong." in str(error)


async def test_an_error_body_that_is_not_the_envelope_is_quoted() -> None:
    transport = make_transport(Answers(httpx.Response(404, text="<h1>No such pool</h1>")))
    with pytest.raises(NotFoundError, match="No such pool"):
        await transport.send(make_call(repeatable=False))


async def test_a_missing_role_is_named_with_what_to_do() -> None:
    transport = make_transport(Answers(httpx.Response(403)))
    with pytest.raises(PermissionDeniedError, match="Azure ContainerApps Session Executor"):
        await transport.send(make_call(repeatable=False))


@pytest.mark.parametrize(
    "fault",
    [
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("Server disconnected without sending a response."),
        httpx.ReadTimeout("slow"),
        httpx.WriteError("reset"),
        httpx.Response(500),
        httpx.Response(502),
        httpx.Response(503),
        httpx.Response(504),
        httpx.Response(408),
    ],
    ids=repr,
)
async def test_a_run_is_not_repeated_after_an_ambiguous_failure(
    fault: httpx.Response | Exception,
) -> None:
    answers = Answers(fault)
    with pytest.raises(ServiceError) as caught:
        await make_transport(answers).send(make_call(repeatable=False))
    assert len(answers.requests) == 1
    assert caught.value.outcome_unknown


@pytest.mark.parametrize(
    "fault",
    [
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("no route"),
        httpx.Response(429),
    ],
    ids=repr,
)
async def test_a_run_is_repeated_where_it_cannot_have_started(
    fault: httpx.Response | Exception,
) -> None:
    answers = Answers(fault, httpx.Response(200, json={}))
    sleep = Sleeps()
    await make_transport(answers, sleep).send(make_call(repeatable=False))
    assert len(answers.requests) == 2
    assert sleep.seconds == [0.5]


async def test_repetitions_end_and_the_last_failure_is_told() -> None:
    answers = Answers(*[httpx.ConnectError("refused")] * 3)
    sleep = Sleeps()
    with pytest.raises(ServiceConnectionError, match="refused") as caught:
        await make_transport(answers, sleep).send(make_call(repeatable=False))
    assert not caught.value.outcome_unknown
    assert sleep.seconds == [0.5, 1.0]


@pytest.mark.parametrize("fault", [httpx.Response(503), httpx.ReadError("reset")], ids=repr)
async def test_a_repeatable_call_is_sent_again_after_a_fault(
    fault: httpx.Response | Exception,
) -> None:
    answers = Answers(fault, httpx.Response(200, json={"value": []}))
    reply = await make_transport(answers).send(make_call(repeatable=True))
    assert reply.body == {"value": []}


async def test_the_service_says_how_long_to_wait_when_the_pool_is_full() -> None:
    answers = Answers(
        httpx.Response(429, headers={"Retry-After": "7"}), httpx.Response(200, json={})
    )
    sleep = Sleeps()
    await make_transport(answers, sleep).send(make_call(repeatable=False))
    assert sleep.seconds == [7.0]


async def test_the_time_to_wait_may_be_a_date() -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    answers = Answers(
        httpx.Response(429, headers={"Retry-After": moment}), httpx.Response(200, json={})
    )
    sleep = Sleeps()
    await make_transport(answers, sleep).send(make_call(repeatable=False))
    (seconds,) = sleep.seconds
    assert 10 < seconds <= 20


async def test_a_time_to_wait_that_says_nothing_is_passed_over() -> None:
    answers = Answers(
        httpx.Response(429, headers={"Retry-After": "soon"}), httpx.Response(200, json={})
    )
    sleep = Sleeps()
    await make_transport(answers, sleep).send(make_call(repeatable=False))
    assert sleep.seconds == [0.5]


async def test_a_wait_beyond_the_deadline_is_not_begun() -> None:
    answers = Answers(httpx.Response(429, headers={"Retry-After": "30"}))
    with pytest.raises(PoolExhaustedError) as caught:
        await make_transport(answers).send(make_call(repeatable=False, deadline=5))
    assert caught.value.retry_after == 30.0
    assert not caught.value.outcome_unknown


async def test_an_answer_that_is_not_json_is_a_protocol_error() -> None:
    transport = make_transport(Answers(httpx.Response(200, text="<html>login</html>")))
    with pytest.raises(ServiceProtocolError) as caught:
        await transport.send(make_call(repeatable=False))
    assert caught.value.outcome_unknown


async def test_a_redirect_is_not_followed_with_the_token() -> None:
    answers = Answers(httpx.Response(302, headers={"Location": "https://elsewhere.test/"}))
    with pytest.raises(ServiceResponseError) as caught:
        await make_transport(answers).send(make_call(repeatable=False))
    assert caught.value.status_code == 302
    assert [request.url.host for request in answers.requests] == ["pool.test"]


@pytest.mark.parametrize("slash", ["", "/"])
async def test_every_part_of_the_url_is_encoded(slash: str) -> None:
    answers = Answers(httpx.Response(200, json={}))
    call = Call(
        operation="download file",
        request=RequestData(
            method="GET",
            segments=("files", "50% a/b?c#d é.txt", "content"),
            query={"identifier": "x&identifier=y#z", "path": "a b"},
        ),
        deadline=60,
        repeatable=True,
    )
    await make_transport(answers, url=ENDPOINT + slash).send(call)
    assert str(answers.requests[0].url) == (
        f"{ENDPOINT}/files/50%25%20a%2Fb%3Fc%23d%20%C3%A9.txt/content"
        "?identifier=x%26identifier%3Dy%23z&path=a%20b"
    )


async def test_errors_show_neither_token_nor_code() -> None:
    for fault in _faults():
        transport = make_transport(Answers(*[fault] * 3))
        with pytest.raises(ServiceError) as caught:
            await transport.send(make_call(repeatable=False))
        text = f"{caught.value!s} {caught.value!r} {caught.value.__dict__}"
        assert "secret" not in text
        assert "launch" not in text


def _faults() -> Iterable[httpx.Response | Exception]:
    yield httpx.Response(401)
    yield httpx.Response(500, text="oops")
    yield httpx.ReadTimeout("slow")
    yield httpx.ConnectError("refused")


async def test_a_timeout_is_a_timeout_error_of_pythons_own() -> None:
    with pytest.raises(TimeoutError) as caught:
        await make_transport(Answers(httpx.ReadTimeout("slow"))).send(make_call(repeatable=False))
    assert isinstance(caught.value, ServiceTimeoutError)


async def test_a_closed_transport_refuses_calls() -> None:
    transport = make_transport(Answers())
    await transport.close()
    with pytest.raises(RuntimeError, match="closed"):
        await transport.send(make_call(repeatable=True))


async def test_an_answer_without_end_is_refused_before_it_fills_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dynamic_sessions.transport.LONGEST_REPLY_BYTES", 1000)
    transport = make_transport(Answers(httpx.Response(200, content=b" " * 1001)))
    with pytest.raises(ServiceProtocolError, match="over 1000 bytes") as caught:
        await transport.send(make_call(repeatable=False))
    assert caught.value.outcome_unknown


@pytest.mark.parametrize("name", ["x-ms-retry-after-ms", "retry-after-ms"])
async def test_a_time_to_wait_in_milliseconds_comes_first(name: str) -> None:
    headers = {name: "1500", "Retry-After": "30"}
    sleep = Sleeps()
    answers = Answers(httpx.Response(429, headers=headers), httpx.Response(200, json={}))
    await make_transport(answers, sleep).send(make_call(repeatable=False))
    assert sleep.seconds == [1.5]


async def test_a_missing_role_is_named_with_the_command_that_grants_it() -> None:
    transport = make_transport(Answers(httpx.Response(403)))
    with pytest.raises(PermissionDeniedError, match="az role assignment create"):
        await transport.send(make_call(repeatable=False))
