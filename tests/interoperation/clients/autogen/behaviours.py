"""autogen-ext's own `ACADynamicSessionsCodeExecutor`, and its tool around it."""

import ast
import asyncio
import importlib.metadata
from pathlib import Path

import pytest
from autogen_agentchat.agents import CodeExecutorAgent
from autogen_agentchat.messages import TextMessage
from autogen_core import CancellationToken
from autogen_core.code_executor import (
    CodeBlock,
    CodeResult,
    FunctionWithRequirementsStr,
    with_requirements,
)
from autogen_ext.code_executors.azure import ACADynamicSessionsCodeExecutor
from autogen_ext.tools.code_execution import PythonCodeExecutionTool
from azure.core.credentials import AccessToken

pytestmark = pytest.mark.anyio


class Credential:
    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
        return AccessToken(self._token, 2**31)


@with_requirements(python_packages=["pandas"], global_imports=["pandas"])
def total(numbers: list) -> float:
    """Return the sum."""
    return float(pandas.Series(numbers).sum())  # noqa: F821 - imported where it runs


def double(number: float) -> float:
    """Return twice a number."""
    return 2 * number


@pytest.fixture
def credential(token: str) -> Credential:
    return Credential(token)


@pytest.fixture
def executor(
    endpoint: str, credential: Credential, tmp_path: Path
) -> ACADynamicSessionsCodeExecutor:
    return ACADynamicSessionsCodeExecutor(endpoint, credential, work_dir=tmp_path)


async def run(executor: ACADynamicSessionsCodeExecutor, *blocks: str) -> CodeResult:
    return await executor.execute_code_blocks(
        [CodeBlock(code, "python") for code in blocks], CancellationToken()
    )


def test_its_extra_forgets_aiohttp() -> None:
    required = importlib.metadata.requires("autogen-ext")
    extra = [line for line in required if line.endswith("extra == 'azure'")]
    assert any(line.startswith("azure-core") for line in extra)
    assert not any(line.startswith("aiohttp") for line in extra)


async def test_blocks_run_in_order_and_share_their_state(
    executor: ACADynamicSessionsCodeExecutor,
) -> None:
    result = await run(executor, "name = 'John'", "print(name)", "name * 2")
    assert (result.exit_code, result.output) == (0, "John\nJohnJohn")
    assert (await run(executor, "name.upper()")).output == "JOHN"


async def test_each_executor_has_a_session_of_its_own(
    executor: ACADynamicSessionsCodeExecutor, endpoint: str, credential: Credential
) -> None:
    await run(executor, "mine = 1")
    result = await run(ACADynamicSessionsCodeExecutor(endpoint, credential), "mine")
    assert result.exit_code == 1
    assert "NameError: name 'mine' is not defined" in result.output


async def test_executors_with_one_session_id_share_their_session(
    endpoint: str, credential: Credential, identifier: str
) -> None:
    first, second = (
        ACADynamicSessionsCodeExecutor(endpoint, credential, session_id=identifier)
        for _ in range(2)
    )
    await run(first, "shared = 'yes'")
    assert (await run(second, "shared")).output == "yes"


async def test_an_error_is_a_result_with_the_traceback(
    executor: ACADynamicSessionsCodeExecutor,
) -> None:
    result = await run(executor, "def f():\n    return {}['absent']", "f()")
    assert result.exit_code == 1
    assert "return {}['absent']" in result.output
    assert result.output.endswith("KeyError: 'absent'")


async def test_later_blocks_run_after_one_that_failed(
    executor: ACADynamicSessionsCodeExecutor,
) -> None:
    # The client's own way: its siblings for containers stop at the first failure.
    result = await run(executor, "1 / 0", "print('went on')")
    assert result.exit_code == 1
    assert result.output.endswith("went on\n")


async def test_stderr_comes_before_stdout_and_the_value_last(
    executor: ACADynamicSessionsCodeExecutor,
) -> None:
    # The client's own order; it puts nothing between the three.
    result = await run(executor, "import sys\nprint('out')\nprint('err', file=sys.stderr)\n6 * 7")
    assert result.output == "err\nout\n42"


async def test_the_value_can_be_left_out(endpoint: str, credential: Credential) -> None:
    executor = ACADynamicSessionsCodeExecutor(endpoint, credential, suppress_result_output=True)
    assert (await run(executor, "print('out')\n6 * 7")).output == "out\n"


