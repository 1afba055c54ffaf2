"""The rules of one service port in nftables: pure, from its plan to a part of the ruleset.

A packet to a service address is led by a map to the port's chain (`service-`, `local-` or `external-`), from
there at random to an endpoint's chain, and there gets its new destination. Destinations without endpoints are
refused or dropped before that. The structure and the names are upstream's.
"""

from __future__ import annotations

from collections.abc import Sequence

from kube_proxy.context import Context, PodTraffic
from kube_proxy.endpoints import Endpoint
from kube_proxy.nftables import names
from kube_proxy.port_plan import Capture, Kind, Policy, PortPlan, Refusal
from kube_proxy.ruleset import Chain, Element, Fragment, Set

_PREFIXES = {Policy.CLUSTER: "service", Policy.LOCAL: "local"}
_VERDICTS = {Refusal.REJECT: f"goto {names.REJECT_CHAIN}", Refusal.DROP: "drop"}


def port_rules(plan: PortPlan, context: Context) -> Fragment:
    return _PortRules(plan, context).fragment()


class _PortRules:
    """Writes the rules of one port."""

    def __init__(self, plan: PortPlan, context: Context) -> None:
        self._plan, self._port, self._context = plan, plan.port, context
        self._ip = context.family.keyword
        self._base = names.service_base(plan.port.name)
        self._external_chain, self._firewall_chain = f"external-{self._base}", f"firewall-{self._base}"
        self._rules: dict[str, list[str]] = {}
        self._elements: dict[str, dict[str, Element]] = {}

    def fragment(self) -> Fragment:
        for capture in self._plan.captures():
            self._capture(capture)
        self._firewall()
        self._internal_traffic()
        self._external_traffic()
        for policy, endpoints in self._plan.spreads():
            self._spread(self._chain_of(policy), endpoints)
        for endpoint in self._plan.endpoints.reachable:
            self._deliver(endpoint)
        return Fragment(
            chains={name: Chain(tuple(rules)) for name, rules in self._rules.items()},
            sets=self._affinity_sets(),
            elements=self._elements,
            members={names.CLUSTER_IPS_SET: frozenset({self._port.cluster_ip})},
        )

    def _chain_of(self, policy: Policy) -> str:
        return f"{_PREFIXES[policy]}-{self._base}"

    def _add(self, chain: str, rule: str) -> None:
        self._rules.setdefault(chain, []).append(rule)

    def _lead(self, name: str, key: str, verdict: str, comment: str = "") -> None:
        self._elements.setdefault(name, {})[key] = Element(verdict, comment)

    def _capture(self, capture: Capture) -> None:
        services, refused = names.SERVICE_IPS_MAP, names.NO_ENDPOINT_SERVICES_MAP
        key = f"{self._port.protocol} . {capture.port}"
        if capture.kind is Kind.NODE_PORT:
            services, refused = names.SERVICE_NODE_PORTS_MAP, names.NO_ENDPOINT_NODE_PORTS_MAP
        else:
            key = f"{capture.ip} . {key}"
        if capture.is_led:
            is_internal = capture.kind is Kind.CLUSTER_IP
            chain = self._chain_of(self._plan.internal_policy) if is_internal else self._external_chain
            self._lead(services, key, f"goto {chain}")
        if capture.refusal:
            self._lead(refused, key, _VERDICTS[capture.refusal], str(self._port.name))

    def _firewall(self) -> None:
        if not self._plan.is_firewalled:
            return
        port, chain = self._port, self._firewall_chain
        sources = ", ".join(self._plan.allowed_sources(self._context.node_ips))
        self._add(chain, f"{self._ip} saddr != {{ {sources} }} drop")
        for ip in port.load_balancer_ips:
            key = f"{ip} . {port.protocol} . {port.port}"
            self._lead(names.FIREWALL_IPS_MAP, key, f"goto {chain}", str(port.name))

    def _internal_traffic(self) -> None:
        """Traffic from outside may be sent on to another node: its answers must come back here."""
        if not self._plan.has_internal:
            return
        chain, pods = self._chain_of(self._plan.internal_policy), self._context.pods
        match = f"{self._ip} daddr {self._port.cluster_ip}"
        if self._context.masquerade_all:
            self._add(chain, f"{match} jump {names.MARK_CHAIN}")
        elif pods is not None:
            self._add(chain, f"{match} {self._match(pods, negated=True)} jump {names.MARK_CHAIN}")

    def _external_traffic(self) -> None:
        if not self._plan.takes_external:
            return
        if self._plan.external_policy is Policy.LOCAL:
            self._external_traffic_stays_here()
        else:
            self._add(self._external_chain, f"jump {names.MARK_CHAIN}")
        if self._plan.has_external:
            self._add(self._external_chain, f"goto {self._chain_of(self._plan.external_policy)}")

    def _external_traffic_stays_here(self) -> None:
        """Sources are kept; pods and the node itself are led as if they had come through a balancer."""
        chain, cluster, pods = self._external_chain, self._chain_of(Policy.CLUSTER), self._context.pods
        if pods is not None:
            self._add(chain, f'{self._match(pods)} goto {cluster} comment "short-circuit pod traffic"')
        local = "fib saddr type local"
        self._add(chain, f'{local} jump {names.MARK_CHAIN} comment "masquerade local traffic"')
        self._add(chain, f'{local} goto {cluster} comment "short-circuit local traffic"')

    def _spread(self, chain: str, endpoints: Sequence[Endpoint]) -> None:
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
        return {self._name("affinity", endpoint): kind for endpoint in self._plan.endpoints.reachable}

    def _name(self, what: str, endpoint: Endpoint) -> str:
        return f"{what}-{names.endpoint_base(self._port.name, endpoint.ip, endpoint.port)}"

    def _match(self, pods: PodTraffic, *, negated: bool = False) -> str:
        is_not = "!= " if negated else ""
        match pods.by:
            case "source":
                return f"{self._ip} saddr {is_not}{pods.value}"
            case "interface":
                return f'iifname {is_not}"{pods.value}"'
            case "interface prefix":
                return f'iifname {is_not}"{pods.value}*"'
