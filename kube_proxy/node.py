"""This node: which of its addresses take NodePort traffic, and how its pods' traffic is recognized."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_address, ip_network

from apimachinery.objects import Object, get_path, is_terminating, labels_of
from kube_proxy.config import PRIMARY, Configuration
from kube_proxy.context import Context

TO_BE_DELETED_TAINT = "ToBeDeletedByClusterAutoscaler"


def base_context(config: Configuration, hostname: str) -> Context:
    return Context(
        node=hostname,
        masquerade_all=config.masquerade_all,
        masquerade_mark=f"{1 << config.masquerade_bit:#x}",
    )


def context_of(
    base: Context, config: Configuration, node: Object | None, addresses: Iterable[str], cidrs: Iterable[str]
) -> Context:
    """The context for what is known of the node. `addresses` are those of its interfaces."""
    node = node or {}
    own = tuple(
        each["address"]
        for each in get_path(node, "status.addresses", [])
        if each["type"] == "InternalIP" and ip_address(each["address"]).version == base.family.version
    )
    is_local, is_not_local = detect_local(config, get_path(node, "spec.podCIDR", ""), base.family.keyword)
    return replace(
        base,
        node_labels=labels_of(node),
        node_ips=own,
        node_port_ips=tuple(sorted(node_port_ips(config.node_port_addresses, own, addresses))),
        is_local=is_local,
        is_not_local=is_not_local,
        service_cidrs=tuple(sorted(each for each in cidrs if (":" in each) == (base.family.version == 6))),
    )


def node_port_ips(wanted: Iterable[str], own: Iterable[str], addresses: Iterable[str]) -> set[str]:
    """Loopback is left out, as upstream's nftables mode has it: it can't be made to work safely."""
    found: set[str] = set()
    for each in wanted:
        if each == PRIMARY:
            found.update(own)
            continue
        network = ip_network(each, strict=False)
        found.update(ip for ip in addresses if ip_address(ip) in network and not ip_address(ip).is_loopback)
    return found


def detect_local(config: Configuration, pod_cidr: str, ip: str) -> tuple[str, str]:
    """(match for traffic of pods, match for all other); both empty where that can't be told."""
    mode = config.detect_local_mode or ("ClusterCIDR" if config.cluster_cidr else "")
    match mode:
        case "ClusterCIDR" if config.cluster_cidr:
            cidr = next(
                (each for each in config.cluster_cidr.split(",") if (":" in each) == (ip == "ip6")), ""
            )
            return (f"{ip} saddr {cidr}", f"{ip} saddr != {cidr}") if cidr else ("", "")
        case "NodeCIDR" if pod_cidr:
            return f"{ip} saddr {pod_cidr}", f"{ip} saddr != {pod_cidr}"
        case "BridgeInterface":
            return f'iifname "{config.bridge_interface}"', f'iifname != "{config.bridge_interface}"'
        case "InterfaceNamePrefix":
            prefix = config.interface_name_prefix
            return f'iifname "{prefix}*"', f'iifname != "{prefix}*"'
    return "", ""


def is_eligible(node: Object | None) -> bool:
    """Whether balancers should send traffic here: not to a node that is about to go."""
    if node is None or is_terminating(node):
        return False
    taints = get_path(node, "spec.taints", [])
    return all(each.get("key") != TO_BE_DELETED_TAINT for each in taints)
