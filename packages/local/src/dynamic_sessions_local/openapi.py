"""The API in its own words: an OpenAPI document of what a pool answers, in its newest versions and older.

It says what this server does. Where the service's own documents are narrower or wider, tests hold the server
to those as well.
"""

from importlib.metadata import version
from typing import cast

from dynamic_sessions_local.dialects.requests import (
    EXECUTION_ID,
    IDENTIFIER,
    LEGACY_VERSIONS,
    SESSION_VERSIONS,
    VERSIONS,
)
from dynamic_sessions_local.settings import Kind

JsonObject = dict[str, object]

_TEXT: JsonObject = {"type": "string"}
_NUMBER: JsonObject = {"type": "integer", "minimum": 0}
_TIME: JsonObject = {"type": "string", "format": "date-time"}
_FLAT_VERSIONS = tuple(each for each in VERSIONS if each not in LEGACY_VERSIONS)

_IMAGE: JsonObject = {
    "type": "object",
    "required": ["type", "format", "base64_data"],
    "properties": {
        "type": {"const": "image"},
        "format": {"enum": ["png", "jpeg"]},
        "base64_data": {"type": "string", "contentEncoding": "base64"},
    },
}
_VALUE: JsonObject = {
    "description": "The value of the last expression: a picture, a primitive, or text; '' for none.",
    "anyOf": [_IMAGE, {"type": ["string", "number", "boolean", "null"]}],
}


def describe(kind: Kind) -> JsonObject:
    """The document of a pool of this kind."""
    paths = _paths_of_shell() if kind == "shell" else _paths_of_python()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Dynamic sessions, on this machine",
            "version": version("dynamic-sessions-local"),
            "description": f"A session pool whose sessions run {'commands' if kind == 'shell' else 'Python'}.",
        },
        "security": [{"bearer": []}],
        "paths": paths | _common_paths(),
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(kind),
        },
    }


def _paths_of_python() -> JsonObject:
    members: JsonObject = {
        "codeInputType": {"type": "string", "description": "Inline or InlineBase64"},
        "code": _TEXT,
        **_run_members(),
    }
    newer: JsonObject = {
        "useEmptyKernel": {"type": "boolean"},
        "returnJupyterFormatExecutionResult": {"type": "boolean"},
    }
    wrapped = _object(members, required=["code"])
    return {
        "/executions": {
            "post": _operation(
                "execute",
                "Run code; variables stay for the next run with the same identifier.",
                [_version(_FLAT_VERSIONS), _IDENTIFIER_PARAMETER, _OPERATION_ID],
                body=_object(members | newer, required=["code"]),
                answers={"200": _ref("Execution"), "202": _ref("Execution")},
                errors=("409", "413", "429", "503"),
            )
        },
        "/code/execute": {
            "post": _operation(
                "executeLegacy",
                "Run code, as clients of 2024 ask for it.",
                [_version(LEGACY_VERSIONS), _IDENTIFIER_PARAMETER],
                body=_object({"properties": wrapped}, required=["properties"]),
                answers={"200": _ref("LegacyExecution")},
                errors=("413", "429", "503"),
            )
        },
    }


def _paths_of_shell() -> JsonObject:
    more: JsonObject = {"stdin": _TEXT, **_run_members()}
    line: JsonObject = {"shellCommand": {"type": "string", "description": "Run by Bash"}}
    words: JsonObject = {"execCommandAndArgs": {"type": "array", "items": _TEXT, "minItems": 1}}
    body: JsonObject = {
        "oneOf": [_object(each | more, required=list(each)) for each in (line, words)]
    }
    return {
        "/executions": {
            "post": _operation(
                "execute",
                "Run a command in /mnt/data; its exit code is the status.",
                [_version(SESSION_VERSIONS), _IDENTIFIER_PARAMETER, _OPERATION_ID],
                body=body,
                answers={"200": _ref("Execution"), "202": _ref("Execution")},
                errors=("409", "413", "429", "503"),
            )
        }
    }


def _run_members() -> JsonObject:
    return {
        "executionType": {"type": "string", "description": "Synchronous or Asynchronous"},
        "timeoutInSeconds": {"type": "integer", "minimum": 1},
        "outputStreamsMaxLength": {"type": "integer", "minimum": 1},
    }


