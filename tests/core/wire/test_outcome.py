import base64
from typing import Any

import pytest

from dynamic_sessions import Execution, ExecutionStatus, Image
from dynamic_sessions.wire import (
    Codec,
    Reply,
    RunningExecution,
    UnexpectedReplyError,
    codec_for,
)

VERSIONS = ["2025-10-02-preview", "2024-02-02-preview"]


@pytest.fixture(params=VERSIONS)
def codec(request: pytest.FixtureRequest) -> Codec:
    return codec_for(request.param)


def _read(codec: Codec, reply: Reply, *, output_limit: int) -> Execution:
    ended = codec.read_execution(reply, output_limit=output_limit)
    assert isinstance(ended, Execution)
    return ended


def _reply(codec: Codec, status: str, **streams: Any) -> Reply:
    members = {"stdout": "", "stderr": "", "executionTimeInMilliseconds": 3, **streams}
    if codec.api_version == "2024-02-02-preview":
        words = {"Succeeded": "Success", "Failed": "Failure"}
        value = {"result": members.pop("value", "")}
        return Reply(
            status_code=200,
            body={"properties": {"status": words.get(status, status), **members, **value}},
        )
    value = {"executionResult": members.pop("value", "")}
    return Reply(status_code=200, body={"status": status, "result": {**members, **value}})


@pytest.mark.parametrize("value", [2, 1.5, True, "abc", "0", "[1, 2]"])
def test_a_primitive_result_stays_what_it_is(codec: Codec, value: object) -> None:
    run = _read(codec, _reply(codec, "Succeeded", value=value), output_limit=100)
    assert run.result == value
    assert type(run.result) is type(value)


@pytest.mark.parametrize("value", ["", None])
def test_no_value_is_none(codec: Codec, value: object) -> None:
    run = _read(codec, _reply(codec, "Succeeded", value=value), output_limit=100)
    assert run.result is None


def test_an_image_is_decoded_and_is_no_result(codec: Codec) -> None:
    value = {"type": "image", "format": "png", "base64_data": base64.b64encode(b"PNG").decode()}
    run = _read(codec, _reply(codec, "Succeeded", value=value), output_limit=100)
    assert run.images == (Image(data=b"PNG", format="png"),)
    assert run.result is None
    assert run.images[0].mime_type == "image/png"


IPYTHON_TRACEBACK = """before
---------------------------------------------------------------------------
KeyError                                  Traceback (most recent call last)
Cell In[3], line 2
      1 data = {}
----> 2 data["sales"]

KeyError: 'sales'
"""


@pytest.mark.parametrize(
    ("stderr", "name", "message"),
    [
        (IPYTHON_TRACEBACK, "KeyError", "'sales'"),
        ("NameError: name 'x' is not defined", "NameError", "name 'x' is not defined"),
        ("Traceback (most recent call last):\n  File ...\nStopIteration\n", "StopIteration", ""),
        (
            "Traceback (most recent call last):\n  ...\nValueError: first\nsecond: line\n",
            "ValueError",
            "first\nsecond: line",
        ),
        ("pandas.errors.EmptyDataError: No columns", "pandas.errors.EmptyDataError", "No columns"),
        ("something odd happened here", "Error", "something odd happened here"),
        ("", "Error", ""),
    ],
)
def test_the_exception_is_read_from_stderr(
    codec: Codec, stderr: str, name: str, message: str
) -> None:
    run = _read(codec, _reply(codec, "Failed", stderr=stderr), output_limit=1000)
    assert run.status is ExecutionStatus.FAILED
    assert run.error is not None
    assert (run.error.name, run.error.message) == (name, message)
    assert run.stderr == stderr


@pytest.mark.parametrize(
    ("stderr", "status"),
    [
        (
            "Request timed out waiting for code execution to complete",
            ExecutionStatus.TIMED_OUT,
        ),
        ("Execution aborted", ExecutionStatus.ABORTED),
        ("Execution aborted\n(the session used more than 500 sockets)", ExecutionStatus.ABORTED),
    ],
)
def test_the_services_own_failures_are_told_apart(
    codec: Codec, stderr: str, status: ExecutionStatus
) -> None:
    run = _read(codec, _reply(codec, "Failed", stderr=stderr), output_limit=100)
    assert run.status is status
    assert run.error is None


def test_only_a_single_line_in_brackets_is_a_reason(codec: Codec) -> None:
    stderr = "Execution aborted\n(two\nlines)"
    run = _read(codec, _reply(codec, "Failed", stderr=stderr), output_limit=100)
    assert run.status is ExecutionStatus.FAILED


@pytest.mark.parametrize("word", ["Succeeded", "succeeded", "SUCCEEDED"])
def test_status_words_are_read_without_regard_to_case(word: str) -> None:
    codec = codec_for("2025-10-02-preview")
    assert _read(codec, _reply(codec, word), output_limit=100).ok


@pytest.mark.parametrize("word", ["Running", "NotStarted", "running"])
def test_a_run_that_goes_on_is_told_from_one_that_ended(word: str) -> None:
    reply = Reply(status_code=202, body={"id": "run-1", "status": word})
    outcome = codec_for("2025-10-02-preview").read_execution(reply, output_limit=100)
    assert outcome == RunningExecution(execution_id="run-1")


@pytest.mark.parametrize("word", ["NotSuccess", "", None, 0])
def test_a_status_that_is_not_documented_is_no_success(codec: Codec, word: Any) -> None:
    with pytest.raises(UnexpectedReplyError):
        _read(codec, _reply(codec, word), output_limit=100)


@pytest.mark.parametrize(
    "body", [None, [], "text", {}, {"status": "Succeeded", "result": []}, {"properties": 3}]
)
def test_a_body_of_another_shape_is_refused(codec: Codec, body: object) -> None:
    with pytest.raises(UnexpectedReplyError):
        _read(codec, Reply(status_code=200, body=body), output_limit=100)


def test_output_at_the_limit_counts_as_cut() -> None:
    codec = codec_for("2025-10-02-preview")
    whole = _read(codec, _reply(codec, "Succeeded", stdout="x" * 99), output_limit=100)
    cut = _read(codec, _reply(codec, "Succeeded", stdout="x" * 100), output_limit=100)
    assert (whole.truncated, cut.truncated) == (False, True)


def test_older_versions_cut_at_their_fixed_limit() -> None:
    codec = codec_for("2024-02-02-preview")
    cut = _read(codec, _reply(codec, "Succeeded", stderr="x" * 4096), output_limit=10**6)
    assert cut.truncated


def test_a_node_pools_name_of_the_value_is_read_too() -> None:
    properties = {"status": "Success", "stdout": "", "stderr": "", "executionResult": 42}
    reply = Reply(status_code=200, body={"properties": properties})
    run = _read(codec_for("2024-02-02-preview"), reply, output_limit=100)
    assert run.result == 42


@pytest.mark.parametrize("version", VERSIONS)
def test_only_versions_that_know_it_are_told_the_output_limit(version: str) -> None:
    request = codec_for(version).execute(
        "abcd", "1", timeout_seconds=5, output_limit=77, execution_id="run-1", asynchronous=False
    )
    assert request.json is not None
    assert request.json.get("outputStreamsMaxLength") == (77 if version[:4] == "2025" else None)


def test_the_legacy_dialect_has_no_directories() -> None:
    with pytest.raises(ValueError, match="api_version"):
        codec_for("2024-02-02-preview").upload_file("abcd", "reports/may.csv")
