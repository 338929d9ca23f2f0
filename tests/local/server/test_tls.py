"""https, for clients that accept nothing else."""

import ssl
import stat

import httpx
import pytest

from dynamic_sessions_local import LocalSessionPool
from dynamic_sessions_local import pool as pool_module

from .conftest import client_of


def test_a_pool_serves_https_under_every_name_of_loopback() -> None:
    with LocalSessionPool(tls=True) as pool, client_of(pool) as client:
        assert pool.endpoint.startswith("https://127.0.0.1:")
        port = client.base_url.port
        for name in ("127.0.0.1", "localhost"):
            url = f"https://{name}:{port}/executions"
            run = client.post(url, params={"identifier": "secure"}, json={"code": "6 * 7"})
            assert run.json()["result"]["executionResult"] == 42
        (page,) = client.get("listSessions").json()["sessions"]
        assert page["identifier"] == "secure"


def test_its_certificate_is_trusted_only_by_those_who_were_told_and_goes_with_the_pool() -> None:
    with LocalSessionPool(tls=True) as pool:
        certificate = pool.certificate
        assert certificate is not None
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(pool.endpoint)
        assert "PRIVATE KEY" not in certificate.read_text()
        for file in certificate.parent.iterdir():
            if "PRIVATE KEY" in file.read_text():
                assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(certificate.parent.stat().st_mode) == 0o700
        with LocalSessionPool(tls=True) as other:
            other_trust = ssl.create_default_context(cafile=other.certificate)
            with pytest.raises(httpx.ConnectError):
                httpx.get(pool.endpoint, verify=other_trust)
    assert not certificate.parent.exists()


def test_a_pool_without_tls_has_no_certificate() -> None:
    with LocalSessionPool() as pool:
        assert pool.certificate is None


def test_without_its_library_tls_is_refused_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool_module, "can_be_issued", lambda: False)
    with pytest.raises(ValueError, match=r"dynamic-sessions-local\[tls\]"):
        LocalSessionPool(tls=True)
