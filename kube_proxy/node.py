"""This node: which of its addresses take NodePort traffic, and how its pods' traffic is recognized."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_address, ip_network

from apimachinery.objects import Object, get_path, is_terminating, labels_of
from kube_proxy.config import PRIMARY, Configuration
from kube_proxy.context import Context, PodTraffic

TO_BE_DELETED_TAINT = "ToBeDeletedByClusterAutoscaler"


EVERYWHERE = ("0.0.0.0/0", "::/0")


def base_context(config: Configuration, hostname: str, *, tcp_be_liberal: bool = False) -> Context:
    return Context(
        node=hostname,
        neighbours=config.neighbours,
        node_ports_everywhere=are_node_ports_everywhere(config),
        localhost_node_ports=wants_localhost_node_ports(config),
        masquerade_all=config.masquerade_all,
        masquerade_mark=f"{1 << config.masquerade_bit:#x}",
        tcp_be_liberal=tcp_be_liberal,
    )


def are_node_ports_everywhere(config: Configuration) -> bool:
    if not config.node_port_addresses:
        return config.mode == "iptables"
    return any(each in EVERYWHERE for each in config.node_port_addresses)


def wants_localhost_node_ports(config: Configuration) -> bool:
    """Only iptables can do it, and only where loopback is among the addresses for node ports."""
    if config.mode != "iptables" or not config.localhost_node_ports:
        return False
    loopback = ip_network("127.0.0.0/8")
    return are_node_ports_everywhere(config) or any(
        ip_network(each, strict=False).overlaps(loopback) for each in _cidrs(config) if ":" not in each
    )


def context_of(
    base: Context, config: Configuration, node: Object | None, addresses: Iterable[str], cidrs: Iterable[str]
) -> Context:
    """The context for what is known of the node. `addresses` are those of its interfaces."""
    node = node or {}
    own = _node_ips(config, node, base.family.version)
    return replace(
        base,
        node_labels=labels_of(node),
        node_ips=own,
        node_port_ips=tuple(sorted(node_port_ips(config, own, addresses, base.family.version))),
        pods=detect_local(config, get_path(node, "spec.podCIDR", ""), base.family.version),
        service_cidrs=tuple(sorted(each for each in cidrs if (":" in each) == (base.family.version == 6))),
    )


def _node_ips(config: Configuration, node: Object, version: int) -> tuple[str, ...]:
    reported = [
        each["address"] for each in get_path(node, "status.addresses", []) if each["type"] == "InternalIP"
    ]
    given = config.bind_address
    if not ip_address(given).is_unspecified and ip_address(given).version == version:
        return (given,)
    return tuple(each for each in reported if ip_address(each).version == version)


def node_port_ips(
    config: Configuration, own: Iterable[str], addresses: Iterable[str], version: int
) -> set[str]:
    """The node's own, unless more are asked for. On loopback node ports work with iptables only."""
    chosen = config.node_port_addresses
    found = set(own) if PRIMARY in chosen or not (chosen or are_node_ports_everywhere(config)) else set()
    networks = [ip_network(each, strict=False) for each in _cidrs(config)]
    local = [ip_address(each) for each in addresses]
    found.update(
        str(ip)
        for ip in local
        if ip.version == version
        and (not ip.is_loopback or wants_localhost_node_ports(config))
        and (are_node_ports_everywhere(config) or any(ip in network for network in networks))
    )
    return found


def _cidrs(config: Configuration) -> list[str]:
    return [each for each in config.node_port_addresses if each != PRIMARY]


def detect_local(config: Configuration, pod_cidr: str, version: int) -> PodTraffic | None:
    """None where pods' traffic can't be told from that of others."""
    mode = config.detect_local_mode or ("ClusterCIDR" if config.cluster_cidr else "")
    match mode:
        case "ClusterCIDR" if config.cluster_cidr:
            ours = (each for each in config.cluster_cidr.split(",") if (":" in each) == (version == 6))
            cidr = next(ours, "")
            return PodTraffic("source", cidr) if cidr else None
        case "NodeCIDR" if pod_cidr:
            return PodTraffic("source", pod_cidr)
        case "BridgeInterface":
            return PodTraffic("interface", config.bridge_interface)
        case "InterfaceNamePrefix":
            return PodTraffic("interface prefix", config.interface_name_prefix)
    return None


def is_eligible(node: Object | None) -> bool:
    """Whether balancers should send traffic here: not to a node that is about to go."""
    if node is None or is_terminating(node):
        return False
    taints = get_path(node, "spec.taints", [])
    return all(each.get("key") != TO_BE_DELETED_TAINT for each in taints)
