"""Running code over HTTP, in both dialects, on real kernels."""

import asyncio
import json
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from dynamic_sessions_local import LocalSessionPool

from .waiting import PATIENCE, until

CAPTURED = "2024-10-02-preview"
LEGACY = "2024-02-02-preview"
TIMED_OUT = "Request timed out waiting for code execution to complete"

# Stops for no interrupt, however often it is asked.
STUBBORN = """
import time
while True:
    try:
        time.sleep(0.01)
    except BaseException:
        pass
"""

Run = Callable[..., httpx.Response]


@pytest.fixture
def run(client: httpx.Client, identifier: str) -> Run:
    """Run code in the test's own session, in the newest dialect."""

    def execute(code: str, **members: object) -> httpx.Response:
        return client.post(
            "executions", params={"identifier": identifier}, json={"code": code, **members}
        )

    return execute


def shape(value: object) -> object:
    """Names in their order, and the kinds of values."""
    if isinstance(value, Mapping):
        return [(str(name), shape(member)) for name, member in value.items()]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - whatever JSON has
    return type(value)


def test_the_recorded_request_gets_the_recorded_answer(
    client: httpx.Client, identifier: str, published: Path
) -> None:
    capture = json.loads(
        (published / "captures" / "cli_recording_2024-10-02-preview.json").read_text()
    )
    (recorded,) = [
        exchange for exchange in capture["exchanges"] if exchange["name"] == "execute (synchronous)"
    ]
    response = client.post(
        "executions",
        params={"identifier": identifier, "api-version": CAPTURED},
        content=recorded["request"]["body"],
        headers=recorded["request"]["headers"],
    )
    assert response.status_code == recorded["response"]["status"]
    expected = json.loads(recorded["response"]["body"])
    body = response.json()
    assert shape(body) == shape(expected)
    assert (body["$id"], body["result"]["$id"]) == ("1", "2")
    assert (body["status"], body["executionType"]) == ("Succeeded", "synchronous")
    assert body["result"]["stdout"] == "Hello world\n"
    assert response.content == json.dumps(body, separators=(",", ":")).encode()
    ours = {name for name in response.headers if name.startswith("x-ms-")}
    theirs = {name for name in recorded["response"]["headers"] if name.startswith("x-ms-")}
    assert theirs <= ours
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    for name in ours - {"x-ms-session-guid", "x-ms-new-allocation"}:
        float(response.headers[name])


def test_the_newest_version_answers_200_without_counters(run: Run, identifier: str) -> None:
    response = run("6 * 7")
    body = response.json()
    duration = body["result"].pop("executionTimeInMilliseconds")
    assert response.status_code == 200
    assert body == {
        "id": body["id"],
        "identifier": identifier,
        "executionType": "Synchronous",
        "status": "Succeeded",
        "result": {"stdout": "", "stderr": "", "executionResult": 42},
    }
    assert isinstance(duration, int)


def test_both_dialects_reach_one_session(client: httpx.Client, identifier: str, run: Run) -> None:
    first = client.post(
        "code/execute/",
        params={"identifier": identifier, "api-version": LEGACY},
        json={"properties": {"codeInputType": "inline", "code": "x = 20"}},
    )
    assert first.status_code == 200
    properties = first.json()["properties"]
    assert list(first.json()) == ["$id", "properties"]
    properties.pop("executionTimeInMilliseconds")
    assert properties == {"$id": "2", "status": "Success", "stdout": "", "stderr": "", "result": ""}
    second = run("x + 1")
    assert second.json()["result"]["executionResult"] == 21
    assert second.headers["x-ms-session-guid"] == first.headers["x-ms-session-guid"]
    assert first.headers["x-ms-new-allocation"] == "true"
    assert second.headers["x-ms-new-allocation"] == "false"


def test_code_that_raises_is_a_failed_run_with_its_traceback(run: Run) -> None:
    response = run("print('before'); {}['sales']")
    body = response.json()
    assert (response.status_code, body["status"]) == (200, "Failed")
    assert body["result"]["stdout"] == "before\n"
    assert body["result"]["stderr"].rstrip().endswith("KeyError: 'sales'")
    assert body["result"]["executionResult"] == ""


