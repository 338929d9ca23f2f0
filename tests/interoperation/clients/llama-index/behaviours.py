"""llama-index-tools-azure-code-interpreter's tool specification, and the tools that it makes."""

import base64
import io
from pathlib import Path

import pytest
from llama_index.tools.azure_code_interpreter import AzureCodeInterpreterToolSpec
from requests import HTTPError

PNG = b"\x89PNG\r\n\x1a\n"
PLOT = "import matplotlib.pyplot as p\np.plot([1, 2, 3])\np.show()"


def make(endpoint: str, token: str, **options: object) -> AzureCodeInterpreterToolSpec:
    tool = AzureCodeInterpreterToolSpec(pool_management_endpoint=endpoint, **options)
    # It takes no credential, but this attribute is public.
    tool.access_token_provider = lambda: token
    return tool


@pytest.fixture
def tool(endpoint: str, token: str) -> AzureCodeInterpreterToolSpec:
    return make(endpoint, token)


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("6 * 7", 42),
        ("1.5", 1.5),
        ("True", True),
        ("'text'", "text"),
        ("[1, 'a']", "[1, 'a']"),
        ("x = 1", ""),
    ],
)
def test_a_value_arrives_as_json(
    tool: AzureCodeInterpreterToolSpec, code: str, value: object
) -> None:
    properties = tool.code_interpreter(code)["properties"]
    assert (properties["status"], properties["result"]) == ("Success", value)
    assert type(properties["result"]) is type(value)


def test_state_and_output_are_kept(tool: AzureCodeInterpreterToolSpec) -> None:
    tool.code_interpreter("x = 20")
    properties = tool.code_interpreter("import sys\nprint(x)\nprint('e', file=sys.stderr)")
    assert (properties["properties"]["stdout"], properties["properties"]["stderr"]) == (
        "20\n",
        "e\n",
    )


def test_an_error_is_a_failure_with_the_traceback(tool: AzureCodeInterpreterToolSpec) -> None:
    properties = tool.code_interpreter("def f():\n    return 1 / 0\nf()")["properties"]
    assert properties["status"] == "Failure"
    assert "return 1 / 0" in properties["stderr"]
    assert properties["stderr"].endswith("ZeroDivisionError: division by zero")


def test_an_image_is_saved_where_the_tool_has_a_folder(
    endpoint: str, token: str, tmp_path: Path
) -> None:
    tool = make(endpoint, token, local_save_path=str(tmp_path))
    result = tool.code_interpreter(PLOT)["properties"]["result"]
    assert result == {"type": "image", "format": "png", "saved_to_local_path": True}
    (saved,) = tmp_path.glob(f"{tool.session_id}_*.png")
    assert saved.read_bytes().startswith(PNG)


def test_an_image_is_blanked_where_it_has_none(tool: AzureCodeInterpreterToolSpec) -> None:
    # The client's own: there is no other way to the bytes.
    result = tool.code_interpreter(PLOT)["properties"]["result"]
    assert result == {"type": "image", "format": "png", "base64_data": ""}


def test_code_in_fences_runs(tool: AzureCodeInterpreterToolSpec) -> None:
    assert tool.code_interpreter("```python\n6 * 7\n```")["properties"]["result"] == 42


def test_files_go_in_are_listed_and_come_out(
    tool: AzureCodeInterpreterToolSpec, tmp_path: Path
) -> None:
    local = tmp_path / "a b é.bin"
    local.write_bytes(bytes(range(256)))
    (uploaded,) = tool.upload_file(local_file_path=str(local))
    assert (uploaded.filename, uploaded.size_in_bytes) == ("a b é.bin", 256)
    assert uploaded.file_full_path == "/mnt/data/a b é.bin"
    tool.code_interpreter("open('/mnt/data/out.txt', 'w').write('from the session')")
    assert sorted(each.filename for each in tool.list_files()) == ["a b é.bin", "out.txt"]
    assert tool.download_file_to_local("/mnt/data/out.txt").read() == b"from the session"
    copy = tmp_path / "copy.bin"
    assert tool.download_file_to_local("a b é.bin", str(copy)) is None
    assert copy.read_bytes() == local.read_bytes()


def test_an_upload_of_data_fails_in_the_client(tool: AzureCodeInterpreterToolSpec) -> None:
    # It never names what has no path.
    with pytest.raises(UnboundLocalError):
        tool.upload_file(data=io.BytesIO(b"data"))


def test_a_hash_in_a_name_cuts_the_clients_download_short(
    tool: AzureCodeInterpreterToolSpec, tmp_path: Path
) -> None:
    # It does not percent-encode names, so what follows is never sent: no identifier, no version.
    Path(tmp_path, "a#b.txt").write_text("a")
    assert tool.upload_file(local_file_path=str(tmp_path / "a#b.txt"))[0].filename == "a#b.txt"
    with pytest.raises(HTTPError) as raised:
        tool.download_file_to_local("a#b.txt")
    assert raised.value.response.status_code == 400


def test_a_missing_file_is_an_http_error(tool: AzureCodeInterpreterToolSpec) -> None:
    with pytest.raises(HTTPError) as raised:
        tool.download_file_to_local("absent.txt")
    assert raised.value.response.status_code == 404


def test_a_wrong_token_is_an_http_error(endpoint: str) -> None:
    with pytest.raises(HTTPError) as raised:
        make(endpoint, "wrong").code_interpreter("1")
    assert raised.value.response.status_code == 401


def test_sessions_are_shared_by_id_alone(endpoint: str, token: str, identifier: str) -> None:
    make(endpoint, token, session_id=identifier).code_interpreter("x = 1")
    same = make(endpoint, token, session_id=identifier)
    assert same.code_interpreter("x")["properties"]["result"] == 1
    assert make(endpoint, token).code_interpreter("x")["properties"]["status"] == "Failure"


def test_the_endpoint_can_come_from_the_environment(
    endpoint: str, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_POOL_MANAGEMENT_ENDPOINT", endpoint)
    tool = AzureCodeInterpreterToolSpec()
    tool.access_token_provider = lambda: token
    assert tool.code_interpreter("6 * 7")["properties"]["result"] == 42


def test_its_tools_run(tool: AzureCodeInterpreterToolSpec) -> None:
    run, list_files = tool.to_tool_list()
    output = run.call(python_code="print('hello')\n6 * 7")
    assert output.raw_output["properties"]["result"] == 42
    assert "'stdout': 'hello\\n'" in output.content
    assert list_files.call().raw_output == []


def test_output_beyond_the_services_default_is_cut(tool: AzureCodeInterpreterToolSpec) -> None:
    properties = tool.code_interpreter("print('x' * 10_000)")["properties"]
    assert len(properties["stdout"]) == 4096


def test_an_image_of_the_code_comes_out_as_a_file(tool: AzureCodeInterpreterToolSpec) -> None:
    tool.code_interpreter(
        "import matplotlib.pyplot as p\np.plot([1, 2])\np.savefig('/mnt/data/plot.png')\np.close()"
    )
    content = tool.download_file_to_local("plot.png").read()
    assert content.startswith(PNG)
    assert base64.b64encode(content).startswith(b"iVBORw0KGgo")
