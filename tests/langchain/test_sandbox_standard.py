"""LangChain's own suite for sandboxes, on real sessions of both kinds of pool."""

from collections.abc import Iterator

import pytest
from deepagents.backends.protocol import SandboxBackendProtocol
from langchain_tests.integration_tests import SandboxIntegrationTests

from dynamic_sessions_local import LocalSessionPool
from langchain_dynamic_sessions.sandbox import DynamicSessionsSandbox

# The suite's own fixtures are of a form that pytest is going to drop.
pytestmark = pytest.mark.filterwarnings("ignore:Class-scoped fixtures defined as instance methods")


class TestSandboxOnAShellPool(SandboxIntegrationTests):
    @pytest.fixture(scope="class")
    @classmethod
    def sandbox(cls, shell_pool: LocalSessionPool) -> Iterator[SandboxBackendProtocol]:
        with DynamicSessionsSandbox(shell_pool.endpoint, shell_pool.credential) as sandbox:
            yield sandbox


class TestSandboxOnAPythonPool(SandboxIntegrationTests):
    @pytest.fixture(scope="class")
    @classmethod
    def sandbox(cls) -> Iterator[SandboxBackendProtocol]:
        with DynamicSessionsSandbox("local") as sandbox:
            yield sandbox
