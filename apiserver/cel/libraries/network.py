"""IP addresses and CIDRs, as Go's net/netip takes them, without zones and IPv4-mapped addresses."""

from __future__ import annotations

import ipaddress

from apiserver.cel.libraries.function import Function, function, method

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface


_NO_CIDR = "network address parse error during conversion from string: "
"""Upstream says it twice."""


def _address(text: str) -> _Address:
    """Raises ValueError."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise ValueError(
            f'IP Address "{text}" parse error during conversion from string: '
            f'ParseAddr("{text}"): unable to parse IP'
        ) from None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id:
            raise ValueError(f'IP address "{text}" with zone value is not allowed')
        if address.ipv4_mapped:
            raise ValueError(f'IPv4-mapped IPv6 address "{text}" is not allowed')
    return address


def _interface(text: str) -> _Interface:
    """A CIDR with the address as it was written. Raises ValueError."""
    problem = f'{2 * _NO_CIDR}netip.ParsePrefix("{text}")'
    address, slash, bits = text.partition("/")
    if not slash:
        raise ValueError(f"{problem}: no '/'")
    if not bits.isdigit() or (len(bits) > 1 and bits[0] == "0"):
        raise ValueError(f'{problem}: bad bits after slash: "{bits}"')
    _address(address)
    try:
        return ipaddress.ip_interface(text)
    except ValueError:
        raise ValueError(f"{problem}: prefix length out of range") from None


def _is_ip(text: str) -> bool:
    try:
        _address(text)
    except ValueError:
        return False
    return True


def _is_cidr(text: str) -> bool:
    try:
        _interface(text)
    except ValueError:
        return False
    return True


def _is_global_unicast(text: str) -> bool:
    address = _address(text)
    broadcast = str(address) == "255.255.255.255"
    return not (
        address.is_unspecified
        or address.is_loopback
        or address.is_multicast
        or address.is_link_local
        or broadcast
    )


def _is_link_local_multicast(text: str) -> bool:
    address = _address(text)
    if isinstance(address, ipaddress.IPv4Address):
        return address in ipaddress.IPv4Network("224.0.0.0/24")
    return address.is_multicast and address.packed[1] & 0x0F == 2


def _is_link_local_unicast(text: str) -> bool:
    return _address(text).is_link_local


def _contains_ip(cidr: str, ip: str) -> bool:
    return _address(ip) in _interface(cidr).network


def _contains_cidr(outer: str, inner: str) -> bool:
    whole, part = _interface(outer).network, _interface(inner).network
    if isinstance(whole, ipaddress.IPv4Network) and isinstance(part, ipaddress.IPv4Network):
        return part.subnet_of(whole)
    if isinstance(whole, ipaddress.IPv6Network) and isinstance(part, ipaddress.IPv6Network):
        return part.subnet_of(whole)
    return False


FUNCTIONS: tuple[Function, ...] = (
    function("ip", "string", "IP", lambda text: str(_address(text))),
    function("isIP", "string", "bool", _is_ip),
    function("ip.isCanonical", "string", "bool", lambda text: str(_address(text)) == text),
    function("string", "IP", "string", str, "net.@string"),
    method("family", "IP", "int", lambda text: _address(text).version),
    method("isUnspecified", "IP", "bool", lambda text: _address(text).is_unspecified),
    method("isLoopback", "IP", "bool", lambda text: _address(text).is_loopback),
    method("isLinkLocalMulticast", "IP", "bool", _is_link_local_multicast),
    method("isLinkLocalUnicast", "IP", "bool", _is_link_local_unicast),
    method("isGlobalUnicast", "IP", "bool", _is_global_unicast),
    function("cidr", "string", "CIDR", lambda text: str(_interface(text))),
    function("string", "CIDR", "string", str, "net.@string"),
    function("isCIDR", "string", "bool", _is_cidr),
    method("containsIP", "CIDR string", "bool", _contains_ip),
    method("containsIP", "CIDR IP", "bool", _contains_ip),
    method("containsCIDR", "CIDR string", "bool", _contains_cidr),
    method("containsCIDR", "CIDR CIDR", "bool", _contains_cidr),
    method("ip", "CIDR", "IP", lambda text: str(_interface(text).ip)),
    method("prefixLength", "CIDR", "int", lambda text: _interface(text).network.prefixlen),
    method("masked", "CIDR", "CIDR", lambda text: str(_interface(text).network)),
)
