"""Warnings about IP addresses and CIDRs that not every program reads in the same way.

Source: https://github.com/kubernetes/apimachinery/blob/v0.34.0/pkg/util/validation/ip.go
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from apimachinery.field import format_value

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def ip_warnings(path: str, value: str) -> Iterator[str]:
    """Of an address that validation let through; nothing about what is none."""
    address = _loose_address(value)
    if address is None:
        return
    if _is_odd(value, address):
        yield (
            f"{path}: non-standard IP address {format_value(value)} will be considered invalid in a future "
            f'Kubernetes release: use "{_plain(address)}"'
        )
    elif address.version == 6 and str(address) != value:
        text = f'should be in RFC 5952 canonical format ("{address}")'
        yield f"{path}: IPv6 address {format_value(value)} {text}"


def cidr_warnings(path: str, value: str) -> Iterator[str]:
    """Of a CIDR that validation let through; nothing about what is none."""
    text, slash, digits = value.partition("/")
    address = _loose_address(text)
    if address is None or not slash or not _is_number(digits) or int(digits) > address.max_prefixlen:
        return
    network = _masked(address, int(digits))
    shown = format_value(value)
    is_ambiguous = network.network_address != address
    if is_ambiguous:
        alone = f"{_plain(address)}/{address.max_prefixlen}"
        yield (
            f"{path}: CIDR value {shown} is ambiguous in this context "
            f'(should be "{_plain_network(network)}" or "{alone}"?)'
        )
    if _is_odd(text, address) or digits != str(int(digits)):
        yield (
            f"{path}: non-standard CIDR value {shown} will be considered invalid in a future "
            f'Kubernetes release: use "{_plain_network(network)}"'
        )
    elif not is_ambiguous and address.version == 6 and str(network) != value:
        yield f'{path}: IPv6 CIDR value {shown} should be in RFC 5952 canonical format ("{network}")'


def _loose_address(value: str) -> Address | None:
    """As upstream has always read addresses: zeros before the numbers of IPv4 mean nothing."""
    head, colon, tail = value.rpartition(":")
    if "." in tail:
        tail = ".".join(part.lstrip("0") or "0" if _is_number(part) else part for part in tail.split("."))
    try:
        address = ipaddress.ip_address(f"{head}{colon}{tail}")
    except ValueError:
        return None
    return None if "%" in value else address


def _is_odd(value: str, address: Address) -> bool:
    """Whether zeros lead a number of IPv4, or IPv4 is written as IPv6."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return True
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return True
    return False


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _masked(address: Address, length: int) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network((address, length), strict=False)


def _plain(address: Address) -> Address:
    """IPv4 as such, however it was written."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _plain_network(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> str:
    address = _plain(network.network_address)
    return f"{address}/{network.prefixlen - network.max_prefixlen + address.max_prefixlen}"
