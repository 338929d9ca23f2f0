"""The codecs against the examples and schemas that accompany the service's specification."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from dynamic_sessions import Execution, JsonValue
from dynamic_sessions.models import Command
from dynamic_sessions.wire import Codec, Reply, codec_for

NEWEST = "2025-10-02-preview"


def _example(published: Path, name: str, version: str = NEWEST) -> Any:
    example = json.loads((published / "examples" / version / f"{name}.json").read_text())
    return example["responses"]["200"]["body"]


def _read(codec: Codec, body: object) -> Execution:
    ended = codec.read_execution(Reply(status_code=200, body=body), output_limit=1000)
    assert isinstance(ended, Execution)
    return ended


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("CodeExecution_Execute_Sync", None),
        ("CodeExecution_Execute_Result_None", None),
        ("CodeExecution_Execute_Result_NaN.3b5f9a0d.older", "nan"),
        ("CodeExecution_Execute_Result_NaN.ca80c579.newer", None),
        ("CodeExecution_Execute_Result_StringNaN", "nan"),
        ("CodeExecution_Execute_Result_StringNaN_JupyterFormat", "'nan'"),
    ],
)
def test_published_executions_are_read(published: Path, name: str, result: JsonValue) -> None:
    run = _read(codec_for(NEWEST), _example(published, name))
    assert run.ok
    assert run.result == result


def test_the_published_file_list_is_read(published: Path) -> None:
    body = _example(published, "SessionResourceFiles_List")
    files = codec_for(NEWEST).read_files(Reply(status_code=200, body=body), "")
    assert [(file.name, file.type) for file in files] == [
        (entry["name"], entry["type"].lower()) for entry in body["value"]
    ]
    assert all(file.modified_at is not None for file in files)


def test_the_published_upload_is_read(published: Path) -> None:
    body = _example(published, "SessionResourceFiles_Upload", "2025-02-02-preview")
    reply = Reply(status_code=200, body=body)
    file = codec_for("2025-02-02-preview").read_uploaded_file(reply, body["name"])
    assert file.name == body["name"]
    assert file.size == body["sizeInBytes"]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_an_execution_request_is_valid_under_the_published_schema(
    published: Path, asynchronous: bool
) -> None:
    path = published / "DynamicSessions.2025-10-02-preview.c6de59f1.newest.json"
    document = json.loads(path.read_text())
    parameters = document["paths"]["/executions"]["post"]["parameters"]
    (reference,) = [one["schema"] for one in parameters if one.get("in") == "body"]
    schema = {**reference, "definitions": document["definitions"]}
    request = codec_for(NEWEST).execute(
        "abcd",
        "1",
        timeout_seconds=60,
        output_limit=1000,
        execution_id="run-1",
        asynchronous=asynchronous,
    )

    jsonschema.validate(request.json, schema)

    known = document["definitions"][reference["$ref"].rpartition("/")[2]]["properties"]
    assert request.json is not None
    assert request.json.keys() <= known.keys()


@pytest.mark.parametrize(
    ("name", "command"),
    [
        (
            "CodeExecution_Execute_ShellCommand",
            Command(
                line='read LINE;first_input="$LINE";echo first_input:$first_input',
                stdin="testinputlineline",
            ),
        ),
        ("CodeExecution_Execute_ShellExecCommandAndArgs", Command(line=("ls", "-a"))),
    ],
)
def test_a_published_command_is_sent_and_its_answer_read(
    published: Path, name: str, command: Command
) -> None:
    example = json.loads((published / "examples" / NEWEST / f"{name}.json").read_text())
    request = codec_for(NEWEST).execute(
        "testSessionIdentifier",
        command,
        timeout_seconds=600,
        output_limit=4096,
        execution_id="testExecutionId",
        asynchronous=False,
    )
    # The members that go with code are in one of the examples; some pools refuse them.
    expected = example["parameters"]["codeExecutionRequest"]
    beside = {"codeInputType", "executionType"}
    assert request.json == {key: expected[key] for key in expected.keys() - beside}
    run = _read(codec_for(NEWEST), _example(published, name))
    assert (run.ok, run.exit_code, run.result) == (True, 0, None)
    assert run.stdout == example["responses"]["200"]["body"]["result"]["stdout"]
