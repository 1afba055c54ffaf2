"""PortPlan: what becomes of packets to one service port. Pure, and the same whatever writes the rules.

Packets to the cluster IP are internal traffic, those to any other address of the service external; either may
be bound to endpoints on this node. What is not led to an endpoint is refused where nobody could answer it,
and dropped where another node could.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address, ip_network

from kube_proxy.context import Context
from kube_proxy.endpoints import Endpoint, Usable, choose
from kube_proxy.services import ServicePort


class Kind(StrEnum):
    """What sort of address packets were sent to."""

    CLUSTER_IP = "cluster IP"
    EXTERNAL_IP = "external IP"
    LOAD_BALANCER = "loadbalancer IP"
    NODE_PORT = "node port"


class Policy(StrEnum):
    """Which endpoints traffic may go to: any, or those of this node."""

    CLUSTER = "cluster"
    LOCAL = "local"


class Refusal(StrEnum):
    """What becomes of packets that no rule has led away."""

    REJECT = "has no endpoints"
    DROP = "has no local endpoints"


@dataclass(frozen=True, slots=True)
class Capture:
    """One destination of the port. `is_led`: its traffic goes to a chain of the service."""

    kind: Kind
    ip: str  # "" of a node port: any address that takes them
    port: int
    is_led: bool
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class PortPlan:
    port: ServicePort
    endpoints: Usable

    @property
    def internal_policy(self) -> Policy:
        return Policy.LOCAL if self.port.is_internal_local else Policy.CLUSTER

    @property
    def external_policy(self) -> Policy:
        return Policy.LOCAL if self.port.is_external_local else Policy.CLUSTER

    @property
    def has_internal(self) -> bool:
        return self._has(self.internal_policy)

    @property
    def has_external(self) -> bool:
        return self._has(self.external_policy)

    def _has(self, policy: Policy) -> bool:
        return bool(self.endpoints.local) if policy is Policy.LOCAL else self.endpoints.exist

    @property
    def takes_external(self) -> bool:
        """Even without endpoints here: what comes from this node or its pods may go to others."""
        return self.endpoints.exist and self.port.is_externally_accessible

    @property
    def is_firewalled(self) -> bool:
        return bool(self.port.load_balancer_ips and self.port.source_ranges)

    def captures(self) -> list[Capture]:
        port = self.port
        found = [self._capture(Kind.CLUSTER_IP, port.cluster_ip)]
        found += [self._capture(Kind.EXTERNAL_IP, ip) for ip in port.external_ips]
        found += [self._capture(Kind.LOAD_BALANCER, ip) for ip in port.load_balancer_ips]
        if port.node_port:
            found.append(self._capture(Kind.NODE_PORT, ""))
        return found

    def _capture(self, kind: Kind, ip: str) -> Capture:
        is_internal = kind is Kind.CLUSTER_IP
        has_endpoints = self.has_internal if is_internal else self.has_external
        refusal = None if has_endpoints else Refusal.DROP if self.endpoints.exist else Refusal.REJECT
        number = self.port.node_port if kind is Kind.NODE_PORT else self.port.port
        return Capture(kind, ip, number, has_endpoints if is_internal else self.endpoints.exist, refusal)

    def spreads(self) -> Iterable[tuple[Policy, Sequence[Endpoint]]]:
        """For each policy that is used and has endpoints, these."""
        if self.port.uses_cluster_endpoints and self.endpoints.cluster:
            yield Policy.CLUSTER, self.endpoints.cluster
        if self.port.uses_local_endpoints and self.endpoints.local:
            yield Policy.LOCAL, self.endpoints.local

    def allowed_sources(self, node_ips: Iterable[str]) -> list[str]:
        """Who may reach the balancer's addresses.

        What this node sends there may come back with that address as its source.
        """
        ranges = list(self.port.source_ranges)
        if any(_contains(cidr, ip) for cidr in ranges for ip in node_ips):
            ranges += self.port.load_balancer_ips
        return ranges


def plan_port(port: ServicePort, endpoints: Sequence[Endpoint], context: Context) -> PortPlan:
    return PortPlan(port, choose(port, endpoints, context.local_nodes, context.node_labels))


def _contains(cidr: str, ip: str) -> bool:
    return ip_address(ip) in ip_network(cidr, strict=False)
