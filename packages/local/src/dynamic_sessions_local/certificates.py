"""A certificate for this machine's own names, for clients that insist on https."""

import contextlib
import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, kw_only=True)
class Certificates:
    """Files in PEM form.

    Attributes:
        authority: What clients must be told to trust; signed this one server and no other.
        server: The server's key, then its certificates.
    """

    authority: Path
    server: Path


def can_be_issued() -> bool:
    """Whether the library that makes certificates is installed."""
    return find_spec("trustme") is not None


@contextlib.contextmanager
def issued(host: str) -> Generator[Certificates]:
    """Yield certificates of a new authority, whose key nobody ever gets; gone in the end.

    Args:
        host: What the server is called beside the names of loopback.
    """
    import trustme  # noqa: PLC0415 - of an extra, and slow to import

    authority = trustme.CA(organization_name="dynamic-sessions local pool")
    certificate = authority.issue_cert(*dict.fromkeys((*NAMES, host)))
    with tempfile.TemporaryDirectory(prefix="dynamic-sessions-tls-") as folder:
        certificates = Certificates(
            authority=Path(folder, "certificate.pem"), server=Path(folder, "server.pem")
        )
        certificates.server.touch(mode=0o600)
        certificate.private_key_and_cert_chain_pem.write_to_path(certificates.server)
        authority.cert_pem.write_to_path(certificates.authority)
        yield certificates
