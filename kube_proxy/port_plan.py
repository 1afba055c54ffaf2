"""The rules of one service port: pure, from the port and its endpoints to a part of the ruleset.

A packet to a service address is led by a map to the port's chain (`service-`, `local-` or `external-`), from
there at random to an endpoint's chain, and there gets its new destination. Destinations without endpoints are
refused or dropped before that. The structure and the names are upstream's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from kube_proxy import names
from kube_proxy.context import Context
from kube_proxy.endpoints import Endpoint, Usable, choose
from kube_proxy.ruleset import Chain, Element, Set
from kube_proxy.services import ServicePort


@dataclass(frozen=True, slots=True)
class Fragment:
    """The part of a ruleset that one service port makes."""

    chains: Mapping[str, Chain]
    sets: Mapping[str, Set]
    elements: Mapping[str, Mapping[str, Element]]
    cluster_ip: str


def plan_port(port: ServicePort, endpoints: Sequence[Endpoint], context: Context) -> Fragment:
    usable = choose(port, endpoints, context.node, context.node_labels)
    return _PortPlan(port, usable, context).fragment()


class _PortPlan:
    """Writes the rules of one port."""

    def __init__(self, port: ServicePort, usable: Usable, context: Context) -> None:
        self._port, self._usable, self._context = port, usable, context
        self._ip = context.family.keyword
        base = names.service_base(port.name)
        self._cluster_chain, self._local_chain = f"service-{base}", f"local-{base}"
        self._external_chain, self._firewall_chain = f"external-{base}", f"firewall-{base}"
        self._rules: dict[str, list[str]] = {}
        self._elements: dict[str, dict[str, Element]] = {}

    def fragment(self) -> Fragment:
        self._capture_destinations()
        self._internal_traffic()
        self._external_traffic()
        self._balance()
        for endpoint in self._usable.reachable:
            self._deliver(endpoint)
        chains = {name: Chain(tuple(rules)) for name, rules in self._rules.items()}
        return Fragment(chains, self._affinity_sets(), self._elements, self._port.cluster_ip)

    @property
    def _has_internal(self) -> bool:
        return bool(self._usable.local) if self._port.is_internal_local else self._usable.exist

    @property
    def _has_external(self) -> bool:
        return bool(self._usable.local) if self._port.is_external_local else self._usable.exist

    @property
    def _internal_chain(self) -> str:
        return self._local_chain if self._port.is_internal_local else self._cluster_chain

    def _add(self, chain: str, rule: str) -> None:
        self._rules.setdefault(chain, []).append(rule)

    def _lead(self, name: str, key: str, verdict: str, comment: str = "") -> None:
        self._elements.setdefault(name, {})[key] = Element(verdict, comment)

    def _destination(self, ip: str) -> str:
        return f"{ip} . {self._port.protocol} . {self._port.port}"

    def _capture_destinations(self) -> None:
        port = self._port
        self._capture(self._destination(port.cluster_ip), is_external=False)
        for ip in (*port.external_ips, *port.load_balancer_ips):
            self._capture(self._destination(ip), is_external=True)
        if port.node_port:
            self._capture(f"{port.protocol} . {port.node_port}", is_external=True, is_node_port=True)
        if port.load_balancer_ips and port.source_ranges:
            self._firewall()

    def _capture(self, key: str, *, is_external: bool, is_node_port: bool = False) -> None:
        services, refused = names.SERVICE_IPS_MAP, names.NO_ENDPOINT_SERVICES_MAP
        if is_node_port:
            services, refused = names.SERVICE_NODE_PORTS_MAP, names.NO_ENDPOINT_NODE_PORTS_MAP
        # Without local endpoints external traffic still has its chain: what comes from here may pass.
        if self._usable.exist if is_external else self._has_internal:
            self._lead(services, key, f"goto {self._external_chain if is_external else self._internal_chain}")
        if not (self._has_external if is_external else self._has_internal):
            verdict = "drop" if self._usable.exist else f"goto {names.REJECT_CHAIN}"
            self._lead(refused, key, verdict, str(self._port.name))

    def _firewall(self) -> None:
        port = self._port
        sources = list(port.source_ranges)
        if any(_contains(cidr, ip) for cidr in sources for ip in self._context.node_ips):
            # What this node sends to the balancer's address may come back with that as its source.
            sources += port.load_balancer_ips
        self._add(self._firewall_chain, f"{self._ip} saddr != {{ {', '.join(sources)} }} drop")
        for ip in port.load_balancer_ips:
            self._lead(
                names.FIREWALL_IPS_MAP, self._destination(ip), f"goto {self._firewall_chain}", str(port.name)
            )

    def _internal_traffic(self) -> None:
        """Traffic from outside may be sent on to another node: its answers must come back here."""
        if not self._has_internal:
            return
        match = f"{self._ip} daddr {self._port.cluster_ip}"
        if self._context.masquerade_all:
            self._add(self._internal_chain, f"{match} jump {names.MARK_CHAIN}")
        elif self._context.is_not_local:
            self._add(self._internal_chain, f"{match} {self._context.is_not_local} jump {names.MARK_CHAIN}")

    def _external_traffic(self) -> None:
        if not (self._usable.exist and self._port.is_externally_accessible):
            return
        if self._port.is_external_local:
            self._external_traffic_stays_here()
        else:
            self._add(self._external_chain, f"jump {names.MARK_CHAIN}")
        if self._has_external:
            chain = self._local_chain if self._port.is_external_local else self._cluster_chain
            self._add(self._external_chain, f"goto {chain}")

    def _external_traffic_stays_here(self) -> None:
        """Sources are kept; pods and the node itself are led as if they had come through a balancer."""
        cluster = self._cluster_chain
        if self._context.is_local:
            self._add(
                self._external_chain,
                f'{self._context.is_local} goto {cluster} comment "short-circuit pod traffic"',
            )
        self._add(
            self._external_chain,
            f'fib saddr type local jump {names.MARK_CHAIN} comment "masquerade local traffic"',
        )
        self._add(
            self._external_chain,
            f'fib saddr type local goto {cluster} comment "short-circuit local traffic"',
        )

    def _balance(self) -> None:
        if self._port.uses_cluster_endpoints:
            self._spread(self._cluster_chain, self._usable.cluster)
        if self._port.uses_local_endpoints:
            self._spread(self._local_chain, self._usable.local)

    def _spread(self, chain: str, endpoints: Sequence[Endpoint]) -> None:
        if not endpoints:
            return
        for endpoint in endpoints if self._port.affinity_seconds else ():
            affinity = self._name("affinity", endpoint)
            self._add(chain, f"{self._ip} saddr @{affinity} goto {self._name('endpoint', endpoint)}")
        ways = " , ".join(
            f"{number} : goto {self._name('endpoint', endpoint)}" for number, endpoint in enumerate(endpoints)
        )
        self._add(chain, f"numgen random mod {len(endpoints)} vmap {{ {ways} }}")

    def _deliver(self, endpoint: Endpoint) -> None:
        chain = self._name("endpoint", endpoint)
        # A pod that reaches itself through a service must not see its own address as the source.
        self._add(chain, f"{self._ip} saddr {endpoint.ip} jump {names.MARK_CHAIN}")
        if self._port.affinity_seconds:
            self._add(chain, f"update @{self._name('affinity', endpoint)} {{ {self._ip} saddr }}")
        self._add(chain, f"meta l4proto {self._port.protocol} dnat to {endpoint.address}")

    def _affinity_sets(self) -> dict[str, Set]:
        if not self._port.affinity_seconds:
            return {}
        kind = Set(self._context.family.address_type, timeout_seconds=self._port.affinity_seconds)
        return {self._name("affinity", endpoint): kind for endpoint in self._usable.reachable}

    def _name(self, what: str, endpoint: Endpoint) -> str:
        return f"{what}-{names.endpoint_base(self._port.name, endpoint.ip, endpoint.port)}"


def _contains(cidr: str, ip: str) -> bool:
    return ip_address(ip) in ip_network(cidr, strict=False)
