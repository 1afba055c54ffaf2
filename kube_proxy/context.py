"""Context: what a node's rules depend on besides Services."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple


@dataclass(frozen=True, slots=True)
class Family:
    """How an IP family is spelled in rules."""

    version: int
    keyword: str
    address_type: str
    loopback: str


IPV4, IPV6 = Family(4, "ip", "ipv4_addr", "127.0.0.0/8"), Family(6, "ip6", "ipv6_addr", "::1")


class PodTraffic(NamedTuple):
    """How traffic of this cluster's pods is recognized: by its source, or by where it comes in."""

    by: Literal["source", "interface", "interface prefix"]
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a node's rules depend on besides services.

    `neighbours` are further nodes that share this machine's network: their endpoints are local as well.
    `node_port_ips` take NodePort traffic; with `node_ports_everywhere` every local address does. Without
    `pods` nobody can tell pods' traffic from that of others.
    """

    node: str = ""
    neighbours: tuple[str, ...] = ()
    node_labels: Mapping[str, str] = field(default_factory=dict)
    node_ips: tuple[str, ...] = ()
    node_port_ips: tuple[str, ...] = ()
    node_ports_everywhere: bool = False
    localhost_node_ports: bool = False
    family: Family = IPV4
    pods: PodTraffic | None = None
    masquerade_all: bool = False
    masquerade_mark: str = "0x4000"
    service_cidrs: tuple[str, ...] = ()
    tcp_be_liberal: bool = False

    @property
    def local_nodes(self) -> frozenset[str]:
        return frozenset((self.node, *self.neighbours))
