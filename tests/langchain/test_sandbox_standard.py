"""LangChain's own suite for sandboxes, on real sessions of both kinds of pool."""

from collections.abc import Iterator

import pytest
from deepagents.backends.protocol import SandboxBackendProtocol
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
absolute_paths = pytest.mark.xfail(
    reason="deepagents 0.7 checks permissions by the absolute paths that glob() returns; the suite "
    "of langchain-tests 1.1.9 wants relative ones."
)


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

    @absolute_paths
    def test_glob(self, sandbox_backend: SandboxBackendProtocol, sandbox_test_root: str) -> None:
        super().test_glob(sandbox_backend, sandbox_test_root)

    @absolute_paths
    def test_glob_basic_pattern(
        self, sandbox_backend: SandboxBackendProtocol, sandbox_test_root: str
    ) -> None:
        super().test_glob_basic_pattern(sandbox_backend, sandbox_test_root)

    @absolute_paths
    def test_glob_hidden_files_explicitly(
        self, sandbox_backend: SandboxBackendProtocol, sandbox_test_root: str
    ) -> None:
        super().test_glob_hidden_files_explicitly(sandbox_backend, sandbox_test_root)

    @absolute_paths
    def test_glob_with_character_class(
        self, sandbox_backend: SandboxBackendProtocol, sandbox_test_root: str
    ) -> None:
        super().test_glob_with_character_class(sandbox_backend, sandbox_test_root)

    @absolute_paths
    def test_glob_with_question_mark(
        self, sandbox_backend: SandboxBackendProtocol, sandbox_test_root: str
    ) -> None:
        super().test_glob_with_question_mark(sandbox_backend, sandbox_test_root)


class TestSandboxOnAShellPool(SandboxSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def sandbox(cls, shell_pool: LocalSessionPool) -> Iterator[SandboxBackendProtocol]:
        with DynamicSessionsSandbox(shell_pool.endpoint, shell_pool.credential) as sandbox:
            yield sandbox


class TestSandboxOnAPythonPool(SandboxSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def sandbox(cls) -> Iterator[SandboxBackendProtocol]:
        with DynamicSessionsSandbox("local") as sandbox:
            yield sandbox
