"""langchain-azure-dynamic-sessions: its Python tool, its Bash tool and its deepagents backend."""

import io
import json
import os
import time
import uuid
from pathlib import Path

import pytest
import requests
from deepagents import create_deep_agent
from langchain_azure_dynamic_sessions import SessionsBashTool, SessionsPythonREPLTool
from langchain_azure_dynamic_sessions.backends.sessions import SessionsBashBackend
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolMessage
from requests import HTTPError

PNG = "iVBORw0KGgo"
DEADLINE = 30


@pytest.fixture
def python(endpoint: str, token: str) -> SessionsPythonREPLTool:
    return SessionsPythonREPLTool(
        pool_management_endpoint=endpoint, access_token_provider=lambda: token
    )


@pytest.fixture(scope="session")
def shell_endpoint() -> str:
    return os.environ["DYNAMIC_SESSIONS_SHELL_ENDPOINT"]


@pytest.fixture
def bash(shell_endpoint: str, token: str) -> SessionsBashTool:
    return SessionsBashTool(
        pool_management_endpoint=shell_endpoint, access_token_provider=lambda: token
    )


@pytest.fixture
def backend(shell_endpoint: str, token: str) -> SessionsBashBackend:
    return SessionsBashBackend(shell_endpoint, access_token_provider=lambda: token)


def call(tool: SessionsPythonREPLTool | SessionsBashTool, **arguments: object) -> dict:
    return {"args": arguments, "id": "1", "name": tool.name, "type": "tool_call"}


def wait_until_deleted(endpoint: str, token: str, session_id: str) -> None:
    """The tools delete in the background and say nothing of it; the pool says what came of it."""
    deadline = time.monotonic() + DEADLINE
    while True:
        answer = requests.get(
            f"{endpoint}session",
            params={"api-version": "2025-10-02-preview", "identifier": session_id},
            headers={"Authorization": f"Bearer {token}"},
            timeout=DEADLINE,
        )
        if answer.status_code == 400:
            assert answer.json()["error"]["code"] == "SessionWithIdentifierNotFound"
            return
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_python_tool_gives_value_and_output_to_the_model(
    python: SessionsPythonREPLTool,
) -> None:
    content = json.loads(python.invoke("print('hello world')\n1 + 1"))
    assert content == {"result": 2, "stdout": "hello world\n", "stderr": ""}


def test_the_python_tool_keeps_its_session(python: SessionsPythonREPLTool) -> None:
    python.invoke("x = 20")
    assert python.execute("x + 1")["result"] == 21
    assert python.execute("x = 1")["result"] == ""


@pytest.mark.anyio
async def test_the_python_tool_can_be_awaited(python: SessionsPythonREPLTool) -> None:
    assert json.loads(await python.ainvoke({"python_code": "6 * 7"}))["result"] == 42


def test_a_failing_run_shows_in_stderr_alone(python: SessionsPythonREPLTool) -> None:
    # The client leaves the status out of what the model sees.
    message = python.invoke(call(python, python_code="1 / 0"))
    content = json.loads(message.content)
    assert set(content) == {"result", "stdout", "stderr"}
    assert content["stderr"].endswith("ZeroDivisionError: division by zero")
    assert message.artifact["status"] == "Failure"


def test_an_image_is_in_the_artifact_and_not_in_the_content(python: SessionsPythonREPLTool) -> None:
    plot = "import matplotlib.pyplot as p\np.plot([1, 2, 3])\np.show()"
    message = python.invoke(call(python, python_code=plot))
    assert json.loads(message.content)["result"] == {"type": "image", "format": "png"}
    assert message.artifact["result"]["base64_data"].startswith(PNG)


def test_fences_are_taken_off_and_with_them_the_beginning_of_some_names(
    python: SessionsPythonREPLTool,
) -> None:
    assert python.execute("```python\n1 + 1\n```")["result"] == 2
    # The client's own: any leading "python" goes, also where it is part of a name.
    python.execute("python_version = 3")
    assert python.execute("_version")["result"] == 3
    python.sanitize_input = False
    python.execute("python_version = 4")
    assert python.execute("python_version")["result"] == 4


def test_files_go_in_by_path_and_by_data_are_listed_and_come_out(
    python: SessionsPythonREPLTool, tmp_path: Path
) -> None:
    local = tmp_path / "a b é.bin"
    local.write_bytes(bytes(range(256)))
    by_path = python.upload_file(local_file_path=str(local))
    renamed = python.upload_file(local_file_path=str(local), remote_file_path="renamed.bin")
    by_data = python.upload_file(data=io.BytesIO(b"12345"), remote_file_path="data.txt")
    assert (by_path.filename, by_path.size_in_bytes) == ("a b é.bin", 256)
    assert renamed.full_path == "/mnt/data/renamed.bin"
    assert (by_data.filename, by_data.size_in_bytes) == ("data.txt", 5)
    assert sorted(f.filename for f in python.list_files()) == [
        "a b é.bin",
        "data.txt",
        "renamed.bin",
    ]
    assert python.download_file(remote_file_path="a b é.bin").read() == local.read_bytes()
    python.download_file(
        remote_file_path="data.txt", local_file_path=str(tmp_path / "downloaded.txt")
    )
    assert (tmp_path / "downloaded.txt").read_bytes() == b"12345"


