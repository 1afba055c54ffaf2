"""The rules of one service port in iptables: pure, from its plan to a part of the ruleset.

A packet to a service address is sent by a rule in KUBE-SERVICES to the port's chain (KUBE-SVC-, KUBE-SVL- or
KUBE-EXT-), from there at random to an endpoint's (KUBE-SEP-), and there gets its new destination. What still
has a service's address when the table filter sees it is refused. Structure and names are upstream's.
"""

from __future__ import annotations

from collections.abc import Sequence

from kube_proxy.context import Context, PodTraffic
from kube_proxy.endpoints import Endpoint
from kube_proxy.iptables import names
from kube_proxy.iptables.base import commented
from kube_proxy.iptables.names import FILTER, MARK, NAT
from kube_proxy.port_plan import Capture, Kind, Policy, PortPlan, Refusal
from kube_proxy.ruleset import Chain, Fragment

_TARGETS = {Refusal.REJECT: "REJECT", Refusal.DROP: "DROP"}


def port_rules(plan: PortPlan, context: Context) -> Fragment:
    return _PortRules(plan, context).fragment()


class _PortRules:
    """Writes the rules of one port."""

    def __init__(self, plan: PortPlan, context: Context) -> None:
        self._plan, self._port, self._context = plan, plan.port, context
        self._name = str(plan.port.name)
        self._hash = names.service_hash(plan.port.name)
        self._external_chain = names.EXTERNAL_PREFIX + self._hash
        self._firewall_chain = names.LOAD_BALANCER_PREFIX + self._hash
        self._is_firewalled = plan.is_firewalled and plan.endpoints.exist
        self._chains: dict[str, list[str]] = {}
        self._rules: dict[str, list[str]] = {}

    def fragment(self) -> Fragment:
        for capture in self._plan.captures():
            self._capture(capture)
        self._health_check()
        self._internal_traffic()
        self._external_traffic()
        self._firewall()
        for policy, endpoints in self._plan.spreads():
            self._spread(self._chain_of(policy), endpoints)
        for endpoint in self._plan.endpoints.reachable:
            self._deliver(endpoint)
        return Fragment(
            chains={f"{NAT} {name}": Chain(tuple(rules)) for name, rules in self._chains.items()},
            rules={name: tuple(rules) for name, rules in self._rules.items()},
        )

    def _chain_of(self, policy: Policy) -> str:
        return names.POLICY_PREFIXES[policy] + self._hash

    def _own(self, chain: str, rule: str) -> None:
        """A rule in a chain of this port's."""
        self._chains.setdefault(chain, []).append(rule)

    def _common(self, table: str, chain: str, rule: str) -> None:
        """A rule in a chain of all ports."""
        self._rules.setdefault(f"{table} {chain}", []).append(rule)

    def _protocol(self) -> str:
        return f"-m {self._port.protocol} -p {self._port.protocol}"

    def _to(self, ip: str, number: int) -> str:
        """Matches what goes there."""
        address = f" -d {ip}" if ip else ""
        return f"{self._protocol()}{address} --dport {number}"

    def _capture(self, capture: Capture) -> None:
        if capture.is_led:
            self._lead(capture)
        if capture.refusal:
            self._refuse(capture, capture.refusal)
        if self._is_firewalled and capture.kind is Kind.LOAD_BALANCER:
            comment = commented(f"{self._name} traffic not accepted by {self._firewall_chain}")
            self._common(
                FILTER, names.PROXY_FIREWALL, f"{comment} {self._to(capture.ip, capture.port)} -j DROP"
            )

    def _lead(self, capture: Capture) -> None:
        match capture.kind:
            case Kind.NODE_PORT:
                rule = (
                    f"{commented(self._name)} {self._to(capture.ip, capture.port)} -j {self._external_chain}"
                )
                self._common(NAT, names.NODE_PORTS, rule)
                return
            case Kind.CLUSTER_IP:
                chain = self._chain_of(self._plan.internal_policy)
            case Kind.LOAD_BALANCER if self._is_firewalled:
                chain = self._firewall_chain
            case _:
                chain = self._external_chain
        comment = commented(f"{self._name} {capture.kind}")
        self._common(NAT, names.SERVICES, f"{comment} {self._to(capture.ip, capture.port)} -j {chain}")

    def _refuse(self, capture: Capture, refusal: Refusal) -> None:
        is_internal = capture.kind is Kind.CLUSTER_IP
        chain = names.SERVICES if is_internal else names.EXTERNAL_SERVICES
        local = "-m addrtype --dst-type LOCAL " if capture.kind is Kind.NODE_PORT else ""
        comment = commented(f"{self._name} {refusal}")
        self._common(
            FILTER, chain, f"{comment} {local}{self._to(capture.ip, capture.port)} -j {_TARGETS[refusal]}"
        )

    def _health_check(self) -> None:
        """Balancers may ask whether the node has endpoints or not, and whatever the machine's policy is."""
        if number := self._port.health_check_node_port:
            comment = commented(f"{self._name} health check node port")
            self._common(FILTER, names.NODE_PORTS, f"{comment} -m tcp -p tcp --dport {number} -j ACCEPT")

    def _internal_traffic(self) -> None:
        """Traffic from outside may be sent on to another node: its answers must come back here."""
        if not self._plan.has_internal:
            return
        chain, pods = self._chain_of(self._plan.internal_policy), self._context.pods
        to_cluster_ip = (
            f"{commented(f'{self._name} cluster IP')} {self._to(self._port.cluster_ip, self._port.port)}"
        )
        if self._context.masquerade_all:
            self._own(chain, f"{to_cluster_ip} -j {MARK}")
        elif pods is not None:
            self._own(chain, f"{to_cluster_ip} {_match(pods, negated=True)} -j {MARK}")

    def _external_traffic(self) -> None:
        if not self._plan.takes_external:
            return
        chain = self._external_chain
        if self._plan.external_policy is Policy.LOCAL:
            self._external_traffic_stays_here()
        else:
            comment = commented(f"masquerade traffic for {self._name} external destinations")
            self._own(chain, f"{comment} -j {MARK}")
        if self._plan.has_external:
            self._own(chain, f"-j {self._chain_of(self._plan.external_policy)}")

    def _external_traffic_stays_here(self) -> None:
        """Sources are kept; pods and the node itself are led as if they had come through a balancer."""
        chain, cluster, pods = self._external_chain, self._chain_of(Policy.CLUSTER), self._context.pods
        destinations = f"traffic for {self._name} external destinations"
        local = "-m addrtype --src-type LOCAL"
        if pods is not None:
            self._own(chain, f"{commented(f'pod {destinations}')} {_match(pods)} -j {cluster}")
        self._own(chain, f"{commented(f'masquerade LOCAL {destinations}')} {local} -j {MARK}")
        self._own(chain, f"{commented(f'route LOCAL {destinations}')} {local} -j {cluster}")

    def _firewall(self) -> None:
        """Whoever is not let through here keeps the balancer's address, and is dropped by that later."""
        if not self._is_firewalled:
            return
        comment = commented(f"{self._name} loadbalancer IP")
        for source in self._plan.allowed_sources(self._context.node_ips):
            self._own(self._firewall_chain, f"{comment} -s {source} -j {self._external_chain}")
        rest = f"other traffic to {self._name} will be dropped by {names.PROXY_FIREWALL}"
        self._own(self._firewall_chain, commented(rest))

    def _spread(self, chain: str, endpoints: Sequence[Endpoint]) -> None:
        for endpoint in endpoints if self._port.affinity_seconds else ():
            target = self._endpoint_chain(endpoint)
            recent = f"-m recent --name {target} --rcheck --seconds {self._port.affinity_seconds} --reap"
            self._own(chain, f"{self._arrow(endpoint)} {recent} -j {target}")
        for left, endpoint in zip(range(len(endpoints), 0, -1), endpoints, strict=True):
            # Of those left each is as likely; the last takes what is left.
            chance = f" -m statistic --mode random --probability {1 / left:.10f}" if left > 1 else ""
            self._own(chain, f"{self._arrow(endpoint)}{chance} -j {self._endpoint_chain(endpoint)}")

    def _arrow(self, endpoint: Endpoint) -> str:
        return commented(f"{self._name} -> {endpoint.address}")

    def _deliver(self, endpoint: Endpoint) -> None:
        chain, comment = self._endpoint_chain(endpoint), commented(self._name)
        # A pod that reaches itself through a service must not see its own address as the source.
        self._own(chain, f"{comment} -s {endpoint.ip} -j {MARK}")
        remember = f" -m recent --name {chain} --set" if self._port.affinity_seconds else ""
        target = f"-j DNAT --to-destination {endpoint.address}"
        self._own(chain, f"{comment}{remember} {self._protocol()} {target}")

    def _endpoint_chain(self, endpoint: Endpoint) -> str:
        return names.endpoint_chain(self._port.name, endpoint.address)


def _match(pods: PodTraffic, *, negated: bool = False) -> str:
    is_not = "! " if negated else ""
    match pods.by:
        case "source":
            return f"{is_not}-s {pods.value}"
        case "interface":
            return f"{is_not}-i {pods.value}"
        case "interface prefix":
            return f"{is_not}-i {pods.value}+"
