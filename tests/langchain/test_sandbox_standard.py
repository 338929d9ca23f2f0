"""LangChain's own suite for sandboxes, on real sessions of both kinds of pool."""

from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest
from deepagents.backends.protocol import GlobResult, SandboxBackendProtocol
from langchain_tests.integration_tests import SandboxIntegrationTests

from dynamic_sessions_local import LocalSessionPool
from langchain_dynamic_sessions.sandbox import DynamicSessionsSandbox

# The suite's own fixtures are of a form that pytest is going to drop.
pytestmark = pytest.mark.filterwarnings("ignore:Class-scoped fixtures defined as instance methods")

overwrites = pytest.mark.xfail(
    reason="BackendProtocol.write() of deepagents 0.7 overwrites a file that exists; the suite of "
    "langchain-tests 1.1.9 wants an error."
)
files_only = pytest.mark.xfail(
    reason="BackendProtocol.glob() of deepagents 0.7 never matches directories; the suite of "
    "langchain-tests 1.1.9 wants one."
)


class SandboxWithRelativeMatches(DynamicSessionsSandbox):
    """The sandbox as the suite of langchain-tests 1.1.9 looks at it.

    That suite compares what glob() finds with paths below the directory that was searched;
    deepagents 0.7 wants absolute ones, by which it checks permissions. A path that is not absolute
    and below the directory raises a ValueError here.
    """

    def glob(self, pattern: str, path: str | None = None) -> GlobResult:
        result = super().glob(pattern, path)
        for match in result.matches or []:
            match["path"] = str(PurePosixPath(match["path"]).relative_to(path or "/"))
        return result


class SandboxSuite(SandboxIntegrationTests):
    @overwrites
    def test_write_existing_file_fails(
        self, sandbox_backend: SandboxBackendProtocol, sandbox_test_root: str
    ) -> None:
        super().test_write_existing_file_fails(sandbox_backend, sandbox_test_root)

    @files_only
    def test_glob_with_directories(
        self, sandbox_backend: SandboxBackendProtocol, sandbox_test_root: str
    ) -> None:
        super().test_glob_with_directories(sandbox_backend, sandbox_test_root)


class TestSandboxOnAShellPool(SandboxSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def sandbox(cls, shell_pool: LocalSessionPool) -> Iterator[SandboxBackendProtocol]:
        with SandboxWithRelativeMatches(shell_pool.endpoint, shell_pool.credential) as sandbox:
            yield sandbox


class TestSandboxOnAPythonPool(SandboxSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def sandbox(cls) -> Iterator[SandboxBackendProtocol]:
        with SandboxWithRelativeMatches("local") as sandbox:
            yield sandbox