def test_a_file_of_the_code_comes_out(python: SessionsPythonREPLTool) -> None:
    python.execute("open('/mnt/data/out.txt', 'w').write('from the session')")
    assert python.download_file(remote_file_path="out.txt").read() == b"from the session"


def test_a_missing_file_is_an_http_error(python: SessionsPythonREPLTool) -> None:
    with pytest.raises(HTTPError) as raised:
        python.download_file(remote_file_path="absent.txt")
    assert raised.value.response.status_code == 404


def test_an_upload_of_nothing_fails_in_the_client(python: SessionsPythonREPLTool) -> None:
    # Its check for the absence of both is missing; the Bash tool has it.
    with pytest.raises(UnboundLocalError):
        python.upload_file()


def test_leaving_the_context_deletes_the_session(
    endpoint: str, token: str, python: SessionsPythonREPLTool
) -> None:
    with python:
        session_id = python.session_id
        python.execute("x = 1")
    assert python.session_id != session_id
    wait_until_deleted(endpoint, token, session_id)
    assert "NameError" in python.execute("x")["stderr"]


def test_a_session_can_be_deleted_after_each_invocation(endpoint: str, token: str) -> None:
    tool = SessionsPythonREPLTool(
        pool_management_endpoint=endpoint,
        access_token_provider=lambda: token,
        delete_session_after_invocation=True,
    )
    session_id = tool.session_id
    assert json.loads(tool.invoke("x = 1\nx"))["result"] == 1
    wait_until_deleted(endpoint, token, session_id)
    assert "NameError" in json.loads(tool.invoke("x"))["stderr"]


def test_a_wrong_token_is_an_http_error(endpoint: str) -> None:
    tool = SessionsPythonREPLTool(
        pool_management_endpoint=endpoint, access_token_provider=lambda: "wrong"
    )
    with pytest.raises(HTTPError) as raised:
        tool.invoke("1")
    assert raised.value.response.status_code == 401


def test_the_bash_tool_gives_both_outputs_and_the_exit_code_to_the_model(
    bash: SessionsBashTool,
) -> None:
    content = json.loads(bash.invoke("echo hello; echo wrong >&2; exit 3"))
    assert content == {"stdout": "hello\n", "stderr": "wrong\n", "exitCode": 3}
    assert json.loads(bash.invoke("true"))["exitCode"] == 0


@pytest.mark.anyio
async def test_the_bash_tool_can_be_awaited(bash: SessionsBashTool) -> None:
    assert json.loads(await bash.ainvoke({"bash_command": "echo hello"}))["stdout"] == "hello\n"


def test_the_bash_tool_gives_the_whole_answer_as_artifact(bash: SessionsBashTool) -> None:
    message = bash.invoke(call(bash, bash_command="echo hello"))
    assert message.artifact["status"] == "0"
    assert message.artifact["identifier"] == bash.session_id


def test_commands_share_their_files(bash: SessionsBashTool) -> None:
    bash.invoke("mkdir -p /mnt/data/notes && echo kept > /mnt/data/notes/a.txt")
    assert json.loads(bash.invoke("cat /mnt/data/notes/a.txt"))["stdout"] == "kept\n"


def test_the_beginning_of_some_commands_is_taken_off(bash: SessionsBashTool) -> None:
    # The client's own: any leading "sh" goes, so this runs `uf` with the rest.
    content = json.loads(bash.invoke("shuf -i 1-1"))
    assert content["exitCode"] == 127
    assert "uf: command not found" in content["stderr"]
    bash.sanitize_input = False
    assert json.loads(bash.invoke("shuf -i 1-1"))["stdout"] == "1\n"


def test_the_bash_tools_files_go_in_are_listed_and_come_out(
    bash: SessionsBashTool, tmp_path: Path
) -> None:
    local = tmp_path / "a b.txt"
    local.write_text("by path")
    by_path = bash.upload_file(local_file_path=str(local))
    by_data = bash.upload_file(data=io.BytesIO(b"by data"), remote_file_path="data.txt")
    assert (by_path.filename, by_path.size_in_bytes) == ("a b.txt", 7)
    assert (by_data.full_path, by_data.size_in_bytes) == ("/mnt/data/data.txt", 7)
    assert sorted((f.filename, f.size_in_bytes) for f in bash.list_files()) == [
        ("a b.txt", 7),
        ("data.txt", 7),
    ]
    assert json.loads(bash.invoke("cat /mnt/data/data.txt"))["stdout"] == "by data"
    bash.download_file(remote_file_path="a b.txt", local_file_path=str(tmp_path / "copy.txt"))
    assert (tmp_path / "copy.txt").read_text() == "by path"
    with pytest.raises(ValueError, match="must be provided"):
        bash.upload_file()


def test_the_bash_tools_session_can_be_deleted(
    shell_endpoint: str, token: str, bash: SessionsBashTool
) -> None:
    session_id = bash.session_id
    bash.invoke("touch /mnt/data/a.txt")
    bash.close()
    wait_until_deleted(shell_endpoint, token, session_id)
    assert bash.list_files() == []


