"""Whether the cluster's networks fit into those of the machine, and go round its proxies."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network

from kubeadm.findings import Finding, error, ok, warning
from kubeadm.preflight.facts import HostFacts

OWN_INTERFACES = ("smp-", "smv")
"""What the kubelet's bridges, tunnels and pods' ends are called."""


def subnets(facts: HostFacts) -> Iterator[Finding]:
    clashes = list(_clashes(facts))
    yield from clashes
    if not clashes:
        shown = ", ".join(f"{name} {cidr}" for name, cidr in facts.cluster_networks.items())
        yield ok("subnets", f"{shown} clash with nothing")


def _clashes(facts: HostFacts) -> Iterator[Finding]:
    for name, ours in facts.cluster_networks.items():
        if _contains(ours, facts.node_ip):
            yield error(
                "subnets",
                f"the node's own address {facts.node_ip} is among those of {name}, {ours}",
                f"it cannot be reached so: choose another network for {name}, or another address",
            )
        for each in facts.networks:
            if not each.interface.startswith(OWN_INTERFACES) and _is_clash(ours, each.cidr):
                yield warning(
                    "subnets",
                    f"{each.cidr} on {each.interface} and {ours} of {name} overlap: machines there that have "
                    "the address of a pod or Service cannot be reached",
                    f"choose another network for {name}, or for {each.interface}",
                )
        for address in facts.nameservers:
            if _contains(ours, address):
                yield warning(
                    "subnets",
                    f"the nameserver {address} is among the addresses of {name}: it may not be reached",
                    "name another server in /etc/resolv.conf",
                )


def _is_clash(ours: IPv4Network, theirs: IPv4Network) -> bool:
    """The default route covers everything and clashes with nothing."""
    return theirs.prefixlen > 0 and ours.overlaps(theirs)


def _contains(network: IPv4Network, address: str) -> bool:
    try:
        return IPv4Address(address) in network
    except ValueError:
        return False


def proxies(facts: HostFacts) -> Iterator[Finding]:
    """kubectl and other programs send what is for the cluster to a proxy that knows nothing of it."""
    used = {name: url for name, url in facts.proxies.items() if name != "NO_PROXY"}
    if not used:
        return
    excluded = facts.proxies.get("NO_PROXY", "").split(",")
    through = [each for each in facts.unproxied if each not in excluded and "*" not in excluded]
    if through:
        yield warning(
            "proxies",
            f"{', '.join(used)} is set, and NO_PROXY leaves out {', '.join(through)}",
            "add them",
            f"export NO_PROXY={','.join([*filter(None, excluded), *through])}",
        )
    else:
        yield ok("proxies", f"{', '.join(used)} is set, and goes round the cluster")
