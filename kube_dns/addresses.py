"""Addresses as they occur in names: reverse names, the names of endpoints without one, the names of pods."""

from __future__ import annotations

from ipaddress import ip_address

IPV4_REVERSE, IPV6_REVERSE = ".in-addr.arpa.", ".ip6.arpa."
_NIBBLES = 32


def canonical(text: str) -> str | None:
    """The one spelling of an address, or None if it is none."""
    try:
        return str(ip_address(text))
    except ValueError:
        return None


def type_of(address: str) -> str:
    """The type of the record that holds an address."""
    return "AAAA" if ":" in address else "A"


def from_reverse_name(name: str) -> str | None:
    """10.96.0.1 of 1.0.96.10.in-addr.arpa. and the like; None of any other name."""
    if name.endswith(IPV4_REVERSE):
        return canonical(".".join(reversed(name.removesuffix(IPV4_REVERSE).split("."))))
    if not name.endswith(IPV6_REVERSE):
        return None
    nibbles = "".join(reversed(name.removesuffix(IPV6_REVERSE).split(".")))
    if len(nibbles) != _NIBBLES:
        return None
    return canonical(":".join(nibbles[at : at + 4] for at in range(0, _NIBBLES, 4)))


def to_label(address: str) -> str:
    """10-244-0-5: what identifies an endpoint that has no host name."""
    label = address.replace(".", "-").replace(":", "-")
    return f"{label}0" if label.endswith("-") else label


def from_label(label: str) -> str | None:
    """The address that the name of a pod says, or None if it says none."""
    is_ipv4 = label.count("-") == 3 and "--" not in label
    return canonical(label.replace("-", "." if is_ipv4 else ":"))
