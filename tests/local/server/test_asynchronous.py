"""Executions whose outcome is asked for later, on real kernels."""

from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from dynamic_sessions_local import Limits, LocalSessionPool

from .conftest import client_of
from .waiting import until

CAPTURED = "2024-10-02-preview"
WAIT = "import os\nwhile not os.path.exists('go'): pass\n"


def begin(session: httpx.Client, code: str, **headers: str) -> httpx.Response:
    return session.post(
        "executions", json={"code": code, "executionType": "Asynchronous"}, headers=headers
    )


def outcome(session: httpx.Client, execution: str) -> dict[str, object]:
    response = session.get(f"executions/{execution}")
    assert response.status_code == 200, response.text
    return response.json()


def let_go(session: httpx.Client) -> None:
    session.post("files", files={"file": ("go", b"")})


def has_ended(session: httpx.Client, execution: str) -> bool:
    return outcome(session, execution)["status"] not in {"Running", "NotStarted"}


def test_a_run_goes_on_without_its_client_and_is_asked_for_later(session: httpx.Client) -> None:
    begun = begin(session, f"{WAIT}print('out')\n6 * 7", **{"operation-id": "My-Own.Id_1"})
    assert begun.status_code == 202
    assert begun.headers["operation-id"] == "My-Own.Id_1"
    identifier = session.params["identifier"]
    assert begun.json() in [
        {
            "id": "My-Own.Id_1",
            "identifier": identifier,
            "executionType": "Asynchronous",
            "status": status,
        }
        for status in ("NotStarted", "Running")
    ]
    location = urlsplit(begun.headers["operation-location"])
    assert (location.scheme, location.netloc, location.path) == ("", "", "/executions/My-Own.Id_1")
    assert dict(parse_qsl(location.query)) == {
        "api-version": "2025-10-02-preview",
        "identifier": identifier,
    }
    until(lambda: outcome(session, "My-Own.Id_1")["status"] == "Running")
    assert "result" not in outcome(session, "My-Own.Id_1")
    let_go(session)
    until(lambda: has_ended(session, "My-Own.Id_1"))
    ended = session.get(begun.headers["operation-location"])
    assert ended.json()["status"] == "Succeeded"
    assert ended.json()["result"]["stdout"] == "out\n"
    assert ended.json()["result"]["executionResult"] == 42
    assert ended.headers["x-ms-session-guid"] == begun.headers["x-ms-session-guid"]
    assert float(ended.headers["x-ms-overall-execution-time"]) > 0


def test_a_run_that_ends_at_once_is_answered_at_once(session: httpx.Client) -> None:
    session.post("executions", json={"code": ""})
    answers = [begin(session, "print('out')\n1 + 1") for _ in range(20)]
    assert {answer.status_code for answer in answers} == {202}
    # A busy machine may be slower than the pool waits, but not every time.
    ended = [answer.json() for answer in answers if "result" in answer.json()]
    assert ended
    assert ended[0]["result"]["executionResult"] == 2


def test_runs_of_both_kinds_wait_for_their_turn(session: httpx.Client) -> None:
    first = begin(session, f"{WAIT}order = [1]").json()["id"]
    second = begin(session, "order.append(2)").json()
    assert second["status"] == "NotStarted"
    let_go(session)
    last = session.post("executions", json={"code": "order"}).json()
    assert last["result"]["executionResult"] == "[1, 2]"
    assert has_ended(session, first)
    assert has_ended(session, second["id"])


def test_a_synchronous_run_can_be_asked_for_again(session: httpx.Client) -> None:
    answered = session.post("executions", json={"code": "1 / 0"})
    assert answered.json()["status"] == "Failed"
    execution = answered.json()["id"]
    assert answered.headers["operation-id"] == execution
    assert outcome(session, execution) == answered.json()
    legacy = session.get(f"executions/{execution}", params={"api-version": CAPTURED}).json()
    assert (legacy["$id"], legacy["result"]["$id"]) == ("1", "2")


