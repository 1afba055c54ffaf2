"""Which certificate a server shows to whom: the ordinary one, or one of `--tls-sni-cert-key`. Pure.

Source: https://github.com/kubernetes/apiserver/blob/v0.34.0/pkg/server/dynamiccertificates/named_certificates.go
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from apimachinery.names import is_dns1123_subdomain


@dataclass(frozen=True, slots=True)
class NamedPair:
    """Files of a certificate and its key. Without patterns it is for the names that the certificate tells."""

    cert_file: str
    key_file: str
    patterns: tuple[str, ...] = ()


def parse_named_pair(text: str) -> tuple[NamedPair, ...]:
    """Of `cert,key` or `cert,key:pattern,pattern`: one, for a flag that is given for each."""
    files, colon, patterns = text.partition(":")
    if colon and not patterns.strip():
        raise ValueError("empty names list is not allowed")
    pair = [each.strip() for each in files.split(",")]
    if len(pair) != 2:
        raise ValueError("expected comma separated certificate and key file paths")
    names = tuple(each.strip() for each in patterns.split(",")) if colon else ()
    return (NamedPair(pair[0], pair[1], names),)


@dataclass(frozen=True, slots=True)
class Names:
    """What a certificate goes by: the patterns that a flag tells, and names of its own."""

    patterns: tuple[str, ...] = ()
    common_name: str = ""
    dns: frozenset[str] = frozenset()

    @property
    def asked_by(self) -> tuple[str, ...]:
        """Not by addresses: no client asks for one, and a common name is one by accident."""
        return self.patterns or (*((self.common_name,) if _is_domain(self.common_name) else ()), *self.dns)


class NameTable:
    """Of certificates by their places: 0 is the ordinary one, which all others go before.

    Who is asked for is found as Go's servers find it.
    """

    def __init__(self, ordinary: Names, named: Sequence[Names]) -> None:
        self._all = (ordinary, *named)
        # Of two with one name the first has it, but what was told goes before what a certificate says.
        told_last = sorted(enumerate(named, 1), key=lambda each: (bool(each[1].patterns), -each[0]))
        self._places = {name: place for place, names in told_last for name in names.asked_by}

    def of_host(self, host: str) -> int:
        """The very name goes before a wildcard, and both before certificates that would do."""
        name = host.lower()
        for pattern in (name, _wildcard(name)):
            if pattern in self._places:
                return self._places[pattern]
        return next((place for place, names in enumerate(self._all) if _covers(names.dns, name)), 0)

    def of_address(self, address: str) -> int:
        """For who asks for no name: by the address that was connected to."""
        return self._places.get(address, 0)


def _wildcard(name: str) -> str:
    return f"*.{name.partition('.')[2]}" if "." in name else "*"


def _covers(dns: frozenset[str], name: str) -> bool:
    own = {each.lower() for each in dns}
    return name in own or ("." in name and _wildcard(name) in own)


def _is_domain(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return name == "*" or not is_dns1123_subdomain(name.removeprefix("*."))
    return False
