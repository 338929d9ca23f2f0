"""The deepagents backend of langchain-azure-dynamic-sessions, for programs written for it."""

from collections.abc import Callable
from typing import Unpack

from dynamic_sessions import Credential
from langchain_dynamic_sessions.conversations import SessionSettings
from langchain_dynamic_sessions.sandbox import DynamicSessionsSandbox
from langchain_dynamic_sessions.session_tool import one_credential


class SessionsBashBackend(DynamicSessionsSandbox):
    """A deepagents backend on sessions of a Shell pool; see DynamicSessionsSandbox.

    Args:
        pool_management_endpoint: The pool management endpoint of a Shell pool.
        credential: See ConversationSessions.
        access_token_provider: A function that returns tokens, in place of credential.
        settings: See ConversationSessions.

    Raises:
        ValueError: An argument is out of range or excludes another, or no pool was named.
    """

    def __init__(
        self,
        pool_management_endpoint: str | None = None,
        credential: Credential | None = None,
        *,
        access_token_provider: Callable[[], str | None] | None = None,
        **settings: Unpack[SessionSettings],
    ) -> None:
        super().__init__(
            pool_management_endpoint,
            one_credential(credential, access_token_provider),
            kind="shell",
            **settings,
        )
