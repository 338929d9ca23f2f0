"""Dumping and loading: everything comes back, and secrets never go out."""

import sys
import types
from pathlib import Path
from typing import Any, ClassVar

import pytest
from autogen_agentchat.agents import CodeExecutorAgent
from autogen_core import CancellationToken, Component, ComponentBase
from autogen_core.code_executor import CodeBlock, CodeExecutor
from autogen_ext.auth.azure import (  # pyright: ignore[reportMissingTypeStubs]
    AzureTokenProvider,
)
from autogen_ext.tools.code_execution import (  # pyright: ignore[reportMissingTypeStubs]
    PythonCodeExecutionTool,
)
from azure.core.credentials import AccessToken
from azure.identity import DefaultAzureCredential
from pydantic import BaseModel

from autogen_ext_dynamic_sessions import ACADynamicSessionsCodeExecutor
from autogen_ext_dynamic_sessions.credentials import ExecutorCredential
from dynamic_sessions import AsyncSessionPool

Executor = ACADynamicSessionsCodeExecutor
ENDPOINT = "https://westus2.dynamicsessions.io/subscriptions/s/sessionPools/p"

FACTOR = 3


def triple(number: int) -> int:
    """Multiply by three."""
    return FACTOR * number


class SecretCredential:
    def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
        del scopes, kwargs
        return AccessToken("the secret", 2**40)


class VaultConfig(BaseModel):
    vault: str


class VaultCredential(SecretCredential, ComponentBase[VaultConfig], Component[VaultConfig]):
    component_type: ClassVar[str] = "token_provider"
    component_config_schema = VaultConfig
    component_provider_override = "tests_vault.VaultCredential"

    def __init__(self, vault: str) -> None:
        self.vault = vault

    def _to_config(self) -> VaultConfig:
        return VaultConfig(vault=self.vault)

    @classmethod
    def _from_config(cls, config: VaultConfig) -> "VaultCredential":
        return cls(config.vault)


def test_everything_set_comes_back_from_a_dump(tmp_path: Path) -> None:
    executor = Executor(
        ENDPOINT,
        None,
        90,
        str(tmp_path),
        [triple],
        "toolbox",
        True,
        "conversation-1",
        api_version="2024-02-02-preview",
        report_files=True,
        raise_on_timeout=False,
        install_missing=True,
    )

    dumped = executor.dump_component()
    loaded = CodeExecutor.load_component(dumped.model_dump())

    assert isinstance(loaded, Executor)
    assert loaded.dump_component() == dumped
    assert (loaded.timeout, loaded.functions_module, loaded.session_id) == (
        90,
        "toolbox",
        "conversation-1",
    )
    assert loaded.format_functions_for_prompt() == executor.format_functions_for_prompt()
    assert dumped.provider == "autogen_ext_dynamic_sessions.ACADynamicSessionsCodeExecutor"
    assert dumped.component_type == "code_executor"


def test_defaults_come_back_as_defaults() -> None:
    loaded = Executor.load_component(Executor("local").dump_component())

    assert loaded.timeout == 60
    assert loaded.functions == []
    assert "work_dir" not in loaded.dump_component().config
    assert "session_id" not in loaded.dump_component().config


async def test_functions_of_a_loaded_executor_run_as_before() -> None:
    loaded = Executor.load_component(Executor("local", functions=[triple]).dump_component())

    async with loaded:
        result = await loaded.execute_code_blocks(
            [CodeBlock(code="triple(14)", language="python")], CancellationToken()
        )

    assert result.output == "42"


@pytest.mark.parametrize("credential", [None, DefaultAzureCredential()])
def test_the_default_credential_needs_no_place_in_a_dump(
    credential: ExecutorCredential | None,
) -> None:
    dumped = Executor(ENDPOINT, credential).dump_component()

    assert "credential" not in dumped.config
    assert isinstance(Executor.load_component(dumped), Executor)


@pytest.mark.parametrize("credential", ["the secret", SecretCredential(), lambda: "the secret"])
def test_a_secret_is_refused_rather_than_dumped_or_lost(credential: ExecutorCredential) -> None:
    with pytest.raises(ValueError, match="cannot be dumped") as caught:
        Executor(ENDPOINT, credential).dump_component()

    assert "the secret" not in str(caught.value)


def test_a_credential_that_is_a_component_travels_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("tests_vault")
    vars(module)["VaultCredential"] = VaultCredential
    monkeypatch.setitem(sys.modules, "tests_vault", module)

    dumped = Executor(ENDPOINT, VaultCredential("v1")).dump_component()
    loaded = Executor.load_component(dumped)

    assert dumped.config["credential"]["config"] == {"vault": "v1"}
    assert "the secret" not in dumped.model_dump_json()
    assert loaded.dump_component() == dumped


def test_the_token_provider_of_autogen_ext_travels_as_a_component() -> None:
    provider = AzureTokenProvider(DefaultAzureCredential(), "https://dynamicsessions.io/.default")

    dumped = Executor(ENDPOINT, provider).dump_component()

    assert Executor.load_component(dumped).dump_component() == dumped


async def test_an_executor_on_a_shared_pool_refuses_to_be_dumped(
    session_pool: AsyncSessionPool,
) -> None:
    with pytest.raises(ValueError, match="shared"):
        Executor(session_pool=session_pool).dump_component()


@pytest.mark.filterwarnings("ignore:No approval function set")
def test_what_holds_an_executor_can_be_dumped_with_it() -> None:
    agent = CodeExecutorAgent("coder", code_executor=Executor("local", functions=[triple]))
    tool = PythonCodeExecutionTool(Executor("local"))

    loaded_agent = CodeExecutorAgent.load_component(agent.dump_component())
    loaded_tool = PythonCodeExecutionTool.load_component(tool.dump_component())

    assert loaded_agent.dump_component() == agent.dump_component()
    assert loaded_tool.dump_component() == tool.dump_component()