async def test_an_image_arrives_as_the_text_of_its_object(
    executor: ACADynamicSessionsCodeExecutor,
) -> None:
    # The client's own way: it prints whatever the result is.
    result = await run(executor, "import matplotlib.pyplot as p\np.plot([1, 2, 3])\np.show()")
    image = ast.literal_eval(result.output)
    assert (result.exit_code, image["type"], image["format"]) == (0, "image", "png")
    assert image["base64_data"].startswith("iVBORw0KGgo")


async def test_another_language_is_refused_by_the_client(
    executor: ACADynamicSessionsCodeExecutor,
) -> None:
    result = await executor.execute_code_blocks([CodeBlock("ls", "sh")], CancellationToken())
    assert (result.exit_code, result.output) == (1, "\nunknown language sh")


async def test_functions_are_set_up_with_what_they_require(
    endpoint: str, credential: Credential
) -> None:
    greet = FunctionWithRequirementsStr(
        "def greet(name: str) -> str:\n    return 'hello ' + name\n", [], []
    )
    executor = ACADynamicSessionsCodeExecutor(
        endpoint, credential, functions=[total, double, greet]
    )
    result = await run(executor, "print(double(total([1, 2, 3])))", "greet('you')")
    assert (result.exit_code, result.output) == (0, "12.0\nhello you")
    assert "def total" in executor.format_functions_for_prompt()


async def test_a_nested_function_with_an_import_does_not_load(
    endpoint: str, credential: Credential
) -> None:
    # The client sends the import, and then the function with the indentation that it has here.
    @with_requirements(global_imports=["math"])
    def nested() -> int:
        return 1

    executor = ACADynamicSessionsCodeExecutor(endpoint, credential, functions=[nested])
    with pytest.raises(ValueError, match="IndentationError"):
        await run(executor, "nested()")


async def test_a_function_whose_package_is_missing_is_refused(
    endpoint: str, credential: Credential
) -> None:
    @with_requirements(python_packages=["nosuchpackage"])
    def f() -> None:
        return None

    executor = ACADynamicSessionsCodeExecutor(endpoint, credential, functions=[f])
    with pytest.raises(ValueError, match="nosuchpackage"):
        await run(executor, "f()")


async def test_a_function_that_does_not_load_is_told_of(
    endpoint: str, credential: Credential
) -> None:
    broken = FunctionWithRequirementsStr("def f():\n    return 1\n", [], ["nosuchmodule"])
    executor = ACADynamicSessionsCodeExecutor(endpoint, credential, functions=[broken])
    with pytest.raises(ValueError, match="nosuchmodule"):
        await run(executor, "f()")


async def test_the_packages_of_the_session_can_be_listed(
    executor: ACADynamicSessionsCodeExecutor,
) -> None:
    # Asked for first, the client sends nothing: it has not fetched its token yet.
    with pytest.raises(AssertionError):
        await executor.get_available_packages(CancellationToken())
    await run(executor, "1")
    packages = await executor.get_available_packages(CancellationToken())
    assert {"ipython", "numpy", "pandas"} <= packages
    assert all(name and name == name.strip(" '[]") for name in packages)


async def test_a_package_that_code_installs_is_refused_where_it_is_missing(
    executor: ACADynamicSessionsCodeExecutor,
) -> None:
    result = await run(executor, "!pip install nosuchpackage\n1")
    assert result.exit_code == 1
    assert "unavailable in environment: {'nosuchpackage'}" in result.output


async def test_files_go_in_are_listed_and_come_out(
    executor: ACADynamicSessionsCodeExecutor, tmp_path: Path
) -> None:
    numbers = bytes(range(256)) * 1000
    (tmp_path / "numbers.bin").write_bytes(numbers)
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    await executor.upload_files(["numbers.bin", Path("table.csv")], CancellationToken())
    listed = await executor.get_file_list(CancellationToken())
    assert sorted(listed) == ["numbers.bin", "table.csv"]
    result = await run(
        executor,
        "data = open('numbers.bin', 'rb').read()\nlen(data)",
        "open('result.bin', 'wb').write(data[::-1])",
    )
    assert result.output == "256000256000"
    paths = await executor.download_files(["result.bin"], CancellationToken())
    assert [Path(path).read_bytes() for path in paths] == [numbers[::-1]]