def test_the_backend_executes_commands(backend: SessionsBashBackend) -> None:
    response = backend.execute("echo out; echo err >&2; exit 7")
    assert (response.output, response.exit_code, response.truncated) == ("out\nerr\n", 7, False)
    assert uuid.UUID(backend.id)


@pytest.mark.anyio
async def test_the_backend_can_be_awaited(backend: SessionsBashBackend) -> None:
    assert (await backend.aexecute("echo out")).output == "out\n"
    assert (await backend.awrite("/mnt/data/a.txt", "text")).error is None


def test_the_backend_sees_no_more_than_the_services_default_of_an_output(
    backend: SessionsBashBackend,
) -> None:
    # It asks for no larger cap, cuts nothing itself, and so does not notice.
    response = backend.execute("head -c 10000 /dev/zero | tr '\\0' x")
    assert (len(response.output), response.truncated) == (4096, False)


def test_the_backends_files_go_in_and_come_out(backend: SessionsBashBackend) -> None:
    content = bytes(range(256))
    uploaded = backend.upload_files([("/mnt/data/a.bin", content), ("b.txt", b"b")])
    assert [each.error for each in uploaded] == [None, None]
    downloaded = backend.download_files(["/mnt/data/a.bin", "b.txt", "/mnt/data/absent"])
    assert [each.content for each in downloaded] == [content, b"b", None]
    assert [each.error for each in downloaded] == [None, None, "file_not_found"]


def test_the_backend_keeps_the_last_part_of_a_path_alone(backend: SessionsBashBackend) -> None:
    # The client's own: two folders' files of one name are one file.
    backend.upload_files([("/mnt/data/x/a.txt", b"x"), ("/mnt/data/y/a.txt", b"y")])
    assert [each.content for each in backend.download_files(["/mnt/data/x/a.txt"])] == [b"y"]


def test_the_backend_writes_reads_and_edits(backend: SessionsBashBackend) -> None:
    path = "/mnt/data/folder/a.txt"
    assert backend.write(path, "one\ntwo\nthree\n").path == path
    assert "already exists" in backend.write(path, "other").error
    assert backend.read(path, offset=1, limit=1) == "     2\ttwo"
    assert backend.edit(path, "two", "zwei").occurrences == 1
    assert "not found" in backend.edit(path, "four", "vier").error
    assert backend.execute(f"cat {path}").output == "one\nzwei\nthree\n"
    assert "not found" in backend.read("/mnt/data/absent.txt")


def test_the_backend_lists_searches_and_matches(backend: SessionsBashBackend) -> None:
    backend.write("/mnt/data/a.txt", "needle\n")
    backend.write("/mnt/data/folder/b.py", "hay\nneedle\n")
    assert {entry["path"]: entry["is_dir"] for entry in backend.ls_info("/mnt/data")} == {
        "a.txt": False,
        "folder": True,
    }
    found = backend.grep("needle", path="/mnt/data").matches
    assert sorted((match["path"], match["line"]) for match in found) == [
        ("/mnt/data/a.txt", 1),
        ("/mnt/data/folder/b.py", 2),
    ]
    assert backend.glob_info("*.txt", "/mnt/data") == [{"path": "a.txt", "is_dir": False}]
    # These are deepagents' own, by Python in the session.
    assert sorted(entry["path"] for entry in backend.ls("/mnt/data").entries) == [
        "/mnt/data/a.txt",
        "/mnt/data/folder",
    ]
    assert [entry["path"] for entry in backend.glob("**/*.py", "/mnt/data").matches] == [
        "folder/b.py"
    ]


def test_the_backend_edits_what_is_too_long_for_a_command(backend: SessionsBashBackend) -> None:
    long = "x" * 100_000
    backend.upload_files([("/mnt/data/long.txt", long.encode())])
    assert backend.edit("/mnt/data/long.txt", "x", "y", replace_all=True).error is None


class Scripted(GenericFakeChatModel):
    """A model that says what a test wrote down, whatever tools it is given."""

    def bind_tools(self, *_: object, **__: object) -> "Scripted":
        return self


def test_a_deep_agent_works_in_a_session(backend: SessionsBashBackend) -> None:
    def calling(name: str, **arguments: str) -> AIMessage:
        return AIMessage("", tool_calls=[{"id": name, "name": name, "args": arguments}])

    model = Scripted(
        messages=iter(
            [
                calling("write_file", file_path="/mnt/data/a.txt", content="6 7\n"),
                calling("execute", command="read a b < /mnt/data/a.txt; echo $((a * b))"),
                AIMessage("done"),
            ]
        )
    )
    agent = create_deep_agent(model=model, backend=backend)
    messages = agent.invoke({"messages": [{"role": "user", "content": "multiply"}]})["messages"]
    written, executed = (each for each in messages if isinstance(each, ToolMessage))
    assert written.status == "success"
    assert executed.content.startswith("42\n")
    assert backend.execute("cat /mnt/data/a.txt").output == "6 7\n"