def _common_paths() -> JsonObject:
    identified = [_version(VERSIONS), _IDENTIFIER_PARAMETER]
    placed = [*identified, _query("path", _TEXT)]
    named = [*placed, _in_path("name", {"type": "string", "minLength": 1})]
    paged = [_query("skip", _NUMBER)]
    newer = _version(SESSION_VERSIONS)
    listing: JsonObject = {"anyOf": [_ref("Files"), _ref("LegacyFiles")]}
    metadata: JsonObject = {"anyOf": [_ref("File"), _ref("LegacyFiles")]}
    full = ("404", "409", "413", "429", "503")
    return {
        "/executions/{id}": {
            "get": _operation(
                "getExecution",
                "Ask what came of an execution.",
                [_version(_FLAT_VERSIONS), _IDENTIFIER_PARAMETER,
                 _in_path("id", {"type": "string", "pattern": EXECUTION_ID})],
                answers={"200": _ref("Execution")},
                errors=("404",),
            )
        },
        "/files": {
            "get": _operation(
                "listFiles", "List files and directories.",
                [*placed, _query("recursive", {"type": "boolean"})],
                answers={"200": listing}, errors=full,
            ),
            "post": _operation(
                "uploadFile", "Upload a file.", placed,
                form=True, answers={"200": metadata}, errors=full,
            ),
        },
        "/files/upload": {
            "post": _operation(
                "uploadFilesLegacy", "Upload files, as clients of 2024 do.", identified,
                form=True, answers={"200": _ref("LegacyFiles")}, errors=full,
            )
        },
        "/files/{name}": {
            "get": _operation("getFile", "Look at one file.", named,
                              answers={"200": metadata}, errors=full),
            "delete": _operation("deleteFile", "Remove a file.", named,
                                 answers={"200": _object({"message": _TEXT}), "204": None}, errors=full),
        },
        "/files/{name}/content": {
            "get": _operation("downloadFile", "Download a file.", named, answers={"200": "bytes"}, errors=full)
        },
        "/files/content/{name}": {
            "get": _operation("downloadFileLegacy", "Download a file, as clients of 2024 do.", named,
                              answers={"200": "bytes"}, errors=full)
        },
        "/session": {
            "get": _operation("getSession", "Look at a session; none is allocated.",
                              [newer, _IDENTIFIER_PARAMETER], answers={"200": _ref("Session")}),
            "delete": _operation("deleteSession", "End a session.",
                                 [newer, _IDENTIFIER_PARAMETER], answers={"204": None}),
        },
        "/listSessions": {
            "get": _operation("listSessions", "List the sessions.", [newer, *paged],
                              answers={"200": _ref("Sessions")})
        },
        "/.management/getSession": {
            "post": _operation("manageGetSession", "Look at a session; none is allocated.",
                               identified, answers={"200": _ref("ManagedSession")})
        },
        "/.management/listSessions": {
            "post": _operation("manageListSessions", "List the sessions.", [_version(VERSIONS), *paged],
                               answers={"200": _ref("ManagedSessions")})
        },
        "/.management/stopSession": {
            "post": _operation("manageStopSession", "End a session.", identified, answers={"200": "text"})
        },
        "/metadata": {
            "get": _operation("getMetadata", "What every session has.", [newer],
                              answers={"200": _ref("Metadata")}, errors=("503",))
        },
    }  # fmt: skip


