"""How a daemon serves HTTPS for itself: its flags, and the certificates that they ask for."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from component_base.certificates import has_pair, load_self_signed, pair_in
from component_base.flag_values import parse_ip
from component_base.flags import flag
from component_base.named_pairs import NamedPair, parse_named_pair
from component_base.serving_certificates import ServingCertificates, Shown
from component_base.serving_pair import FilePair
from component_base.tls_options import TlsOptions, restrict


@dataclass(frozen=True)
class SecureServingOptions(TlsOptions):
    """Of the apiserver, the controller manager and the scheduler."""

    bind_address: str = flag(
        "0.0.0.0", "The IP address on which to listen for the --secure-port port.", parse=parse_ip
    )
    permit_port_sharing: bool = flag(
        False,
        "If true, SO_REUSEPORT will be used when binding the port, which allows more than one instance to "
        "bind on the same address and port.",
    )
    cert_dir: str = flag(
        "",
        "The directory where the TLS certs are located. If --tls-cert-file and --tls-private-key-file are "
        "provided, this flag will be ignored.",
    )
    tls_cert_file: str = flag("", "File containing the default x509 Certificate for HTTPS.")
    tls_private_key_file: str = flag(
        "", "File containing the default x509 private key matching --tls-cert-file."
    )
    tls_sni_cert_key: tuple[NamedPair, ...] = flag(
        (),
        "A pair of x509 certificate and private key file paths, optionally suffixed with a list of domain "
        "patterns which are fully qualified domain names, possibly with prefixed wildcard segments; an IP "
        "address is one, too, where it is that of --bind-address. If no domain patterns are provided, the "
        "names of the certificate are extracted. Non-wildcard matches trump over wildcard matches, explicit "
        "domain patterns trump over extracted names. For multiple pairs, use the flag multiple times. "
        'Examples: "example.crt,example.key" or "foo.crt,foo.key:*.foo.com,foo.com".',
        parse=parse_named_pair,
    )


def port_problem(port: int, *, is_required: bool = False) -> str:
    """What is wrong with --secure-port; nothing if it is a port, or 0 for none where that may be."""
    if int(is_required) <= port <= 65535:
        return ""
    if is_required:
        return f"--secure-port {port} must be between 1 and 65535, inclusive. It cannot be turned off with 0"
    return f"--secure-port {port} must be between 0 and 65535, inclusive. 0 for turning off secure port"


async def files_of(options: SecureServingOptions, name: str) -> NamedPair | None:
    """Of the ordinary pair, None if no flag says where they are. Raises CertificateError."""
    if has_pair(options.tls_cert_file, options.tls_private_key_file):
        return NamedPair(options.tls_cert_file, options.tls_private_key_file)
    if options.cert_dir:
        certificate, key = await pair_in(Path(options.cert_dir), name)
        return NamedPair(str(certificate), str(key))
    return None


async def load_certificates(
    options: SecureServingOptions, ordinary: NamedPair | None, new_context: Callable[[], ssl.SSLContext]
) -> ServingCertificates:
    """All that flags tell, each in a context of its own. Raises CertificateError."""

    def shown(pair: NamedPair | None) -> Shown:
        context = new_context()
        restrict(context, options.tls_min_version, options.tls_cipher_suites)
        if pair is None:
            return Shown(context)
        return Shown(context, FilePair(context, pair.cert_file, pair.key_file), pair.patterns)

    default = shown(ordinary)
    if ordinary is None:
        await load_self_signed(default.context)
    address = "" if ip_address(options.bind_address).is_unspecified else options.bind_address
    certificates = ServingCertificates(default, [*map(shown, options.tls_sni_cert_key)], address=address)
    await certificates.load()
    return certificates
