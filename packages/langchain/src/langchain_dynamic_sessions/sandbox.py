"""A sandbox for deep agents, on a session."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeAlias, Unpack

from deepagents.backends.composite import CompositeBackend
from deepagents.backends.protocol import (
    ExecuteOffloadResult,
    ExecuteResponse,
    FileDownloadResponse,
    FileUploadResponse,
)
from deepagents.backends.sandbox import BaseSandbox

from dynamic_sessions import (
    Credential,
    Execution,
    ExecutionStatus,
    InvalidRequestError,
    ServiceError,
)
from dynamic_sessions.commands import command_code, command_execution
from dynamic_sessions.files import DATA_DIRECTORY
from dynamic_sessions.models import Command
from dynamic_sessions.pool import DEFAULT_OUTPUT_LIMIT
from dynamic_sessions.prompts import join_lines
from dynamic_sessions.time_limits import MAX_EXECUTION_SECONDS
from langchain_dynamic_sessions.conversations import (
    ConversationSessions,
    OnSessions,
    SessionSettings,
    conversation_sessions,
)
from langchain_dynamic_sessions.sandbox_files import DownloadBatch, UploadBatch

logger = logging.getLogger("langchain_dynamic_sessions")

PoolKind: TypeAlias = Literal["shell", "python"]

# The command's own time limit must pass before the kernel's does, which costs the kernel's state.
_KERNEL_GRACE_SECONDS = 5.0

_ARTIFACTS = f"{DATA_DIRECTORY}/.deepagents"
_WRITABLE = (f"{DATA_DIRECTORY}/", "/tmp/")  # noqa: S108 - the session's, not this machine's

# One stream, so that errors stand where they came up in the output.
_ONE_STREAM = "exec 2>&1\n"

# Linux has programs started with arguments of less than 128 KiB each.
_LONGEST_ARGUMENT_BYTES = 100_000
_RUN_STDIN = 'eval "$(cat)"'

_ENDINGS = {
    ExecutionStatus.TIMED_OUT: "[the command was stopped at its time limit]",
    ExecutionStatus.ABORTED: "[the command was aborted: the process that ran it died]",
}

# As Bash has it for what it cannot run.
_NOT_A_COMMAND = 126

# A ValueError: the API version has no commands at all.
_NO_SHELL_POOL = (InvalidRequestError, ValueError)


class DynamicSessionsSandbox(OnSessions, BaseSandbox):
    """A deepagents backend on sessions of a Shell pool or of a Python pool.

    Each command is a process of its own that starts in /mnt/data; files stay from one to the next.
    A service that fails raises a ServiceError of dynamic_sessions, but for uploads and downloads,
    where it is the file's error, as deepagents has it.

    Args:
        endpoint: The pool management endpoint of a session pool in Azure, or "local" for a pool on
            this machine (needs the extra "local"). By default the environment variable
            DYNAMIC_SESSIONS_ENDPOINT.
        credential: See ConversationSessions.
        kind: What the session pool runs: "shell" or "python". By default a first command finds it
            out: a Python pool refuses it, without running anything.
        sessions: Sessions that exist already, to share them with tools.
        settings: See ConversationSessions. With session_key="thread_id" every thread of a graph
            has a sandbox of its own. on_cancel is "leave" unless it is given: deepagents gives up
            searches that take long, which must not cost an agent its files.

    Raises:
        ValueError: An argument is out of range or excludes another, or no pool was named.
    """

    # The images of Azure's pools and the local one have a POSIX shell and coreutils.
    enable_capture_offload = True

    def __init__(
        self,
        endpoint: str | None = None,
        credential: Credential | None = None,
        *,
        kind: PoolKind | None = None,
        sessions: ConversationSessions | None = None,
        **settings: Unpack[SessionSettings],
    ) -> None:
        if sessions is None:
            settings.setdefault("on_cancel", "leave")
        self._sessions = conversation_sessions(sessions, endpoint, credential, settings)
        self._kind = kind

    def __repr__(self) -> str:
        return f"{type(self).__name__}(endpoint={self._sessions.endpoint!r})"

    @property
    def id(self) -> str:
        """Name of the session; inside a graph with session_key, of the running thread's."""
        return self._sessions.identifier()

    def as_backend(self) -> CompositeBackend:
        """Return this sandbox as create_deep_agent() should have it.

        What an agent sets aside, such as long results, goes to a hidden directory of /mnt/data.
        The sandbox alone would be asked to keep it in the root directory, where a session may not
        write, so that all of it would stay in the model's context.
        """
        return CompositeBackend(default=self, routes={}, artifacts_root=_ARTIFACTS)

    def execute(self, command: str, *, timeout: int | None = None) -> ExecuteResponse:
        """Run a Bash command.

        Args:
            command: A line or a script.
            timeout: Seconds that it may run, at most the service's 220; 0 asks for these. By
                default the sessions' time limit.

        Raises:
            ServiceError: The service, or the way to it, failed.
        """
        if fault := _fault(command):
            return ExecuteResponse(output=fault, exit_code=_NOT_A_COMMAND)
        return _response(self._run(command, timeout))

    async def aexecute(self, command: str, *, timeout: int | None = None) -> ExecuteResponse:
        """Run a Bash command; see execute()."""
        if fault := _fault(command):
            return ExecuteResponse(output=fault, exit_code=_NOT_A_COMMAND)
        return _response(await self._arun(command, timeout))

    def execute_with_offload(
        self,
        command: str,
        capture_path: str,
        *,
        max_inline_bytes: int,
        max_capture_bytes: int | None = None,
        timeout: int | None = None,
    ) -> ExecuteOffloadResult:
        """Run a Bash command and keep long output in a file, where the session may write one."""
        if not capture_path.startswith(_WRITABLE):
            response = self.execute(command, timeout=timeout)
            return ExecuteOffloadResult(offloaded=False, response=response)
        return super().execute_with_offload(
            command,
            capture_path,
            max_inline_bytes=max_inline_bytes,
            max_capture_bytes=max_capture_bytes,
            timeout=timeout,
        )

    async def aexecute_with_offload(
        self,
        command: str,
        capture_path: str,
        *,
        max_inline_bytes: int,
        max_capture_bytes: int | None = None,
        timeout: int | None = None,
    ) -> ExecuteOffloadResult:
        """Run a Bash command and keep long output in a file; see execute_with_offload()."""
        if not capture_path.startswith(_WRITABLE):
            response = await self.aexecute(command, timeout=timeout)
            return ExecuteOffloadResult(offloaded=False, response=response)
        return await super().aexecute_with_offload(
            command,
            capture_path,
            max_inline_bytes=max_inline_bytes,
            max_capture_bytes=max_capture_bytes,
            timeout=timeout,
        )

    def upload_files(self, files: list[tuple[str, bytes]]) -> list[FileUploadResponse]:
        """Put files into the sandbox, at absolute paths; missing directories are made.

        What is wrong with a file is told in its response: nothing is raised.
        """
        batch = UploadBatch([path for path, _ in files])
        contents = dict(zip(batch.files, (content for _, content in files), strict=True))
        session = self._sessions.session()
        for file in batch.pending:
            with batch.noting(file):
                session.files.upload(contents[file], name=file.staged)
        if batch.pending:
            with batch.noting(*batch.pending):
                batch.read(self._run(batch.command).stdout)
        return batch.responses()

    async def aupload_files(self, files: list[tuple[str, bytes]]) -> list[FileUploadResponse]:
        """Put files into the sandbox; see upload_files()."""
        batch = UploadBatch([path for path, _ in files])
        contents = dict(zip(batch.files, (content for _, content in files), strict=True))
        session = self._sessions.async_session()
        for file in batch.pending:
            with batch.noting(file):
                await session.files.upload(contents[file], name=file.staged)
        if batch.pending:
            with batch.noting(*batch.pending):
                batch.read((await self._arun(batch.command)).stdout)
        return batch.responses()

    def download_files(self, paths: list[str]) -> list[FileDownloadResponse]:
        """Return the content of files, by absolute paths.

        What is wrong with a file is told in its response: nothing is raised.
        """
        batch = DownloadBatch(paths)
        files = self._sessions.session().files
        if batch.pending:
            with batch.noting(*batch.pending):
                batch.read(self._run(batch.command).stdout)
        for file, name in batch.names.items():
            with batch.noting(file):
                batch.contents[file] = files.read(name)
        for copy in batch.copies:
            with _logged():
                files.delete(copy)
        return batch.responses()

    async def adownload_files(self, paths: list[str]) -> list[FileDownloadResponse]:
        """Return the content of files; see download_files()."""
        batch = DownloadBatch(paths)
        files = self._sessions.async_session().files
        if batch.pending:
            with batch.noting(*batch.pending):
                batch.read((await self._arun(batch.command)).stdout)
        for file, name in batch.names.items():
            with batch.noting(file):
                batch.contents[file] = await files.read(name)
        for copy in batch.copies:
            with _logged():
                await files.delete(copy)
        return batch.responses()

    def _run(self, line: str, timeout: int | None = None) -> Execution:
        plan = _Plan(command=_command(line), seconds=self._seconds(timeout))
        session = self._sessions.session()
        if self._kind != "python":
            try:
                execution = session.run_command(
                    plan.command.words[0], stdin=plan.command.stdin, timeout=plan.seconds
                )
            except _NO_SHELL_POOL:
                if self._kind == "shell":
                    raise
            else:
                self._kind = "shell"
                return _noticed(execution)
        execution = session.execute(plan.code, timeout=plan.seconds_of_kernel)
        self._kind = "python"
        return _noticed(command_execution(execution))

    async def _arun(self, line: str, timeout: int | None = None) -> Execution:
        plan = _Plan(command=_command(line), seconds=self._seconds(timeout))
        session = self._sessions.async_session()
        if self._kind != "python":
            try:
                execution = await session.run_command(
                    plan.command.words[0], stdin=plan.command.stdin, timeout=plan.seconds
                )
            except _NO_SHELL_POOL:
                if self._kind == "shell":
                    raise
            else:
                self._kind = "shell"
                return _noticed(execution)
        execution = await session.execute(plan.code, timeout=plan.seconds_of_kernel)
        self._kind = "python"
        return _noticed(command_execution(execution))

    def _seconds(self, timeout: int | None) -> float:
        if timeout is None:
            return self._sessions.timeout
        return float(min(timeout, MAX_EXECUTION_SECONDS)) if timeout > 0 else MAX_EXECUTION_SECONDS


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """A command and its time limit, for both kinds of session pool."""

    command: Command
    seconds: float

    @property
    def code(self) -> str:
        """What runs the command in a Python pool."""
        return command_code(
            self.command,
            timeout=min(self.seconds, MAX_EXECUTION_SECONDS - _KERNEL_GRACE_SECONDS),
            output_limit=DEFAULT_OUTPUT_LIMIT,
        )

    @property
    def seconds_of_kernel(self) -> float:
        return min(self.seconds + _KERNEL_GRACE_SECONDS, MAX_EXECUTION_SECONDS)


def _command(line: str) -> Command:
    script = _ONE_STREAM + line
    if len(script.encode()) <= _LONGEST_ARGUMENT_BYTES:
        return Command(line=script)
    return Command(line=_RUN_STDIN, stdin=script)


def _fault(command: str) -> str:
    try:
        Command(line=command).words[0].encode()
    except ValueError as error:
        return str(error)
    return ""


def _response(execution: Execution) -> ExecuteResponse:
    note = _ENDINGS.get(execution.status, "")
    output = join_lines([execution.stdout, execution.stderr, note])
    return ExecuteResponse(
        output=output, exit_code=execution.exit_code, truncated=execution.truncated
    )


def _noticed(execution: Execution) -> Execution:
    # Output is read by programs as well, so that a note in it would do harm.
    if execution.session_recycled:
        logger.warning("The session of a sandbox was a new one: earlier files were gone.")
    return execution


@contextmanager
def _logged() -> Generator[None]:
    try:
        yield
    except ServiceError as error:
        logger.warning("A copy for a download could not be deleted: %s", error)
