"""Credentials that AutoGen programs hold, as core takes them and as a configuration names them."""

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

from autogen_core import ComponentBase, ComponentLoader, ComponentModel

from dynamic_sessions import AccessToken, Credential

if TYPE_CHECKING:
    from pydantic import BaseModel


class TokenProvider(Protocol):
    """A credential of azure-identity, or anything with the same method."""

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        **kwargs: Any,
    ) -> AccessToken:
        """Return an access token for the scopes; may block, and is called in a worker thread."""
        ...


ExecutorCredential: TypeAlias = TokenProvider | Credential


def dumped_credential(credential: ExecutorCredential | None) -> ComponentModel | None:
    """Return what a configuration says of a credential: never a secret.

    None and azure-identity's DefaultAzureCredential are both None there: without a credential
    the session pool looks for the latter by itself.

    Raises:
        ValueError: The credential can be neither left out nor dumped.
    """
    if credential is None or _is_default_azure_credential(credential):
        return None
    if isinstance(credential, ComponentBase):
        return cast("ComponentBase[BaseModel]", credential).dump_component()
    raise ValueError(
        f"A {type(credential).__name__} cannot be dumped: it may hold a secret. Use no credential "
        "or DefaultAzureCredential, or a token provider that is itself a component, such as "
        "autogen_ext.auth.azure.AzureTokenProvider."
    )


def loaded_credential(model: ComponentModel | None) -> ExecutorCredential | None:
    """Return the credential that a configuration names."""
    if model is None:
        return None
    return cast("ExecutorCredential", ComponentLoader.load_component(model, object))


def _is_default_azure_credential(credential: ExecutorCredential) -> bool:
    # By name, since azure-identity is imported only where a credential is needed.
    kind = type(credential)
    return kind.__name__ == "DefaultAzureCredential" and kind.__module__.startswith(
        "azure.identity"
    )