def test_code_may_come_as_base64(run: Run) -> None:
    response = run("cHJpbnQoJ8OpJyk=", codeInputType="InlineBase64")
    assert response.json()["result"]["stdout"] == "é\n"


def test_output_is_cut_where_the_request_says_and_else_at_4096(run: Run) -> None:
    assert len(run("print('x' * 9000)").json()["result"]["stdout"]) == 4096
    raised = run("print('x' * 9000)", outputStreamsMaxLength=10_000)
    assert len(raised.json()["result"]["stdout"]) == 9001


def test_the_operation_id_becomes_the_execution_id(client: httpx.Client, identifier: str) -> None:
    response = client.post(
        "executions",
        params={"identifier": identifier},
        json={"code": ""},
        headers={"operation-id": "my-operation.1"},
    )
    assert response.json()["id"] == "my-operation.1"


def test_the_time_limit_ends_the_code_and_keeps_its_state(run: Run) -> None:
    guid = run("x = 1").headers["x-ms-session-guid"]
    limited = run("import time; time.sleep(60)", timeoutInSeconds=1)
    assert (limited.status_code, limited.json()["status"]) == (200, "Failed")
    assert limited.json()["result"]["stderr"] == TIMED_OUT
    after = run("x")
    assert after.json()["result"]["executionResult"] == 1
    assert after.headers["x-ms-session-guid"] == limited.headers["x-ms-session-guid"] == guid


def test_code_that_ignores_the_interrupt_is_killed_and_the_reply_names_the_successor(
    run: Run,
) -> None:
    guid = run("x = 1; open('/mnt/data/kept.txt', 'w').write('kept')").headers["x-ms-session-guid"]
    killed = run(STUBBORN, timeoutInSeconds=1)
    assert killed.json()["result"]["stderr"] == TIMED_OUT
    assert killed.headers["x-ms-session-guid"] != guid
    after = run("'x' in globals(), open('/mnt/data/kept.txt').read()")
    assert after.json()["result"]["executionResult"] == "(False, 'kept')"
    assert after.headers["x-ms-session-guid"] == killed.headers["x-ms-session-guid"]
    assert after.headers["x-ms-new-allocation"] == "true"


def test_a_kernel_that_dies_is_reported_and_replaced_with_its_files(run: Run) -> None:
    script = "import os; os.makedirs('/mnt/data/a/b'); open('/mnt/data/a/b/c', 'w').write('kept')"
    guid = run(script).headers["x-ms-session-guid"]
    died = run("import os; os._exit(3)")
    assert (died.status_code, died.json()["status"]) == (200, "Failed")
    assert died.json()["result"]["stderr"] == "Execution aborted"
    assert died.headers["x-ms-session-guid"] != guid
    after = run("f = open('/mnt/data/a/b/c', 'r+'); f.read() + str(f.write('!'))")
    assert after.json()["result"]["executionResult"] == "kept1"
    assert after.headers["x-ms-session-guid"] == died.headers["x-ms-session-guid"]


def test_two_sessions_do_not_see_each_other(client: httpx.Client, run: Run) -> None:
    run("x = 1; open('/mnt/data/mine.txt', 'w').close(); open('/tmp/mine.txt', 'w').close()")
    other = {"identifier": "the-other-session"}
    code = "import os; 'x' in globals(), os.listdir('/mnt/data'), os.path.exists('/tmp/mine.txt')"
    seen = client.post("executions", params=other, json={"code": code})
    assert seen.json()["result"]["executionResult"] == "(False, [], False)"
    assert client.get("files/mine.txt/content", params=other).status_code == 404
    client.delete("session", params=other)


async def test_runs_of_one_session_do_not_overlap(
    pool: LocalSessionPool, client: httpx.Client, identifier: str, run: Run
) -> None:
    run("busy = False; overlaps = 0; import time")
    code = "overlaps += busy; busy = True; time.sleep(0.02); busy = False"
    async with httpx.AsyncClient(
        base_url=pool.endpoint, headers=client.headers, params=client.params, timeout=PATIENCE
    ) as together:
        responses = await asyncio.gather(
            *(
                together.post("executions", params={"identifier": identifier}, json={"code": code})
                for _ in range(8)
            )
        )
    assert {response.json()["status"] for response in responses} == {"Succeeded"}
    assert run("overlaps").json()["result"]["executionResult"] == 0


