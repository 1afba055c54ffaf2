"""Context: what a node's rules depend on besides Services."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Family:
    """How an IP family is spelled in rules."""

    version: int
    keyword: str
    address_type: str


IPV4, IPV6 = Family(4, "ip", "ipv4_addr"), Family(6, "ip6", "ipv6_addr")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a node's rules depend on besides services.

    `is_local`, `is_not_local`: how to tell traffic of this cluster's pods; empty if nobody can.
    """

    node: str = ""
    node_labels: Mapping[str, str] = field(default_factory=dict)
    node_ips: tuple[str, ...] = ()
    node_port_ips: tuple[str, ...] = ()
    family: Family = IPV4
    is_local: str = ""
    is_not_local: str = ""
    masquerade_all: bool = False
    masquerade_mark: str = "0x4000"
    service_cidrs: tuple[str, ...] = ()
