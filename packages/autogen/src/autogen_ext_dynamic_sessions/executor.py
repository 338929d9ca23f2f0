"""AutoGen's code executor, on a session of a session pool."""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from string import Template
from typing import ClassVar, Self

from autogen_core import CancellationToken, Component
from autogen_core.code_executor import CodeBlock, CodeExecutor

from autogen_ext_dynamic_sessions.cancellation import CancellableCalls
from autogen_ext_dynamic_sessions.config import (
    ACADynamicSessionsCodeExecutorConfig,
    FunctionConfig,
)
from autogen_ext_dynamic_sessions.credentials import (
    ExecutorCredential,
    dumped_credential,
    loaded_credential,
)
from autogen_ext_dynamic_sessions.errors import CodeExecutionTimeoutError, autogen_errors
from autogen_ext_dynamic_sessions.functions import AutoGenFunction, function_module
from autogen_ext_dynamic_sessions.live_session import LiveSession
from autogen_ext_dynamic_sessions.results import (
    TIME_LIMIT_EXIT_CODE,
    DynamicSessionsCodeResult,
    code_result,
)
from autogen_ext_dynamic_sessions.work_directory import WorkDirectory
from dynamic_sessions import (
    AsyncSession,
    AsyncSessionPool,
    Execution,
    NotFoundError,
    describe_functions,
)
from dynamic_sessions.pool import DEFAULT_API_VERSION
from dynamic_sessions.time_limits import MAX_EXECUTION_SECONDS

_PYTHON = frozenset({"python", "py", "python3"})


