"""The real server beside the service's own documents: schemas, examples, error envelopes.

The documents contradict one another and what was recorded of the service in places; what is made of that is
said where it matters.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import httpx
import jsonschema
import pytest

from .waiting import until

VERSIONS = ("2024-10-02-preview", "2025-02-02-preview", "2025-10-02-preview")
# A file of these names must exist before the call.
FILE, FOLDER = "testfile.yaml", "test-directory"

Call = Callable[[httpx.Client], httpx.Response]


def execute(client: httpx.Client, **members: object) -> httpx.Response:
    return client.post("executions", json={"code": "print('out')\n1.5", **members})


def get_execution(client: httpx.Client) -> httpx.Response:
    return client.get(f"executions/{execute(client).json()['id']}")


def upload(client: httpx.Client, **params: str) -> httpx.Response:
    return client.post("files", files={"file": (FILE, b"a: 1")}, params=params)


def list_files(client: httpx.Client, **params: str) -> httpx.Response:
    upload(client)
    upload(client, path=f"{FOLDER}/below")
    return client.get("files", params=params)


def get_file(client: httpx.Client) -> httpx.Response:
    upload(client)
    return client.get(f"files/{FILE}")


def get_content(client: httpx.Client) -> httpx.Response:
    upload(client)
    return client.get(f"files/{FILE}/content")


def delete_file(client: httpx.Client) -> httpx.Response:
    upload(client)
    return client.delete(f"files/{FILE}")


def get_session(client: httpx.Client) -> httpx.Response:
    execute(client)
    return client.get("session")


def delete_session(client: httpx.Client) -> httpx.Response:
    execute(client)
    return client.delete("session")


def stop_session(client: httpx.Client) -> httpx.Response:
    execute(client)
    return client.post(".management/stopSession")


def list_sessions(client: httpx.Client) -> httpx.Response:
    execute(client)
    return client.get("listSessions", params={"skip": 0})


CALLS: dict[str, Call] = {
    "CodeExecution_Execute": execute,
    "CodeExecution_Get": get_execution,
    "SessionResourceFiles_List": list_files,
    "SessionResourceFiles_Upload": upload,
    "SessionResourceFiles_Get": get_file,
    "SessionResourceFiles_GetContent": get_content,
    "SessionResourceFiles_Delete": delete_file,
    "ListSessions_Get": list_sessions,
    "SessionPoolMetadata_Get": lambda client: client.get("metadata"),
    "SessionManagement_Get": get_session,
    "SessionManagement_Delete": delete_session,
    "SessionPoolManagement_StopSession": stop_session,
}


def operations(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        operation["operationId"]: operation
        for path in document["paths"].values()
        for operation in path.values()
    }


def opened(schema: object) -> object:
    """The schema with the enumerations open that the service may add words to, or spell otherwise."""
    if isinstance(schema, list):
        return [opened(each) for each in cast("list[object]", schema)]
    if not isinstance(schema, dict):
        return schema
    members = cast("dict[str, object]", schema)
    return {
        name: opened(member)
        for name, member in members.items()
        if not (name == "enum" and "x-ms-enum" in members)
    }


def validate(body: object, schema: object, document: Mapping[str, Any]) -> None:
    whole = {"definitions": opened(document["definitions"]), "allOf": [opened(schema)]}
    jsonschema.validate(
        body, whole, cls=jsonschema.Draft4Validator, format_checker=jsonschema.FormatChecker()
    )


def documents(published: Path) -> list[tuple[str, dict[str, Any]]]:
    found = sorted(published.glob("DynamicSessions.*.json"))
    assert len(found) == 5
    return [(path.name.split(".")[1], json.loads(path.read_text())) for path in found]


def test_every_operation_of_every_document_is_answered_as_it_says(
    session: httpx.Client, published: Path
) -> None:
    validated = 0
    for version, document in documents(published):
        session.params = session.params.set("api-version", version)
        for name, operation in operations(document).items():
            response = CALLS[name](session)
            assert response.is_success, (version, name, response.text)
            answer = operation["responses"].get(str(response.status_code))
            assert answer is not None, (version, name, response.status_code)
            if "schema" in answer and answer["schema"].get("type") != "file":
                is_json = response.headers["content-type"].startswith("application/json")
                body = response.json() if is_json else response.text
                validate(body, answer["schema"], document)
                validated += 1
    assert validated >= 25


def test_every_refusal_has_the_documented_envelope(session: httpx.Client, published: Path) -> None:
    version, document = documents(published)[-1]
    session.params = session.params.set("api-version", version)
    refusals = [
        session.post("executions", json={"properties": {"code": "1"}}),
        session.get("executions/absent"),
        session.get("files/absent.txt"),
        session.get("files", params={"path": "../.."}),
        session.get("session", params={"identifier": "nobody-has-this"}),
        session.get("files", params={"identifier": "x"}),
        session.get("nowhere"),
        session.put("executions"),
        session.get("files", headers={"authorization": "Bearer wrong"}),
    ]
    schema = operations(document)["CodeExecution_Execute"]["responses"]["default"]["schema"]
    for response in refusals:
        assert response.is_client_error
        validate(response.json(), schema, document)
        assert response.headers["x-ms-error-code"] == response.json()["error"]["code"]


def sent(client: httpx.Client, parameters: Mapping[str, Any]) -> httpx.Response:
    headers = {"operation-id": parameters["operation-id"]} if "operation-id" in parameters else {}
    return client.post("executions", json=parameters["codeExecutionRequest"], headers=headers)


def finished(client: httpx.Client, execution: str) -> dict[str, Any]:
    """The outcome of an asynchronous execution, once there is one."""
    until(lambda: "result" in client.get(f"executions/{execution}").json())
    return client.get(f"executions/{execution}").json()


def examples(
    published: Path, pattern: str
) -> list[tuple[str, dict[str, Any], int, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any], int, dict[str, Any]]] = []
    for path in sorted((published / "examples").glob(f"*/{pattern}.json")):
        example = json.loads(path.read_text())
        ((status, answer),) = example["responses"].items()
        found.append((path.stem, example["parameters"], int(status), answer))
    assert found
    return found


def test_every_published_execution_comes_out_as_published(
    session: httpx.Client, shell: httpx.Client, published: Path
) -> None:
    tried = 0
    for name, parameters, status, answer in examples(published, "CodeExecution_*"):
        if name.endswith(".older"):
            continue  # taken back: the newer one beside it says null
        client = shell if "Shell" in name else session
        client.params = client.params.set("api-version", parameters["api-version"])
        client.delete("session", params={"api-version": VERSIONS[-1]})
        if "previouslyuploadedfile" in str(answer):
            client.post("files", files={"file": ("previouslyuploadedfile.txt", b"")})
        response = sent(client, parameters)
        expected, body = answer["body"], response.json()
        # The example of 2025-02-02 is of before the status of synchronous executions was changed.
        assert response.status_code == (200 if name == "CodeExecution_Execute_Sync" else status)
        headers = {header.lower() for header in answer["headers"]}
        assert headers <= set(response.headers)
        if "operation-id" in parameters:
            assert body["id"] == expected["id"]
        if "Async" in name:
            body = finished(client, parameters["operation-id"])
        body.pop("$id", None)
        result = body.get("result", {})
        result.pop("$id", None)
        assert set(body) >= set(expected) - {"result"}, name
        assert result["stderr"] == ""
        if "result" in expected:
            assert list(result) == list(expected["result"])
            assert result["stdout"] == expected["result"]["stdout"].replace("63/n", "63\n"), name
            assert result.get("executionResult") == expected["result"].get("executionResult"), name
            assert body["status"] == expected["status"]
        tried += 1
    assert tried == 13


def test_every_other_published_answer_has_members_that_ours_has(
    session: httpx.Client, published: Path
) -> None:
    tried = 0
    for pattern in ("SessionManagement_*", "SessionPool*", "SessionResourceFiles_*"):
        for name, parameters, status, answer in examples(published, pattern):
            session.params = session.params.set("api-version", parameters["api-version"])
            operation = "_".join(name.split("_")[:2])
            if operation == "SessionResourceFiles_List":
                recursive = {"recursive": "true"} if "Recursive" in name else {}
                response = list_files(session, path=FOLDER, **recursive)
            else:
                response = CALLS[operation](session)
            assert response.status_code == status
            if "body" in answer:
                assert missing(answer["body"], response.json()) == []
            tried += 1
    assert tried == 9


def missing(expected: object, found: object) -> list[str]:
    """Members of the expected that the found has not; of lists, the first entries are compared."""
    if isinstance(expected, list) and isinstance(found, list):
        pair = cast("list[object]", expected)[:1], cast("list[object]", found)[:1]
        return missing(pair[0][0], pair[1][0]) if all(pair) else ["an entry"]
    if not isinstance(expected, dict):
        return []
    assert isinstance(found, dict)
    members, ours = cast("dict[str, object]", expected), cast("dict[str, object]", found)
    lost = [name for name, member in members.items() if name not in ours and member is not None]
    for name in members.keys() & ours.keys():
        lost += missing(members[name], ours[name])
    return lost


@pytest.mark.parametrize("version", VERSIONS)
def test_a_tree_is_listed_level_by_level_or_whole(session: httpx.Client, version: str) -> None:
    session.params = session.params.set("api-version", version)
    for path in ("", "a", "a/b", "c"):
        upload(session, path=path)

    def listed(**params: str) -> list[tuple[str, str]]:
        entries = session.get("files", params=params).json()["value"]
        return [(entry.get("directory", ""), entry["name"]) for entry in entries]

    assert listed() == [("", "a"), ("", "c"), ("", FILE)]
    assert listed(path="a", recursive="false") == [("", "b"), ("", FILE)]
    whole = listed(recursive="TRUE")
    assert [name for _, name in whole] == ["a", "c", FILE, "b", FILE, FILE, FILE]
    if version == VERSIONS[-1]:
        assert [where for where, _ in whole] == ["", "", "", "a", "a", "a/b", "c"]
        assert listed(path="a", recursive="true") == [("", "b"), ("", FILE), ("b", FILE)]
    refused = session.get("files", params={"recursive": "maybe"})
    assert refused.json()["error"]["code"] == "SessionRequestValidationFailed"
