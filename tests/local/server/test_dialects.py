"""The codecs as pure functions, beside the service's recorded traffic and published rules."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, cast

import pytest

from dynamic_sessions_local.dialects import flat, legacy
from dynamic_sessions_local.dialects.errors import RequestError
from dynamic_sessions_local.dialects.requests import VERSIONS, Query, execution_id
from dynamic_sessions_local.dialects.values import content_type, timestamp, timestamp_of
from dynamic_sessions_local.executions import Execution
from dynamic_sessions_local.files import FileEntry
from dynamic_sessions_local.kernel import KernelReply, Value
from dynamic_sessions_local.limits import Limits
from dynamic_sessions_local.outcome import Outcome
from dynamic_sessions_local.programs import PythonCode
from dynamic_sessions_local.runs import Run

LIMITS = Limits()
NEWEST = "2025-10-02-preview"
CAPTURED = "2024-10-02-preview"
LEGACY = "2024-02-02-preview"
SEVEN_BYTES = FileEntry(
    name="cert.txt", is_directory=False, size=7, modified_ns=1_731_316_056_787_374_500
)
FOLDER = FileEntry(name="folder", is_directory=True, size=60, modified_ns=0)
RUN = Run(program=PythonCode(source=""), timeout=1, output_limit=1, execution_type="synchronous")

Status = Literal["succeeded", "failed", "timed_out", "aborted"]


def outcome(
    status: Status = "succeeded",
    *,
    value: Value | None = None,
    stdout: str = "",
    stderr: str = "",
    canceled: bool = False,
) -> Outcome:
    return Outcome(
        reply=KernelReply(
            status=status,
            stdout=stdout,
            stderr=stderr,
            value=value or Value(kind="none", data=""),
            duration=0.0071,
            state_lost=False,
            truncated=False,
        ),
        canceled=canceled,
        guid="g",
        new_allocation=False,
        waiting_seconds=0,
        allocation_seconds=0,
    )


def flat_body(given: Outcome, version: str = NEWEST) -> dict[str, object]:
    execution = Execution(id="id-1", run=RUN, outcome=given)
    return flat.execution(execution, identifier="s-1", version=version)


def refusal(call: object, *arguments: object) -> RequestError:
    assert callable(call)
    with pytest.raises(RequestError) as refused:
        call(*arguments)
    return refused.value


def recorded(published: Path, name: str) -> str:
    capture = json.loads(
        (published / "captures" / "cli_recording_2024-10-02-preview.json").read_text()
    )
    (body,) = [
        exchange["response"]["body"]
        for exchange in capture["exchanges"]
        if exchange["name"] == name
    ]
    return body


def members_of(value: object) -> dict[str, object]:
    assert isinstance(value, dict)
    return cast("dict[str, object]", value)


def compact(body: object) -> str:
    return json.dumps(body, separators=(",", ":"))


def test_an_execution_is_answered_like_the_recorded_one(published: Path) -> None:
    execution = Execution(
        id="92827cfa-e6ac-4309-8b72-4e30f3f31c2a", run=RUN, outcome=outcome(stdout="Hello world\n")
    )
    body = flat.execution(execution, identifier="testidentifier000003", version=CAPTURED)
    assert compact(body) == recorded(published, "execute (synchronous)")


def test_a_listing_is_answered_like_the_recorded_one(published: Path) -> None:
    assert compact(flat.listing([SEVEN_BYTES], CAPTURED)) == recorded(published, "list files")


def test_an_upload_is_answered_like_the_recorded_one_with_the_types_filled_in(
    published: Path,
) -> None:
    body = flat.uploaded([SEVEN_BYTES], CAPTURED)
    assert (body["type"], body["contentType"]) == ("file", "text/plain; charset=utf-8")
    emptied = body | {"type": "", "contentType": ""}
    assert compact(emptied) == recorded(published, "upload file")


def test_newer_versions_have_no_counters_and_name_the_directory() -> None:
    assert flat.listing([SEVEN_BYTES, FOLDER], NEWEST) == {
        "value": [
            {
                "name": "cert.txt",
                "directory": "",
                "type": "file",
                "contentType": "text/plain; charset=utf-8",
                "sizeInBytes": 7,
                "lastModifiedAt": "2024-11-11T09:07:36.7873745Z",
            },
            {
                "name": "folder",
                "directory": "",
                "type": "directory",
                "contentType": "application/octet-stream",
                "sizeInBytes": 4096,
                "lastModifiedAt": "1970-01-01T00:00:00.0000000Z",
            },
        ]
    }
    assert "directory" not in flat.metadata(SEVEN_BYTES, "2025-02-02-preview")
    assert not [name for name in flat_body(outcome()) if name.startswith("$")]


def test_a_legacy_answer_has_every_member_wrapped_and_counted() -> None:
    given = outcome(value=Value(kind="json", data=42))
    assert compact(legacy.execution(given, RUN, version=LEGACY)) == (
        '{"$id":"1","properties":{"$id":"2","status":"Success","stdout":"","stderr":"",'
        '"result":42,"executionTimeInMilliseconds":7}}'
    )


def test_a_legacy_listing_counts_through_entries_and_omits_directories() -> None:
    assert compact(legacy.listing([SEVEN_BYTES, FOLDER, SEVEN_BYTES], LEGACY)) == (
        '{"$id":"1","value":['
        '{"$id":"2","properties":{"$id":"3","filename":"cert.txt","size":7,'
        '"lastModifiedTime":"2024-11-11T09:07:36.7873745Z"}},'
        '{"$id":"4","properties":{"$id":"5","filename":"cert.txt","size":7,'
        '"lastModifiedTime":"2024-11-11T09:07:36.7873745Z"}}]}'
    )


@pytest.mark.parametrize(
    ("given", "status", "old_status", "stderr"),
    [
        (outcome(stderr="warning"), "Succeeded", "Success", "warning"),
        (outcome("failed", stderr="NameError: x"), "Failed", "Failure", "NameError: x"),
        (
            outcome("timed_out", stderr="partial"),
            "Failed",
            "Failure",
            "Request timed out waiting for code execution to complete",
        ),
        (outcome("aborted"), "Failed", "Failure", "Execution aborted"),
        (outcome("aborted", canceled=True), "Canceled", "Failure", "Execution aborted"),
    ],
)
def test_each_end_has_its_words(given: Outcome, status: str, old_status: str, stderr: str) -> None:
    new = flat_body(given)
    assert new["status"] == status
    assert members_of(new["result"])["stderr"] == stderr
    old = members_of(legacy.execution(given, RUN, version=LEGACY)["properties"])
    assert (old["status"], old["stderr"], old["result"]) == (old_status, stderr, "")


@pytest.mark.parametrize(
    ("value", "sent", "as_jupyter_prints_it"),
    [
        (Value(kind="none", data=""), "", ""),
        (Value(kind="json", data=2), 2, "2"),
        (Value(kind="json", data=1.5), 1.5, "1.5"),
        (Value(kind="json", data=True), True, "True"),
        (Value(kind="json", data="nan"), "nan", "'nan'"),
        (Value(kind="nan", data="nan"), None, "nan"),
        (Value(kind="null", data=""), None, None),
        (Value(kind="text", data="[1, 2]"), "[1, 2]", "[1, 2]"),
        (
            Value(kind="image", data="aGk=", image_format="jpeg"),
            {"type": "image", "format": "jpeg", "base64_data": "aGk="},
            {"type": "image", "format": "jpeg", "base64_data": "aGk="},
        ),
    ],
)
def test_values_keep_their_kind(value: Value, sent: object, as_jupyter_prints_it: object) -> None:
    plain = flat.read_execution({"code": ""}, LIMITS)
    printed = flat.read_execution({"code": "", "returnJupyterFormatExecutionResult": True}, LIMITS)
    for run, expected in ((plain, sent), (printed, as_jupyter_prints_it)):
        execution = Execution(id="i", run=run, outcome=outcome(value=value))
        body = flat.execution(execution, identifier="s", version=NEWEST)
        found = members_of(body["result"])["executionResult"]
        assert found == expected
        assert type(found) is type(expected)


@pytest.mark.parametrize("version", VERSIONS[:-1])
def test_older_versions_write_nan_as_text_and_none_as_nothing(version: str) -> None:
    for value, expected in (
        (Value(kind="nan", data="nan"), "nan"),
        (Value(kind="null", data=""), ""),
    ):
        new = members_of(flat_body(outcome(value=value), version)["result"])
        old = members_of(legacy.execution(outcome(value=value), RUN, version=version)["properties"])
        assert (new["executionResult"], old["result"]) == (expected, expected)


def test_the_smallest_body_gets_the_documented_defaults() -> None:
    run = flat.read_execution({"code": "1"}, LIMITS)
    assert run == Run(program=PythonCode(source="1"), timeout=220, output_limit=4096)


def test_words_and_member_names_are_matched_without_case_and_echoed_as_sent() -> None:
    run = flat.read_execution(
        {
            "CODE": base64.b64encode("é".encode()).decode(),
            "codeinputtype": "INLINEbase64",
            "executionType": "sYNCHRONOUS",
            "timeoutInSeconds": 1_000_000,
            "outputStreamsMaxLength": 1 << 40,
            "unknown": [],
            "returnJupyterFormat": None,
        },
        LIMITS,
    )
    assert run == Run(
        program=PythonCode(source="é"),
        timeout=220,
        output_limit=1_000_000,
        execution_type="sYNCHRONOUS",
    )


def test_the_older_name_of_the_output_cap_is_understood() -> None:
    assert flat.read_execution({"code": "", "standardMsgLength": 24576}, LIMITS).output_limit == (
        24576
    )


def test_the_ancient_name_of_the_code_is_understood() -> None:
    run = legacy.read_execution({"properties": {"pythonCode": "1"}}, LIMITS)
    assert run.program == PythonCode(source="1")


@pytest.mark.parametrize("body", [{}, {"properties": {"code": "1"}}, {"code": 1}, {"code": None}])
def test_a_flat_body_without_code_lacks_its_properties(body: object) -> None:
    error = refusal(flat.read_execution, body, LIMITS)
    assert (error.status, error.code) == (400, "SessionPropertiesMissing")


@pytest.mark.parametrize("body", [{}, {"code": "1"}, {"properties": "1"}, {"properties": {}}])
def test_a_legacy_body_without_wrapped_code_lacks_its_properties(body: object) -> None:
    error = refusal(legacy.read_execution, body, LIMITS)
    assert (error.status, error.code) == (400, "SessionPropertiesMissing")


@pytest.mark.parametrize(
    ("member", "value"),
    [
        *(("timeoutInSeconds", value) for value in (0, -1, 1.5, "60", True, ["1"])),
        *(("outputStreamsMaxLength", value) for value in (0, -1, 1.5, "60", False)),
        ("codeInputType", "file"),
        ("codeInputType", 1),
        ("codeInputType", "InlineBase64"),
        ("executionType", "eventually"),
    ],
)
def test_a_member_of_the_wrong_kind_is_refused(member: str, value: object) -> None:
    error = refusal(flat.read_execution, {"code": "1 +", member: value}, LIMITS)
    assert (error.status, error.code) == (400, "SessionRequestValidationFailed")


def test_the_legacy_dialect_has_no_asynchronous_executions() -> None:
    body = {"properties": {"code": "1", "executionType": "Asynchronous"}}
    assert refusal(legacy.read_execution, body, LIMITS).code == "SessionRequestNotSupported"


@pytest.mark.parametrize("body", [[], "code", None, 1])
def test_a_body_that_is_no_object_is_refused(body: object) -> None:
    for read in (flat.read_execution, legacy.read_execution):
        assert refusal(read, body, LIMITS).status == 400


@pytest.mark.parametrize("identifier", ["test", "a" * 128, "_|}{[]:\";'<>?/.,@#$%^&*()-+=!~`"])
def test_an_identifier_may_be(identifier: str) -> None:
    assert Query([("identifier", identifier)]).identifier() == identifier


@pytest.mark.parametrize("identifier", ["", "abc", "a" * 129, "with blank", "é" * 8, "line\nend"])
def test_an_identifier_may_not_be(identifier: str) -> None:
    error = refusal(Query([("identifier", identifier)]).identifier)
    assert (error.status, error.code) == (400, "SessionRequestValidationFailed")


def test_a_second_identifier_is_refused_rather_than_chosen() -> None:
    error = refusal(Query, [("identifier", "mine"), ("Identifier", "yours")])
    assert error.code == "SessionRequestValidationFailed"


def test_the_version_must_be_given_and_known() -> None:
    assert refusal(Query([]).version, VERSIONS).code == "ApiVersionUnspecified"
    unknown = Query([("API-Version", "2031-01-01")])
    assert refusal(unknown.version, VERSIONS).code == "UnsupportedApiVersion"


def test_an_operation_id_becomes_the_execution_id_if_it_can_be_one() -> None:
    assert execution_id("mine-1.2_3") == "mine-1.2_3"
    for bad in (None, "", "a b", "x" * 129, "a\r\nb"):
        assert execution_id(bad) != bad


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.txt", "text/plain; charset=utf-8"),
        ("a.CSV", "text/csv; charset=utf-8"),
        ("a.md", "text/markdown; charset=utf-8"),
        ("a.json", "application/json"),
        ("a.png", "image/png"),
        ("csv", "application/octet-stream"),
        (".txt", "application/octet-stream"),
        ("a.unheard-of", "application/octet-stream"),
    ],
)
def test_the_content_type_goes_by_the_extension(name: str, expected: str) -> None:
    assert content_type(name) == expected


@pytest.mark.parametrize("nanoseconds", [-(10**30), -1, 10**30])
def test_a_time_that_no_calendar_has_is_still_a_timestamp(nanoseconds: int) -> None:
    assert datetime.fromisoformat(timestamp(nanoseconds)[:19]).year in {1970, 9999}


def test_a_moment_is_written_as_the_service_writes_it() -> None:
    moment = datetime(2024, 11, 11, 9, 7, 36, 787374, tzinfo=UTC)
    assert timestamp_of(moment) == "2024-11-11T09:07:36.7873740Z"
