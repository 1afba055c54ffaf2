"""How a daemon serves HTTPS for itself: its flags, and the TLS context that they ask for."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from component_base.certificates import pair_in, serving_context
from component_base.flags import flag
from component_base.tls_options import TlsOptions, restrict


@dataclass(frozen=True)
class ServingOptions(TlsOptions):
    """Of the controller manager and the scheduler, which differ in nothing but the port."""

    bind_address: str = flag("0.0.0.0", "The IP address on which to listen for the --secure-port port.")
    cert_dir: str = flag(
        "",
        "The directory where the TLS certs are located. If --tls-cert-file and --tls-private-key-file are "
        "provided, this flag will be ignored.",
    )
    tls_cert_file: str = flag("", "File containing the default x509 Certificate for HTTPS.")
    tls_private_key_file: str = flag(
        "", "File containing the default x509 private key matching --tls-cert-file."
    )
    client_ca_file: str = flag(
        "", "If set, client certificates signed by one of these authorities are known."
    )


async def context_of(options: ServingOptions, name: str) -> ssl.SSLContext:
    """`name`: of the files in --cert-dir, which are made where they are missing."""
    files: tuple[str | Path, str | Path] = options.tls_cert_file, options.tls_private_key_file
    if options.cert_dir and not all(files):
        files = await pair_in(Path(options.cert_dir), name)
    context = await serving_context(*map(str, files), client_ca_file=options.client_ca_file)
    restrict(context, options.tls_min_version, options.tls_cipher_suites)
    return context
