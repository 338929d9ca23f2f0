"""semantic-kernel's `SessionsPythonTool`, over TLS: it takes no other endpoint."""

from pathlib import Path

import httpx
import pytest
from azure.core.credentials import AccessToken
from semantic_kernel import Kernel
from semantic_kernel.core_plugins.sessions_python_tool import (
    SessionsPythonSettings,
    SessionsPythonTool,
)
from semantic_kernel.exceptions import FunctionExecutionException, FunctionInitializationError

pytestmark = pytest.mark.anyio


def make(endpoint: str, token: str, folder: Path, **settings: object) -> SessionsPythonTool:
    return SessionsPythonTool(
        auth_callback=lambda: token,
        pool_management_endpoint=endpoint,
        settings=SessionsPythonSettings(**settings),
        enable_dangerous_file_uploads=True,
        allowed_upload_directories=[str(folder)],
        allowed_download_directories=[str(folder)],
    )


@pytest.fixture
def tool(endpoint: str, token: str, tmp_path: Path) -> SessionsPythonTool:
    return make(endpoint, token, tmp_path)


async def test_code_runs_and_keeps_its_state(tool: SessionsPythonTool) -> None:
    await tool.execute_code("x = 20")
    text = await tool.execute_code("print('out')\nx + 1")
    assert text == "Status:\nSuccess\nResult:\n21\nStdout:\nout\n\nStderr:\n"


async def test_an_error_is_a_failure_with_the_traceback(tool: SessionsPythonTool) -> None:
    text = await tool.execute_code("1 / 0")
    assert text.startswith("Status:\nFailure\nResult:\n\nStdout:\n\nStderr:\n")
    assert text.endswith("ZeroDivisionError: division by zero")


async def test_an_image_arrives_as_the_text_of_its_object(tool: SessionsPythonTool) -> None:
    # The client's own: the base64 goes to the model.
    text = await tool.execute_code("import matplotlib.pyplot as p\np.plot([1, 2])\np.show()")
    assert "Result:\n{'type': 'image', 'format': 'png', 'base64_data': 'iVBORw0KGgo" in text


async def test_code_in_fences_runs(tool: SessionsPythonTool) -> None:
    assert "Result:\n42\n" in await tool.execute_code("```python\n6 * 7\n```")


async def test_no_code_is_refused_by_the_client(tool: SessionsPythonTool) -> None:
    with pytest.raises(FunctionExecutionException):
        await tool.execute_code("")


async def test_the_time_limit_that_it_sends_is_kept(
    endpoint: str, token: str, tmp_path: Path
) -> None:
    tool = make(endpoint, token, tmp_path, timeout_in_sec=1)
    await tool.execute_code("kept = 1")
    text = await tool.execute_code("import time; time.sleep(100)")
    assert text.startswith("Status:\nFailure\n")
    assert text.endswith("Request timed out waiting for code execution to complete")
    assert "Result:\n1\n" in await tool.execute_code("kept")


async def test_an_answer_after_five_seconds_is_too_late_for_the_client(
    endpoint: str, token: str, tool: SessionsPythonTool
) -> None:
    # Although it asks the service for a limit of a hundred; and the error is httpx's own.
    slow = "import time\ntime.sleep(7)"
    with pytest.raises(httpx.ReadTimeout):
        await tool.execute_code(slow)
    async with httpx.AsyncClient(timeout=30) as client:
        patient = SessionsPythonTool(
            auth_callback=lambda: token, pool_management_endpoint=endpoint, http_client=client
        )
        assert (await patient.execute_code(slow)).startswith("Status:\nSuccess\n")


