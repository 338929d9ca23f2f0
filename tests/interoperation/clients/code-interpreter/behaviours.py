"""azure-dynamic-sessions-code-interpreter's tool, with both of OpenAI's forms of a call."""

import io
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from azure_dynamic_sessions_code_interpreter import CodeInterpreterTool
from requests import HTTPError, ReadTimeout

PNG = "iVBORw0KGgo"
PLOT = "import matplotlib.pyplot as p\np.plot([1, 2, 3])\np.show()"


def make(endpoint: str, token: str, **options: object) -> CodeInterpreterTool:
    tool = CodeInterpreterTool(pool_management_endpoint=endpoint, **options)
    # It takes no credential, but this attribute is public.
    tool.access_token_provider = lambda: token
    return tool


@pytest.fixture
def tool(endpoint: str, token: str) -> CodeInterpreterTool:
    return make(endpoint, token)


def test_code_runs_and_keeps_its_state(tool: CodeInterpreterTool) -> None:
    assert tool.execute("x = 20\nprint('set')")["stdout"] == "set\n"
    properties = tool.execute("x + 1")
    assert (properties["status"], properties["result"]) == ("Success", 21)


def test_an_error_is_a_failure_with_the_traceback(tool: CodeInterpreterTool) -> None:
    properties = tool.execute("{}['absent']")
    assert properties["status"] == "Failure"
    assert properties["stderr"].endswith("KeyError: 'absent'")


def test_an_image_arrives(tool: CodeInterpreterTool) -> None:
    result = tool.execute(PLOT)["result"]
    assert (result["type"], result["format"]) == ("image", "png")
    assert result["base64_data"].startswith(PNG)


def test_code_in_fences_runs_unless_asked_otherwise(endpoint: str, token: str) -> None:
    fenced = "```python\n6 * 7\n```"
    assert make(endpoint, token).execute(fenced)["result"] == 42
    assert make(endpoint, token, sanitize_input=False).execute(fenced)["status"] == "Failure"


def test_files_go_in_by_path_and_by_data_are_listed_and_come_out(
    tool: CodeInterpreterTool, tmp_path: Path
) -> None:
    local = tmp_path / "a b é.bin"
    local.write_bytes(bytes(range(256)))
    by_path = tool.upload_file(local_file_path=str(local))
    by_data = tool.upload_file(data=io.BytesIO(b"12345"), remote_file_path="data.txt")
    assert (by_path.filename, by_path.size_in_bytes) == ("a b é.bin", 256)
    assert (by_data.full_path, by_data.size_in_bytes) == ("/mnt/data/data.txt", 5)
    assert sorted(each.filename for each in tool.list_files()) == ["a b é.bin", "data.txt"]
    assert tool.download_file(remote_file_path="a b é.bin").read() == local.read_bytes()
    copy = tmp_path / "copy.txt"
    tool.download_file(remote_file_path="data.txt", local_file_path=str(copy))
    assert copy.read_bytes() == b"12345"


def test_a_file_of_the_code_comes_out(tool: CodeInterpreterTool) -> None:
    tool.execute("open('/mnt/data/out.txt', 'w').write('from the session')")
    assert tool.download_file(remote_file_path="out.txt").read() == b"from the session"


def test_a_wrong_use_of_upload_fails_in_the_client(tool: CodeInterpreterTool) -> None:
    # Its clean-up names what it never had, and so hides its own ValueError.
    with pytest.raises(UnboundLocalError):
        tool.upload_file()
    with pytest.raises(UnboundLocalError):
        tool.upload_file(data=io.BytesIO(b"data"))


def test_a_missing_file_is_an_http_error(tool: CodeInterpreterTool) -> None:
    with pytest.raises(HTTPError) as raised:
        tool.download_file(remote_file_path="absent.txt")
    assert raised.value.response.status_code == 404


def test_a_wrong_token_is_an_http_error(endpoint: str) -> None:
    with pytest.raises(HTTPError) as raised:
        make(endpoint, "wrong").execute("1")
    assert raised.value.response.status_code == 401


def test_no_token_is_refused_by_the_client(endpoint: str) -> None:
    with pytest.raises(ValueError, match="token"):
        make(endpoint, "").execute("1")


def test_code_that_outlasts_the_clients_patience_is_stopped(
    endpoint: str, token: str, identifier: str
) -> None:
    hasty = make(endpoint, token, session_id=identifier, timeout_read=1, max_retries=0)
    with pytest.raises(ReadTimeout):
        hasty.execute("begun = 1\nimport time\ntime.sleep(100)\nended = 1")
    patient = make(endpoint, token, session_id=identifier)
    assert patient.execute("(begun, 'ended' in globals())")["result"] == "(1, False)"


def test_slow_code_runs_again_at_each_of_the_clients_retries(
    endpoint: str, token: str, identifier: str
) -> None:
    # The client's own: it takes code whose answer is late for code that did not run.
    hasty = make(endpoint, token, session_id=identifier, timeout_read=1, max_retries=1)
    with pytest.raises(ReadTimeout):
        hasty.execute("open('/mnt/data/runs', 'a').write('x')\nimport time\ntime.sleep(100)")
    patient = make(endpoint, token, session_id=identifier)
    assert patient.download_file(remote_file_path="runs").read() == b"xx"


@pytest.mark.parametrize("chat_completions", [True, False])
def test_a_models_call_is_answered_in_the_models_form(
    tool: CodeInterpreterTool, chat_completions: bool
) -> None:
    definition = tool.get_tool_definition(is_chat_completions_api=chat_completions)
    function = definition["function"] if chat_completions else definition
    assert function["name"] == "code_interpreter"
    arguments = json.dumps({"python_code": PLOT + "\nprint('drawn')"})
    call = (
        SimpleNamespace(id="call-1", function=SimpleNamespace(arguments=arguments))
        if chat_completions
        else SimpleNamespace(call_id="call-1", arguments=arguments)
    )
    code = tool.get_tool_call_arguments(call, is_chat_completions_api=chat_completions)
    answer = tool.execute_tool_call(call, code, is_chat_completions_api=chat_completions)
    if chat_completions:
        assert (answer["role"], answer["tool_call_id"]) == ("tool", "call-1")
    else:
        assert (answer["type"], answer["call_id"]) == ("function_call_output", "call-1")
    assert json.loads(answer["content" if chat_completions else "output"]) == {
        "result": {"type": "image", "format": "png"},
        "stdout": "drawn\n",
        "stderr": "",
    }