async def test_files_that_do_not_exist_are_told_of(
    executor: ACADynamicSessionsCodeExecutor,
) -> None:
    with pytest.raises(FileNotFoundError):
        await executor.upload_files(["absent.txt"], CancellationToken())
    with pytest.raises(FileNotFoundError):
        await executor.download_files(["absent.txt"], CancellationToken())


async def test_a_path_can_be_listed_but_not_downloaded(
    executor: ACADynamicSessionsCodeExecutor, tmp_path: Path
) -> None:
    # The client compares the path with the names it was given: they are never equal.
    (tmp_path / "a.txt").write_text("a")
    await executor.upload_files(["a.txt"], CancellationToken())
    with pytest.raises(FileNotFoundError):
        await executor.download_files([Path("a.txt")], CancellationToken())


async def test_a_name_with_blanks_is_stored_as_the_client_spells_it(
    executor: ACADynamicSessionsCodeExecutor, tmp_path: Path
) -> None:
    # aiohttp percent-encodes the names of parts, so that is the file's name; the client then
    # puts it into a URL as it stands, where it means another one.
    (tmp_path / "my file.txt").write_text("a")
    await executor.upload_files(["my file.txt"], CancellationToken())
    assert await executor.get_file_list(CancellationToken()) == ["my%20file.txt"]
    with pytest.raises(ConnectionError):
        await executor.download_files(["my%20file.txt"], CancellationToken())


async def test_a_restart_is_a_new_session(
    executor: ACADynamicSessionsCodeExecutor, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("a")
    await executor.upload_files(["a.txt"], CancellationToken())
    await run(executor, "x = 1")
    await executor.restart()
    assert "NameError" in (await run(executor, "x")).output
    assert await executor.get_file_list(CancellationToken()) == []


async def test_it_starts_and_stops(endpoint: str, credential: Credential) -> None:
    executor = ACADynamicSessionsCodeExecutor(endpoint, credential)
    await executor.start()
    assert (await run(executor, "1 + 1")).output == "2"
    await executor.stop()


async def test_code_that_outlasts_the_time_limit_is_given_up_and_stopped(
    endpoint: str, credential: Credential, identifier: str
) -> None:
    patient = ACADynamicSessionsCodeExecutor(endpoint, credential, session_id=identifier)
    hasty = ACADynamicSessionsCodeExecutor(endpoint, credential, timeout=1, session_id=identifier)
    await run(patient, "kept = 1")
    with pytest.raises(asyncio.TimeoutError):
        await run(hasty, "import time; time.sleep(100)")
    # The client abandons its request; the pool then stops the code, and the state is kept.
    assert (await run(patient, "kept")).output == "1"


async def test_a_cancelled_run_is_given_up_and_stopped(
    executor: ACADynamicSessionsCodeExecutor,
) -> None:
    await run(executor, "kept = 1")
    cancellation = CancellationToken()
    running = asyncio.create_task(
        executor.execute_code_blocks(
            [CodeBlock("import time; time.sleep(100)", "python")], cancellation
        )
    )
    asyncio.get_running_loop().call_later(0.5, cancellation.cancel)
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (await run(executor, "kept")).output == "1"


async def test_a_wrong_token_is_an_error(endpoint: str) -> None:
    executor = ACADynamicSessionsCodeExecutor(endpoint, Credential("wrong"))
    with pytest.raises(ConnectionError):
        await run(executor, "1")


async def test_the_tool_around_it_runs_code(executor: ACADynamicSessionsCodeExecutor) -> None:
    tool = PythonCodeExecutionTool(executor)
    result = await tool.run_json({"code": "print(sum(range(10)))"}, CancellationToken())
    assert (result.success, result.output) == (True, "45\n")


async def test_an_agent_runs_the_code_of_a_message(
    executor: ACADynamicSessionsCodeExecutor,
) -> None:
    agent = CodeExecutorAgent("runner", executor)
    task = TextMessage(content="Run this:\n```python\nprint(6 * 7)\n```", source="user")
    response = await agent.on_messages([task], CancellationToken())
    assert response.chat_message.content.strip() == "42"
