"""What a server's TLS may be at the least: `--tls-min-version` and `--tls-cipher-suites`, in Go's names.

Source: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/
"""

from __future__ import annotations

import ssl
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from component_base.flag_values import parse_list
from component_base.flags import flag

_VERSIONS = {
    "VersionTLS10": ssl.TLSVersion.TLSv1,
    "VersionTLS11": ssl.TLSVersion.TLSv1_1,
    "VersionTLS12": ssl.TLSVersion.TLSv1_2,
    "VersionTLS13": ssl.TLSVersion.TLSv1_3,
}
_PREFERRED = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
}
_INSECURE = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256": "ECDHE-ECDSA-AES128-SHA256",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA": "ECDHE-ECDSA-RC4-SHA",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA": "ECDHE-RSA-DES-CBC3-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256": "ECDHE-RSA-AES128-SHA256",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA": "ECDHE-RSA-RC4-SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA": "DES-CBC3-SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA": "AES128-SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256": "AES128-SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "TLS_RSA_WITH_AES_256_CBC_SHA": "AES256-SHA",
    "TLS_RSA_WITH_AES_256_GCM_SHA384": "AES256-GCM-SHA384",
    "TLS_RSA_WITH_RC4_128_SHA": "RC4-SHA",
}
_OPENSSL_NAMES = _PREFERRED | _INSECURE
_OF_TLS_1_3 = frozenset({
    "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
})  # fmt: skip
"""Which of these are used can be configured nowhere, as in Go."""


class TlsOptionsError(Exception):
    """What no server can be told; in upstream's words."""


def _version(text: str) -> str:
    _check(text, ())
    return text


def _suites(text: str) -> tuple[str, ...]:
    suites = parse_list(text)
    _check("", suites)
    return suites


def _check(version: str, suites: Collection[str]) -> None:
    try:
        check_tls(version, suites)
    except TlsOptionsError as error:
        raise ValueError(str(error)) from None


@dataclass(frozen=True)
class TlsOptions:
    """Flags of every daemon that serves HTTPS."""

    tls_min_version: str = flag(
        "",
        f"Minimum TLS version supported. Possible values: {', '.join(_VERSIONS)}. 1.2 if empty.",
        parse=_version,
    )
    tls_cipher_suites: tuple[str, ...] = flag(
        (),
        "Comma-separated list of cipher suites for the server, in Go's names. If omitted, those of OpenSSL. "
        f"Preferred values: {', '.join(sorted((*_OF_TLS_1_3, *_PREFERRED)))}. "
        f"Insecure values: {', '.join(_INSECURE)}.",
        parse=_suites,
    )


def check_tls(version: str, suites: Collection[str]) -> None:
    """Raises TlsOptionsError for a name that Go does not know, and where OpenSSL has none of the suites."""
    if version and version not in _VERSIONS:
        raise TlsOptionsError(f'unknown tls version "{version}"')
    for each in suites:
        if each not in _OPENSSL_NAMES and each not in _OF_TLS_1_3:
            raise TlsOptionsError(f"Cipher suite {each} not supported or doesn't exist")
    try:
        _set_ciphers(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), suites)
    except ssl.SSLError:
        raise TlsOptionsError(f"OpenSSL has none of the cipher suites {', '.join(suites)}") from None


def restrict(context: ssl.SSLContext, version: str = "", suites: Sequence[str] = ()) -> None:
    """What the server's clients must speak at the least. Raises TlsOptionsError."""
    check_tls(version, suites)
    context.minimum_version = _VERSIONS.get(version, ssl.TLSVersion.TLSv1_2)
    _set_ciphers(context, suites)


def _set_ciphers(context: ssl.SSLContext, suites: Collection[str]) -> None:
    """Raises ssl.SSLError."""
    older = [_OPENSSL_NAMES[each] for each in suites if each in _OPENSSL_NAMES]
    if older:
        context.set_ciphers(":".join(older))
    elif suites:
        context.minimum_version = ssl.TLSVersion.TLSv1_3
