"""Which certificates a session pool may show."""

import os
import ssl
from functools import lru_cache
from pathlib import Path

import httpx


def trust_for(url: str) -> ssl.SSLContext:
    """Return what connections to a URL trust: SSL_CERT_FILE or SSL_CERT_DIR where they are set.

    Also on loopback, where a local pool has a certificate of its own. Reading the usual
    authorities takes tens of milliseconds, so that the pools of a program share what was read.
    """
    if not url.startswith("https:"):
        # There is nothing to trust, and nothing is.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    file = os.environ.get("SSL_CERT_FILE")
    return _read_trust(file, os.environ.get("SSL_CERT_DIR"), _modified_at(file))


@lru_cache(maxsize=8)
def _read_trust(file: str | None, directory: str | None, modified_at: int | None) -> ssl.SSLContext:
    # httpx reads the variables by itself; they are arguments only to tell what was read before.
    del file, directory, modified_at
    return httpx.create_ssl_context()


def _modified_at(file: str | None) -> int | None:
    try:
        return Path(file).stat().st_mtime_ns if file else None
    except OSError:
        return None
