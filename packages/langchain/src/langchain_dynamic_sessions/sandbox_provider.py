"""What Deep Agents Code finds under `--sandbox dynamic-sessions`."""

import importlib
import uuid
from typing import Unpack

from dynamic_sessions.files import DATA_DIRECTORY
from langchain_dynamic_sessions.conversations import ConversationSessions, SessionSettings
from langchain_dynamic_sessions.sandbox import DynamicSessionsSandbox, PoolKind

PROVIDER_NAME = "dynamic-sessions"


class DynamicSessionsSandboxProvider:
    """Makes and ends sandboxes for Deep Agents Code, which finds this class by its entry point.

    The parameters of its configuration are those of DynamicSessionsSandbox; without an endpoint
    among them, the environment variable DYNAMIC_SESSIONS_ENDPOINT says where sandboxes are.
    """

    @property
    def metadata(self) -> object:
        """A SandboxProviderMetadata of deepagents_code, which alone asks for it."""
        interface = importlib.import_module("deepagents_code.integrations.sandbox_provider")
        return interface.SandboxProviderMetadata(
            name=PROVIDER_NAME,
            working_dir=DATA_DIRECTORY,
            install=interface.SandboxInstallHint(
                kind="package", name="langchain-dynamic-sessions[deepagents]"
            ),
        )

    def get_or_create(
        self,
        *,
        sandbox_id: str | None = None,
        endpoint: str | None = None,
        kind: PoolKind | None = None,
        **settings: Unpack[SessionSettings],
    ) -> DynamicSessionsSandbox:
        """Return the sandbox of that name, or one with a new name.

        The service makes a session when it is used, so that a name without one is no error. The
        session lives until delete() or its idle time.
        """
        settings["session_id"] = sandbox_id or f"deepagents-{uuid.uuid4()}"
        return DynamicSessionsSandbox(endpoint, kind=kind, **settings)

    async def aget_or_create(
        self,
        *,
        sandbox_id: str | None = None,
        endpoint: str | None = None,
        kind: PoolKind | None = None,
        **settings: Unpack[SessionSettings],
    ) -> DynamicSessionsSandbox:
        """Return the sandbox of that name, or one with a new name; see get_or_create()."""
        return self.get_or_create(sandbox_id=sandbox_id, endpoint=endpoint, kind=kind, **settings)

    def delete(self, *, sandbox_id: str, endpoint: str | None = None, **_: object) -> None:
        """End a sandbox; one that is gone already is no error.

        Raises:
            ServiceError: The service, or the way to it, failed.
        """
        with ConversationSessions(endpoint, session_id=sandbox_id) as sessions:
            sessions.delete()

    async def adelete(self, *, sandbox_id: str, endpoint: str | None = None, **_: object) -> None:
        """End a sandbox; see delete()."""
        async with ConversationSessions(endpoint, session_id=sandbox_id) as sessions:
            await sessions.adelete()
