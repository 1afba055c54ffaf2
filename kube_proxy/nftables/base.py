"""What the nftables ruleset has without any service: entry points, maps, masquerading, refusal. Pure."""

from __future__ import annotations

from kube_proxy.context import Context
from kube_proxy.nftables import names
from kube_proxy.ruleset import Chain, Map, Ruleset, Set

_DESTINATION = "{address} . inet_proto . inet_service : verdict"
_PORT = "inet_proto . inet_service : verdict"


def base_rules(context: Context) -> Ruleset:
    ip, address = context.family.keyword, context.family.address_type
    destination = f"{ip} daddr . meta l4proto . th dport vmap"
    to_node = f"{_to_node(context)} meta l4proto . th dport vmap"
    new = "ct state new jump"
    mark = context.masquerade_mark
    rules: dict[str, tuple[str, ...]] = {
        names.CLUSTER_IPS_CHECK_CHAIN: _cluster_ips_check(context),
        names.SERVICES_CHAIN: (
            f"{destination} @{names.SERVICE_IPS_MAP}",
            f"{to_node} @{names.SERVICE_NODE_PORTS_MAP}",
        ),
        names.ENDPOINTS_CHECK_CHAIN: (f"{destination} @{names.NO_ENDPOINT_SERVICES_MAP}",),
        names.NODE_PORT_ENDPOINTS_CHECK_CHAIN: (f"{to_node} @{names.NO_ENDPOINT_NODE_PORTS_MAP}",),
        names.FIREWALL_CHECK_CHAIN: (f"{destination} @{names.FIREWALL_IPS_MAP}",),
        names.REJECT_CHAIN: ("reject",),
        names.MARK_CHAIN: (f"mark set mark or {mark}",),
        names.MASQUERADING_CHAIN: (
            f"mark and {mark} == 0 return",
            f"mark set mark xor {mark}",
            "masquerade fully-random",
        ),
    }
    comments = {names.REJECT_CHAIN: "helper for @no-endpoint-services / @no-endpoint-nodeports"}
    chains = {name: Chain(each, comment=comments.get(name, "")) for name, each in rules.items()}
    return Ruleset(chains | _hooks(new), _maps(address), _sets(context))


def _to_node(context: Context) -> str:
    """Loopback is left out: answers to it could come from elsewhere."""
    family = context.family
    if context.node_ports_everywhere:
        return f"fib daddr type local {family.keyword} daddr != {family.loopback}"
    return f"{family.keyword} daddr @{names.NODE_PORT_IPS_SET}"


def _cluster_ips_check(context: Context) -> tuple[str, ...]:
    ip = context.family.keyword
    rules = [
        f'{ip} daddr @{names.CLUSTER_IPS_SET} reject comment "Reject traffic to invalid ports of ClusterIPs"'
    ]
    if context.service_cidrs:
        cidrs = ", ".join(context.service_cidrs)
        rules.append(f'{ip} daddr {{ {cidrs} }} drop comment "Drop traffic to unallocated ClusterIPs"')
    return tuple(rules)


def _hooks(new: str) -> dict[str, Chain]:
    """Where packets come in. Firewall rules must see destinations before they are changed."""
    services, check = f"jump {names.SERVICES_CHAIN}", f"{new} {names.ENDPOINTS_CHECK_CHAIN}"
    firewall, cluster_ips = f"{new} {names.FIREWALL_CHECK_CHAIN}", f"{new} {names.CLUSTER_IPS_CHECK_CHAIN}"
    node_ports = f"{new} {names.NODE_PORT_ENDPOINTS_CHECK_CHAIN}"
    return {
        "filter-prerouting-pre-dnat": Chain((firewall,), "type filter hook prerouting priority -110"),
        "filter-output-pre-dnat": Chain((firewall,), "type filter hook output priority -110"),
        "filter-input": Chain((node_ports, check), "type filter hook input priority 0"),
        "filter-forward": Chain((check, cluster_ips), "type filter hook forward priority 0"),
        "filter-output": Chain((check, cluster_ips), "type filter hook output priority 0"),
        "nat-prerouting": Chain((services,), "type nat hook prerouting priority -100"),
        "nat-output": Chain((services,), "type nat hook output priority -100"),
        "nat-postrouting": Chain(
            (f"jump {names.MASQUERADING_CHAIN}",), "type nat hook postrouting priority 100"
        ),
    }


def _maps(address: str) -> dict[str, Map]:
    destination = _DESTINATION.format(address=address)
    return {
        names.FIREWALL_IPS_MAP: Map(destination, "destinations that are subject to LoadBalancerSourceRanges"),
        names.NO_ENDPOINT_NODE_PORTS_MAP: Map(
            _PORT, "vmap to drop or reject packets to service nodeports with no endpoints"
        ),
        names.NO_ENDPOINT_SERVICES_MAP: Map(
            destination, "vmap to drop or reject packets to services with no endpoints"
        ),
        names.SERVICE_IPS_MAP: Map(destination, "ClusterIP, ExternalIP and LoadBalancer IP traffic"),
        names.SERVICE_NODE_PORTS_MAP: Map(_PORT, "NodePort traffic"),
    }


def _sets(context: Context) -> dict[str, Set]:
    address = context.family.address_type
    return {
        names.CLUSTER_IPS_SET: Set(address, "Active ClusterIPs"),
        names.NODE_PORT_IPS_SET: Set(
            address, "IPs that accept NodePort traffic", elements=frozenset(context.node_port_ips)
        ),
    }