def test_the_captured_version_names_no_operation_for_a_synchronous_run(
    session: httpx.Client,
) -> None:
    params = {"api-version": CAPTURED}
    answered = session.post("executions", json={"code": "1"}, params=params)
    assert not {"operation-id", "operation-location"} & set(answered.headers)
    begun = session.post(
        "executions", json={"code": "1", "executionType": "asynchronous"}, params=params
    )
    assert {"operation-id", "operation-location"} <= set(begun.headers)
    assert begun.json()["executionType"] == "asynchronous"


def test_an_id_stands_for_one_execution(session: httpx.Client) -> None:
    for kind in ("Synchronous", "Asynchronous"):
        named = {"operation-id": f"the-same-{kind}"}
        code = "runs = globals().get('runs', 0) + 1"
        answers = [
            session.post("executions", json={"code": code, "executionType": kind}, headers=named)
            for _ in range(2)
        ]
        assert answers[0].status_code in {200, 202}
        assert answers[1].status_code == 409
        assert answers[1].json()["error"]["code"] == "SessionExecutionIdConflict"
    counted = session.post("executions", json={"code": "runs"}).json()
    assert counted["result"]["executionResult"] == 2


def test_asking_for_what_was_never_run_allocates_nothing(session: httpx.Client) -> None:
    unknown = session.get("executions/never-run")
    assert unknown.json()["error"]["code"] == "SessionWithIdentifierNotFound"
    assert session.get("session").status_code == 400
    session.post("executions", json={"code": ""})
    absent = session.get("executions/never-run")
    assert absent.status_code == 404
    assert absent.json()["error"]["code"] == "SessionExecutionNotFound"


def test_deleting_the_session_ends_its_runs(session: httpx.Client) -> None:
    execution = begin(session, WAIT).json()["id"]
    assert session.delete("session").status_code == 204
    session.post("executions", json={"code": ""})
    assert session.get(f"executions/{execution}").status_code == 404


def test_an_asynchronous_run_keeps_to_its_time_limit(session: httpx.Client) -> None:
    begun = session.post(
        "executions",
        json={"code": WAIT, "executionType": "Asynchronous", "timeoutInSeconds": 1},
    ).json()
    until(lambda: has_ended(session, begun["id"]))
    ended = session.get(f"executions/{begun['id']}").json()
    assert ended["status"] == "Failed"
    assert ended["result"]["stderr"] == ("Request timed out waiting for code execution to complete")


@pytest.fixture(scope="module")
def forgetful_pool() -> LocalSessionPool:
    limits = Limits(queued_executions=2, remembered_executions=3, remembered_characters=10_000)
    return LocalSessionPool(limits=limits)


def test_only_so_much_waits_and_only_so_much_is_remembered(
    forgetful_pool: LocalSessionPool,
) -> None:
    with forgetful_pool as pool, client_of(pool) as session:
        session.params = session.params.set("identifier", "forgetful")
        waiting = [begin(session, WAIT) for _ in range(2)]
        refused = begin(session, WAIT)
        assert refused.status_code == 429
        assert refused.json()["error"]["code"] == "SessionExecutionCapacityReached"
        assert int(refused.headers["retry-after"]) >= 1
        let_go(session)
        for each in waiting:
            execution = each.json()["id"]
            until(lambda execution=execution: has_ended(session, execution))

        def is_known(number: int) -> bool:
            return session.get(f"executions/short-{number}").status_code == 200

        for number in range(5):
            named = {"operation-id": f"short-{number}"}
            session.post("executions", json={"code": "1"}, headers=named)
        assert [is_known(number) for number in range(5)] == [False, False, True, True, True]
        named = {"operation-id": "long"}
        session.post("executions", json={"code": "'x' * 20_000"}, headers=named)
        assert session.get("executions/long").status_code == 200
        assert not any(map(is_known, range(5)))


def test_a_session_in_which_something_runs_does_not_expire() -> None:
    with LocalSessionPool(cooldown=0.2) as pool, client_of(pool) as session:
        session.params = session.params.set("identifier", "busy-and-alone")
        begin(session, "import time; time.sleep(1); done = True", **{"operation-id": "slow"})
        looks = 0
        while not has_ended(session, "slow"):
            looks += 1
        assert looks
        ended = session.get("executions/slow").json()
        assert ended["status"] == "Succeeded"
