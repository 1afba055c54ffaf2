"""Node IPAM: a podCIDR for every node, out of the cluster's.

Source: pkg/controller/nodeipam/ipam/range_allocator.go. The nodes are the memory of what is taken.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import cache

from apimachinery import scheme
from apimachinery.objects import NamespacedName, Object
from client.controller import Watch, by_name
from client.events import NORMAL
from controller_manager.context import ControllerContext

EXHAUSTED_RETRY = 30.0

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def taken(nodes: Iterable[Object]) -> set[Network]:
    """The podCIDRs that nodes have."""
    return {
        _parsed(cidr)
        for node in nodes
        for cidr in node["spec"].get("podCIDRs") or [node["spec"].get("podCIDR")]
        if cidr
    }


@cache
def _parsed(cidr: str) -> Network:
    return ipaddress.ip_network(cidr)


def next_free(cluster: Network, mask_size: int, used: Iterable[Network]) -> Network | None:
    """The first subnet that overlaps none in use, or None when the range is exhausted.

    Each network in use is looked at once: an exhausted range is asked for every node that is left over.
    """
    start, size = int(cluster.network_address), 1 << (cluster.max_prefixlen - mask_size)
    count = cluster.num_addresses // size
    numbers: set[int] = set()
    for each in used:
        if each.version == cluster.version:
            first = max(int(each.network_address) - start, 0) // size
            last = (int(each.broadcast_address) - start) // size
            numbers.update(range(first, min(last + 1, count)))
    free = next((number for number in range(count) if number not in numbers), None)
    return None if free is None else type(cluster)((start + free * size, mask_size))


class NodeIpamController:
    """Gives each new node a subnet. One worker: two allocations never run at once."""

    name = "node-ipam-controller"
    workers = 1

    def __init__(self, context: ControllerContext) -> None:
        options = context.options
        self._client = context.client
        self._events = context.recorder("cidrAllocator")
        self._nodes = context.informers.informer(scheme.NODES)
        self._cluster = ipaddress.ip_network(options.cluster_cidr)
        self._mask_size = options.node_cidr_mask_size_ipv4 or options.node_cidr_mask_size
        self._assigned: dict[str, Network] = {}
        """What we gave and the cache may not show yet."""

    def watches(self) -> list[Watch]:
        return [Watch(self._nodes, by_name)]

    async def reconcile(self, key: NamespacedName) -> float | None:
        node = self._nodes.get(key)
        if node is None or node["spec"].get("podCIDR"):
            self._assigned.pop(key.name, None)
            return None
        subnet = self._assigned.get(key.name) or next_free(self._cluster, self._mask_size, self._used())
        if subnet is None:
            self._events.event(
                node, NORMAL, "CIDRNotAvailable", f"Node {key.name} status is now: CIDRNotAvailable"
            )
            return EXHAUSTED_RETRY
        self._assigned[key.name] = subnet
        patch = {"spec": {"podCIDR": str(subnet), "podCIDRs": [str(subnet)]}}
        await self._client.patch(scheme.NODES, key.name, patch)
        return None

    def _used(self) -> set[Network]:
        return taken(self._nodes.list()) | set(self._assigned.values())