async def test_an_upload_before_any_run_is_labelled_as_what_it_is(
    tool: SessionsPythonTool, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("before")
    uploaded = await tool.upload_file(local_file_path=str(tmp_path / "a.txt"))
    assert (uploaded.filename, uploaded.size_in_bytes) == ("a.txt", 6)


async def test_an_upload_after_a_run_is_labelled_as_json_and_arrives(
    tool: SessionsPythonTool, tmp_path: Path
) -> None:
    await tool.execute_code("1")
    # The client leaves the label of its last request on all that follow, without a boundary.
    assert tool.http_client.headers["content-type"] == "application/json"
    content = bytes(range(256)) * 1000
    (tmp_path / "a b é.bin").write_bytes(content)
    uploaded = await tool.upload_file(local_file_path=str(tmp_path / "a b é.bin"))
    assert (uploaded.filename, uploaded.size_in_bytes) == ("a b é.bin", len(content))
    assert uploaded.full_path == "/mnt/data/a b é.bin"
    renamed = await tool.upload_file(
        local_file_path=str(tmp_path / "a b é.bin"), remote_file_path="renamed.bin"
    )
    assert renamed.full_path == "/mnt/data/renamed.bin"
    assert "Result:\n256000\n" in await tool.execute_code(
        "len(open('/mnt/data/renamed.bin', 'rb').read())"
    )


async def test_files_are_listed_and_come_out(tool: SessionsPythonTool, tmp_path: Path) -> None:
    assert await tool.list_files() == []
    await tool.execute_code("open('/mnt/data/a b.txt', 'w').write('from the session')")
    (listed,) = await tool.list_files()
    assert (listed.filename, listed.size_in_bytes) == ("a b.txt", 16)
    assert (await tool.download_file(remote_file_name="a b.txt")).read() == b"from the session"
    copy = tmp_path / "copy.txt"
    assert await tool.download_file(remote_file_name="a b.txt", local_file_path=str(copy)) is None
    assert copy.read_bytes() == b"from the session"


async def test_a_missing_file_is_its_error_with_the_status(tool: SessionsPythonTool) -> None:
    with pytest.raises(FunctionExecutionException, match="404"):
        await tool.download_file(remote_file_name="absent.txt")


async def test_an_upload_to_a_folder_is_not_found_again_by_the_client(
    tool: SessionsPythonTool, tmp_path: Path
) -> None:
    # It sends the folder as part of the file's name, of which the pool keeps the last part, and
    # then looks for the whole.
    (tmp_path / "a.txt").write_text("a")
    with pytest.raises(RuntimeError, match="StopIteration"):
        await tool.upload_file(
            local_file_path=str(tmp_path / "a.txt"), remote_file_path="folder/a.txt"
        )
    assert [each.filename for each in await tool.list_files()] == ["a.txt"]


async def test_a_wrong_token_is_its_error_with_the_status(endpoint: str, tmp_path: Path) -> None:
    with pytest.raises(FunctionExecutionException, match="401"):
        await make(endpoint, "wrong", tmp_path).execute_code("1")


async def test_it_takes_a_credential(endpoint: str, token: str) -> None:
    class Credential:
        def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
            return AccessToken(token, 2**31)

    tool = SessionsPythonTool(pool_management_endpoint=endpoint, credential=Credential())
    assert "Result:\n42\n" in await tool.execute_code("6 * 7")


async def test_an_asynchronous_callback_yields_the_token(endpoint: str, token: str) -> None:
    async def callback() -> str:
        return token

    tool = SessionsPythonTool(auth_callback=callback, pool_management_endpoint=endpoint)
    assert "Result:\n42\n" in await tool.execute_code("6 * 7")


async def test_an_endpoint_of_former_times_is_understood(
    endpoint: str, token: str, tmp_path: Path
) -> None:
    tool = make(f"{endpoint}python/execute", token, tmp_path)
    assert "Result:\n42\n" in await tool.execute_code("6 * 7")


async def test_an_endpoint_without_tls_is_refused_by_the_client(
    endpoint: str, token: str, tmp_path: Path
) -> None:
    with pytest.raises(FunctionInitializationError):
        make(endpoint.replace("https:", "http:"), token, tmp_path)


async def test_a_kernel_calls_its_functions(tool: SessionsPythonTool) -> None:
    kernel = Kernel()
    plugin = kernel.add_plugin(tool, "sessions")
    assert set(plugin.functions) == {"execute_code", "list_files", "upload_file"}
    result = await kernel.invoke(plugin["execute_code"], code="6 * 7")
    assert "Result:\n42\n" in str(result)
    assert (await kernel.invoke(plugin["list_files"])).value == []