class ACADynamicSessionsCodeExecutor(CodeExecutor, Component[ACADynamicSessionsCodeExecutorConfig]):
    """Runs Python in a dynamic session: in Azure, or in a sandboxed pool on this machine.

    Blocks build on each other: variables, imports and files stay from one call to the next. The
    session is created by start(), or by the first call that needs it, and deleted by stop() unless
    session_id was given.

    Args:
        pool_management_endpoint: The pool management endpoint of a session pool in Azure, or
            "local" for a pool on this machine (needs the extra "local"). By default the
            environment variable DYNAMIC_SESSIONS_ENDPOINT.
        credential: A credential of azure-identity, synchronous or not, a function that returns
            access tokens, or a static token. By default DefaultAzureCredential; a local pool
            needs none.
        timeout: Seconds that one block may run, at least 1. The service ends every run after 220.
        work_dir: Directory on this machine for upload_files() and download_files(). By default a
            temporary one, which stop() removes.
        functions: Functions that the code can call: plain ones, AutoGen's with requirements, or
            source texts.
        functions_module: Name of the module from which the code can import them as well.
        suppress_result_output: Whether the value of a block's last expression is left out of the
            output.
        session_id: Name of the session, to reach the same one again. By default a random one.
        api_version: Version of the service's API.
        report_files: Whether results name the files that the code made. This lists the session's
            files before and after each call, at the cost of two requests.
        raise_on_timeout: Whether code that reaches its time limit raises, as AutoGen documents.
            Otherwise it is a result with exit code 124, which an agent can react to.
        install_missing: Whether packages that functions require and the session lacks are
            installed there, by pip, where the session pool has a network.
        session_pool: A session pool to share with other executors, in place of endpoint and
            credential. The caller closes it.

    Raises:
        ValueError: An argument is out of range, no pool was named, or a function cannot travel.
    """

    SUPPORTED_LANGUAGES: ClassVar[list[str]] = ["python"]
    FUNCTION_PROMPT_TEMPLATE: ClassVar[str] = (
        "You have access to the following user defined functions.\n\n$functions"
    )

    component_config_schema = ACADynamicSessionsCodeExecutorConfig
    component_provider_override = "autogen_ext_dynamic_sessions.ACADynamicSessionsCodeExecutor"

    def __init__(
        self,
        pool_management_endpoint: str | None = None,
        credential: ExecutorCredential | None = None,
        timeout: int = 60,
        work_dir: Path | str | None = None,
        functions: Sequence[AutoGenFunction] = (),
        functions_module: str = "functions",
        suppress_result_output: bool = False,
        session_id: str | None = None,
        *,
        api_version: str | None = None,
        report_files: bool = False,
        raise_on_timeout: bool = True,
        install_missing: bool = False,
        session_pool: AsyncSessionPool | None = None,
    ) -> None:
        if timeout < 1:
            raise ValueError("Timeout must be greater than or equal to 1.")
        if session_pool is not None and (pool_management_endpoint or credential or api_version):
            raise ValueError("A session pool has its own endpoint, credential and API version.")
        with autogen_errors():
            self._module = function_module(
                functions, name=functions_module, install_missing=install_missing
            )
        self._endpoint = pool_management_endpoint
        self._credential = credential
        self._timeout = timeout
        self._suppress_result_output = suppress_result_output
        self._api_version = api_version
        self._report_files = report_files
        self._raise_on_timeout = raise_on_timeout
        self._shared_pool = session_pool
        self._calls = CancellableCalls()
        self._work_directory = WorkDirectory(work_dir)
        self._work_directory.make()
        self._session = LiveSession(
            self._open_pool,
            functions=self._module,
            given_identifier=session_id or None,
            closes_pool=session_pool is None,
        )

    @property
    def functions(self) -> list[str]:
        """Names of the functions that the code can call."""
        return list(self._module.names)

    @property
    def functions_module(self) -> str:
        """Name of the module from which the code can import the functions."""
        return self._module.name

    @property
    def timeout(self) -> int:
        """Seconds that one block may run."""
        return self._timeout

    @property
    def work_dir(self) -> Path:
        """Directory on this machine that files are uploaded from and downloaded to."""
        return self._work_directory.make()

    @property
    def session_id(self) -> str:
        """Name of the session, for other programs that use the same session pool."""
        return self._session.identifier

    def format_functions_for_prompt(self, prompt_template: str = FUNCTION_PROMPT_TEMPLATE) -> str:
        """Describe the functions for a prompt, as stubs with a blank line between them.

        Args:
            prompt_template: Text in which $functions or {functions} stands for the stubs.
        """
        template = Template(prompt_template)
        if template.is_valid() and template.get_identifiers() == ["functions"]:
            return template.substitute(functions=describe_functions(self._module, "{functions}"))
        return describe_functions(self._module, prompt_template)

    async def execute_code_blocks(
        self, code_blocks: list[CodeBlock], cancellation_token: CancellationToken
    ) -> DynamicSessionsCodeResult:
        """Run blocks one after the other, up to the first that fails.

        Calls from several tasks take turns. When the token is cancelled the code is stopped,
        which takes the session with it: the next call begins with a new one.

        Args:
            code_blocks: The blocks; the language is python, py or python3 in any case.
            cancellation_token: Stops the code.

        Raises:
            CodeExecutionTimeoutError: The code reached its time limit. An asyncio.TimeoutError.
            asyncio.TimeoutError: The service did not answer in time.
            asyncio.CancelledError: The token was cancelled.
            InvalidFunctionError: The functions cannot be had in the session. A ValueError.
            SessionConnectionError: The service, or the way to it, failed. A ConnectionError.
        """
        return await self._calls.run(lambda: self._execute(code_blocks), cancellation_token)

    async def get_available_packages(self, cancellation_token: CancellationToken) -> set[str]:
        """Return the names of the distributions that the session has installed now.

        Raises:
            SessionConnectionError: The service, or the way to it, failed.
        """
        with autogen_errors():
            return set(await self._calls.run(self._session.use().list_packages, cancellation_token))

    async def get_file_list(self, cancellation_token: CancellationToken) -> list[str]:
        """Return the names of the files in the session's data directory.

        Raises:
            SessionConnectionError: The service, or the way to it, failed.
        """
        with autogen_errors():
            entries = await self._calls.run(self._session.use().files.list, cancellation_token)
        return [entry.name for entry in entries]

    async def upload_files(
        self, files: Sequence[Path | str], cancellation_token: CancellationToken
    ) -> None:
        """Copy files of the working directory into the session, under the same relative names.

        Args:
            files: Paths inside the working directory, relative to it or absolute.
            cancellation_token: Stops the transfer.

        Raises:
            ValueError: A path leads out of the working directory; then nothing is sent.
            FileNotFoundError: There is no such file; then nothing is sent.
            SessionConnectionError: The service, or the way to it, failed.
        """
        sources = await asyncio.to_thread(self._work_directory.confined, files)
        session = self._session.use()
        with autogen_errors():
            for name, source in sources.items():
                await self._calls.run(
                    partial(session.files.upload, source, name=name), cancellation_token
                )

    async def download_files(
        self, files: Sequence[Path | str], cancellation_token: CancellationToken
    ) -> list[str]:
        """Copy files of the session into the working directory, under the same relative names.

        Args:
            files: Names relative to the session's data directory.
            cancellation_token: Stops the transfer.

        Returns:
            The paths of the copies.

        Raises:
            ValueError: A name leads out of the working directory.
            FileNotFoundError: The session has no such file.
            SessionConnectionError: The service, or the way to it, failed.
        """
        session = self._session.use()
        copies: list[str] = []
        with autogen_errors():
            for file in files:
                name = file.as_posix() if isinstance(file, Path) else file
                download = partial(session.files.download, name, to=self.work_dir)
                try:
                    copies.append(str(await self._calls.run(download, cancellation_token)))
                except NotFoundError as error:
                    raise FileNotFoundError(f"The session has no file {name}.") from error
        return copies

    async def start(self) -> None:
        """Make the working directory, connect, and set the session up; also after stop().

        The first code then waits for nothing but its own run. Code may also come without start().

        Raises:
            InvalidFunctionError: The functions cannot be had in the session. A ValueError.
            asyncio.TimeoutError: The service did not answer in time.
            SessionConnectionError: The service, or the way to it, failed. A ConnectionError.
        """
        await asyncio.to_thread(self._work_directory.make)
        with autogen_errors():
            await self._session.begin()

    async def stop(self) -> None:
        """Delete the session, unless session_id named it, and the temporary working directory."""
        try:
            await self._session.close()
        finally:
            await asyncio.to_thread(self._work_directory.remove)

    async def restart(self) -> None:
        """Delete the session and go on with a new one, under another identifier.

        Raises:
            SessionConnectionError: The service, or the way to it, failed.
        """
        with autogen_errors():
            await self._session.restart()

    def _to_config(self) -> ACADynamicSessionsCodeExecutorConfig:
        if self._shared_pool is not None:
            raise ValueError("An executor on a shared session pool cannot be dumped.")
        given = self._work_directory.given
        return ACADynamicSessionsCodeExecutorConfig(
            pool_management_endpoint=self._endpoint,
            credential=dumped_credential(self._credential),
            timeout=self._timeout,
            work_dir=str(given) if given is not None else None,
            functions=[FunctionConfig.from_spec(spec) for spec in self._module.specs],
            functions_module=self._module.name,
            suppress_result_output=self._suppress_result_output,
            session_id=self._session.given_identifier,
            api_version=self._api_version,
            report_files=self._report_files,
            raise_on_timeout=self._raise_on_timeout,
            install_missing=self._module.install_missing,
        )

    @classmethod
    def _from_config(cls, config: ACADynamicSessionsCodeExecutorConfig) -> Self:
        return cls(
            pool_management_endpoint=config.pool_management_endpoint,
            credential=loaded_credential(config.credential),
            timeout=config.timeout,
            work_dir=config.work_dir,
            functions=[function.to_spec() for function in config.functions],
            functions_module=config.functions_module,
            suppress_result_output=config.suppress_result_output,
            session_id=config.session_id,
            api_version=config.api_version,
            report_files=config.report_files,
            raise_on_timeout=config.raise_on_timeout,
            install_missing=config.install_missing,
        )

    async def _execute(self, blocks: Sequence[CodeBlock]) -> DynamicSessionsCodeResult:
        with autogen_errors():
            async with self._session.turn:
                result = await self._run(self._session.use(), blocks)
        if result.exit_code == TIME_LIMIT_EXIT_CODE and self._raise_on_timeout:
            raise CodeExecutionTimeoutError(result)
        return result

    async def _run(
        self, session: AsyncSession, blocks: Sequence[CodeBlock]
    ) -> DynamicSessionsCodeResult:
        before = await self._file_versions(session)
        executions: list[Execution] = []
        refusal = ""
        for block in blocks:
            language = block.language.strip().lower()
            if language not in _PYTHON:
                refusal = f"unknown language {language}"
                break
            execution = await session.execute(block.code, timeout=self._time_limit())
            executions.append(execution)
            if not execution.ok:
                break
        after = await self._file_versions(session)
        return code_result(
            executions,
            files=[name for name, version in after.items() if before.get(name) != version],
            include_results=not self._suppress_result_output,
            refusal=refusal,
        )

    async def _file_versions(self, session: AsyncSession) -> dict[str, object]:
        if not self._report_files:
            return {}
        entries = await session.files.list()
        return {
            entry.name: (entry.size, entry.modified_at) for entry in entries if entry.type == "file"
        }

    def _time_limit(self) -> float:
        return min(float(self._timeout), MAX_EXECUTION_SECONDS)

    def _open_pool(self) -> AsyncSessionPool:
        return self._shared_pool or AsyncSessionPool(
            self._endpoint,
            self._credential,
            timeout=self._time_limit(),
            api_version=self._api_version or DEFAULT_API_VERSION,
        )
