"""Pools that serve https are trusted as the environment says."""

import subprocess
import sys
from pathlib import Path

import pytest

from dynamic_sessions import AsyncSessionPool, ServiceConnectionError, SessionPool
from dynamic_sessions.trust import trust_for
from dynamic_sessions_local import LocalSessionPool


async def test_a_certificate_of_loopback_is_trusted_where_ssl_cert_file_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with LocalSessionPool(tls=True) as local:
        async with AsyncSessionPool(local.endpoint, local.credential) as pool:
            with pytest.raises(ServiceConnectionError):
                await pool.session().execute("6 * 7")
        monkeypatch.setenv("SSL_CERT_FILE", str(local.certificate))
        async with AsyncSessionPool(local.endpoint, local.credential) as pool:
            assert (await pool.session().execute("6 * 7")).result == 42


def test_a_session_left_behind_over_https_is_deleted_at_the_end_of_the_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code = (
        "import sys; from dynamic_sessions import SessionPool; "
        "pool = SessionPool(*sys.argv[1:]); pool.session().execute('1')"
    )
    with LocalSessionPool(tls=True) as local:
        monkeypatch.setenv("SSL_CERT_FILE", str(local.certificate))
        token = local.credential.get_token().token
        subprocess.run(  # noqa: S603 - our own library
            [sys.executable, "-c", code, local.endpoint, token], check=True, timeout=60
        )
        with SessionPool(local.endpoint, local.credential) as pool:
            assert not pool.list_sessions()


def test_what_was_read_is_shared_until_the_file_is_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = "https://pool.test/"
    file = tmp_path / "certificates.pem"
    with LocalSessionPool(tls=True) as local:
        assert local.certificate is not None
        file.write_text(local.certificate.read_text())
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    first = trust_for(url)
    assert trust_for(url) is first
    assert len(first.get_ca_certs()) == 1

    with LocalSessionPool(tls=True) as local:
        assert local.certificate is not None
        file.write_text(local.certificate.read_text())

    assert trust_for(url).get_ca_certs() != first.get_ca_certs()


def test_without_tls_nobody_is_trusted() -> None:
    assert trust_for("http://127.0.0.1:1/").get_ca_certs() == []