async def test_a_session_that_is_busy_holds_up_no_other_and_can_be_deleted(
    pool: LocalSessionPool, client: httpx.Client, identifier: str
) -> None:
    busy = {"identifier": "the-busy-session"}
    async with httpx.AsyncClient(
        base_url=pool.endpoint, headers=client.headers, params=client.params, timeout=PATIENCE
    ) as together:
        running = asyncio.create_task(
            together.post(
                "executions",
                params=busy,
                json={"code": "open('/mnt/data/begun', 'w').close()\n" + STUBBORN},
            )
        )
        await asyncio.to_thread(
            until, lambda: client.get("files/begun", params=busy).status_code == 200
        )
        other = await together.post(
            "executions", params={"identifier": identifier}, json={"code": "1"}
        )
        assert other.json()["status"] == "Succeeded"
        waiting = asyncio.create_task(together.post("executions", params=busy, json={"code": "1"}))
        assert not running.done()
        assert (await together.delete("session", params=busy)).status_code == 204
        canceled = await running
        assert (canceled.status_code, canceled.json()["status"]) == (200, "Canceled")
        # Queued before the deletion or after it, it must not hang behind the dead session.
        assert (await waiting).json()["status"] in {"Canceled", "Succeeded"}
        await together.delete("session", params=busy)


@pytest.fixture
def abandon(pool: LocalSessionPool, client: httpx.Client, identifier: str) -> Callable[[str], None]:
    """Send code that makes a file, and hang up once the file is there."""

    def send(code: str) -> None:
        body = json.dumps({"code": "open('/mnt/data/begun', 'w').close()\n" + code}).encode()
        address = urlsplit(pool.endpoint)
        with socket.create_connection((address.hostname, address.port)) as connection:
            connection.sendall(
                f"POST /executions?api-version=2025-10-02-preview&identifier={identifier} HTTP/1.1"
                f"\r\nhost: localhost\r\nauthorization: {client.headers['authorization']}\r\n"
                f"content-length: {len(body)}\r\n\r\n".encode()
                + body
            )
            begun = {"identifier": identifier}
            until(lambda: client.get("files/begun", params=begun).status_code == 200)

    return send


def test_a_client_that_goes_away_takes_its_code_along(
    run: Run, abandon: Callable[[str], None]
) -> None:
    guid = run("interrupted = False").headers["x-ms-session-guid"]
    abandon(
        """
try:
    import time
    time.sleep(600)
except KeyboardInterrupt:
    interrupted = True
"""
    )
    after = run("interrupted")
    assert after.json()["result"]["executionResult"] is True
    assert after.headers["x-ms-session-guid"] == guid


def test_abandoned_code_that_ignores_the_interrupt_is_killed(
    run: Run, abandon: Callable[[str], None]
) -> None:
    guid = run("x = 1").headers["x-ms-session-guid"]
    abandon(STUBBORN)
    after = run("'x' in globals()")
    assert after.json()["result"]["executionResult"] is False
    assert after.headers["x-ms-session-guid"] != guid


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b'{"code":' + b"9" * 5000])
def test_a_body_that_is_not_json_is_refused(
    client: httpx.Client, identifier: str, body: bytes
) -> None:
    response = client.post("executions", params={"identifier": identifier}, content=body)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "SessionRequestValidationFailed"


def test_a_body_beyond_16_mib_is_refused(client: httpx.Client, identifier: str) -> None:
    body = b'{"code": "' + b"#" * (16 << 20) + b'"}'
    response = client.post("executions", params={"identifier": identifier}, content=body)
    assert response.status_code == 413


def test_a_wrapped_body_is_refused_with_the_code_that_clients_look_for(
    client: httpx.Client, identifier: str
) -> None:
    response = client.post(
        "executions", params={"identifier": identifier}, json={"properties": {"code": "1"}}
    )
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "SessionPropertiesMissing"
    assert response.headers["x-ms-error-code"] == "SessionPropertiesMissing"
    assert response.json()["error"]["traceId"] == response.headers["mise-correlation-id"]
    assert client.get("session", params={"identifier": identifier}).status_code == 400
