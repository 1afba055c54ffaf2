"""The TLS of an apiserver, or of a server that plays another, out of files."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path

from apiserver.server import bare_tls_context


def tls_context(certificate: Path, key: Path, client_authorities: Sequence[Path]) -> ssl.SSLContext:
    """Of a server with one pair."""
    context = bare_tls_context(client_authorities)
    context.load_cert_chain(certificate, key)
    return context