def _schemas(kind: Kind) -> JsonObject:
    result: JsonObject = {
        "stdout": _TEXT,
        "stderr": _TEXT,
        "executionTimeInMilliseconds": _NUMBER,
    }
    if kind == "python":
        result["executionResult"] = _VALUE
    status: JsonObject = {"type": "string", "description": "The exit code, in a Shell pool"}
    if kind == "python":
        status = {"enum": ["NotStarted", "Running", "Succeeded", "Failed", "Canceled"]}
    file: JsonObject = {
        "name": _TEXT,
        "type": {"enum": ["file", "directory"]},
        "contentType": _TEXT,
        "sizeInBytes": _NUMBER,
        "lastModifiedAt": _TIME,
    }
    legacy_file = _object({"filename": _TEXT, "size": _NUMBER, "lastModifiedTime": _TIME})
    seen: JsonObject = {
        "identifier": _TEXT,
        "createdAt": _TIME,
        "lastAccessedAt": _TIME,
        "etag": _TEXT,
    }
    named = _object({"name": _TEXT, "version": _TEXT})
    return {
        "Execution": _object(
            {
                "id": _TEXT,
                "identifier": _TEXT,
                "executionType": _TEXT,
                "status": status,
                "result": _object(result),
                "error": _ref("Error"),
            },
            required=["id", "identifier", "status"],
        ),
        "LegacyExecution": _object(
            {
                "properties": _object(
                    {
                        "status": {"enum": ["Success", "Failure"]},
                        "stdout": _TEXT,
                        "stderr": _TEXT,
                        "result": _VALUE,
                        "executionTimeInMilliseconds": _NUMBER,
                    }
                )
            }
        ),
        "File": _object(file | {"directory": _TEXT}, required=list(file)),
        "Files": _object({"value": _list(_ref("File"))}),
        "LegacyFiles": _object({"value": _list(_object({"properties": legacy_file}))}),
        "Session": _object(seen | {"expireAt": _TIME}),
        "Sessions": _object(
            {"sessions": _list(_ref("Session")), "nextLink": _TEXT}, required=["sessions"]
        ),
        "ManagedSession": _object(seen | {"expiresAt": _TIME}),
        "ManagedSessions": _object(
            {
                "value": _list(_ref("ManagedSession")),
                "count": _NUMBER,
                "nextLink": {"type": ["string", "null"]},
            }
        ),
        "Metadata": _object(
            {
                "runtimes": _list(named),
                "preInstalledPackages": _list(named),
                "createdAt": _TIME,
                "lastUpdatedAt": _TIME,
                "jupyterKernel": _object(
                    {"name": _TEXT, "version": _TEXT, "projectUrl": _TEXT, "description": _TEXT}
                ),
            }
        ),
        "Error": _object(
            {
                "error": _object(
                    {"code": _TEXT, "message": _TEXT, "traceId": _TEXT},
                    required=["code", "message"],
                )
            }
        ),
    }


def _operation(
    name: str,
    summary: str,
    parameters: list[JsonObject],
    *,
    answers: dict[str, JsonObject | str | None],
    body: JsonObject | None = None,
    form: bool = False,
    errors: tuple[str, ...] = (),
) -> JsonObject:
    responses: JsonObject = {status: _response(answer) for status, answer in answers.items()}
    for status in ("400", "401", "421", *errors):
        responses[status] = _response(_ref("Error"), "What was wrong, and what to do")
    operation: JsonObject = {
        "operationId": name,
        "summary": summary,
        "parameters": parameters,
        "responses": responses,
    }
    if body is not None:
        content: JsonObject = {"application/json": {"schema": body}}
        operation["requestBody"] = {"required": True, "content": content}
    if form:
        part: JsonObject = {"type": "string", "format": "binary"}
        content = {"multipart/form-data": {"schema": _object({"file": part})}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _response(answer: JsonObject | str | None, description: str = "Done") -> JsonObject:
    match answer:
        case None:
            return {"description": description}
        case "bytes":
            schema: JsonObject = {"type": "string", "format": "binary"}
            content: JsonObject = {"application/octet-stream": {"schema": schema}}
        case "text":
            content = {"text/plain": {"schema": _TEXT}}
        case _:
            content = {"application/json": {"schema": cast("JsonObject", answer)}}
    return {"description": description, "content": content}


def _object(properties: JsonObject, *, required: list[str] | None = None) -> JsonObject:
    """Of these members, all required unless said otherwise; others may come with newer servers."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
    }


def _list(items: JsonObject) -> JsonObject:
    return {"type": "array", "items": items}


def _ref(name: str) -> JsonObject:
    return {"$ref": f"#/components/schemas/{name}"}


def _query(name: str, schema: JsonObject, *, required: bool = False) -> JsonObject:
    return {"name": name, "in": "query", "required": required, "schema": schema}


def _in_path(name: str, schema: JsonObject) -> JsonObject:
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _version(known: tuple[str, ...]) -> JsonObject:
    return _query("api-version", {"enum": list(known)}, required=True)


_IDENTIFIER_PARAMETER = _query(
    "identifier", {"type": "string", "pattern": f"^{IDENTIFIER}$"}, required=True
)
_OPERATION_ID: JsonObject = {
    "name": "operation-id",
    "in": "header",
    "schema": {"type": "string", "pattern": f"^{EXECUTION_ID}$"},
}
