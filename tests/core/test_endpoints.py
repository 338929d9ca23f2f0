import builtins
import sys

import pytest

from dynamic_sessions.endpoints import choose_endpoint, resolve_endpoint
from dynamic_sessions.tokens import TokenCache

URL = "https://westus2.dynamicsessions.io/subscriptions/s/resourceGroups/g/sessionPools/p"


def test_without_an_endpoint_the_error_names_both_ways() -> None:
    with pytest.raises(ValueError, match="DYNAMIC_SESSIONS_ENDPOINT") as caught:
        choose_endpoint(None, environment={})
    assert "Azure" in str(caught.value)
    assert '"local"' in str(caught.value)


def test_the_environment_names_the_endpoint_and_the_argument_wins() -> None:
    environment = {"DYNAMIC_SESSIONS_ENDPOINT": URL}
    assert choose_endpoint(None, environment=environment) == URL
    assert choose_endpoint("local", environment=environment) == "local"


@pytest.mark.parametrize(
    "endpoint",
    [
        "locally",
        "ftp://pool.test/",
        "https://",
        "https://pool.test/?a=b",
        "https://pool.test/#part",
        "https://user:password@pool.test/",
        "http://pool.test/",
        "http://192.168.1.4:8080/",
    ],
)
def test_what_is_no_endpoint_is_refused_before_anything_is_sent(endpoint: str) -> None:
    with pytest.raises(ValueError, match=r"endpoint|URL|https"):
        choose_endpoint(endpoint)


@pytest.mark.parametrize("host", ["127.0.0.1:81", "localhost:81", "[::1]:81", "127.1.2.3"])
def test_plain_http_is_for_this_machine_alone(host: str) -> None:
    assert choose_endpoint(f"http://{host}/") == f"http://{host}/"


async def test_a_token_in_the_environment_serves_where_no_credential_was_given() -> None:
    endpoint = resolve_endpoint(URL, None, environment={"DYNAMIC_SESSIONS_TOKEN": "t0ken"})
    assert await TokenCache(endpoint.provider).get() == "t0ken"


def test_azure_identity_is_imported_only_when_it_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "azure"]:
        monkeypatch.delitem(sys.modules, name)
    resolve_endpoint(URL, "token", environment={})
    assert "azure.identity" not in sys.modules
    provider = resolve_endpoint(URL, None, environment={}).provider
    assert type(provider).__name__ == "DefaultAzureCredential"


def test_without_azure_identity_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real_import = builtins.__import__

    def without_azure(name: str, *args: object, **kwargs: object) -> object:
        if name.partition(".")[0] == "azure":
            raise ImportError(name)
        return real_import(name, *args, **kwargs)  # pyright: ignore[reportArgumentType] - passed through as it came

    monkeypatch.setattr(builtins, "__import__", without_azure)
    with pytest.raises(ValueError, match=r"dynamic-sessions\[azure\]"):
        resolve_endpoint(URL, None, environment={})


@pytest.mark.usefixtures("without_local_pool")
def test_without_the_local_package_the_error_says_what_to_install() -> None:
    with pytest.raises(ValueError, match="dynamic-sessions-local"):
        resolve_endpoint("local", None)
